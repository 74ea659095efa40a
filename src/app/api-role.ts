import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

import type { AuditRecorder } from '../api/audit/audit-recorder.js';
import type { DatasourceKind } from '../alarm/series.js';
import { listen, type Listener } from '../api/http/listen.js';
import { ServerCertificate } from '../api/http/server-certificate.js';
import type { ReadinessCheck } from '../api/ports.js';
import {
  BACKTEST_CONCURRENCY,
  LATEST_VALUES_CONCURRENCY,
  QUERY_CONCURRENCY,
  VALUES_CONCURRENCY,
  ConcurrencyLimit,
  createReadLimit,
} from '../api/http/concurrency-limit.js';
import type { ApiDeps, TrialEvaluations } from '../api/api-routes.js';
import { createApi, createManagementApi } from '../api/server.js';
import { FairPermits, type PermitLimits } from '../async/fair-permits.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/schema.js';
import type { EgressGuard } from '../egress/egress-guard.js';
import type { BackendObserver } from '../datasource/datasource.js';
import { createBacktests } from '../evaluator/backtest.js';
import { createExplain } from '../evaluator/explain/explain.js';
import { createAlarmValues } from '../evaluator/values/alarm-values.js';
import { createLatestValues } from '../evaluator/values/latest-values.js';
import type { KeystoneSession } from '../keystone/session.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker } from '../notifier/waker.js';
import type { ReleaseStack } from '../release-stack.js';
import { createAuditStore } from '../storage/audit/audit-store.js';
import { createAlarmStore } from '../storage/alarms/alarm-store.js';
import { createApiKeyStore } from '../storage/secrets/api-key-store.js';
import type { Database } from '../storage/database.js';
import { createSessionStore } from '../storage/secrets/session-store.js';
import type { Sealer } from '../storage/secrets/sealed.js';
import { fairDatabase } from '../storage/fair-database.js';
import { createEvaluationCounterStore } from '../storage/evaluation/evaluation-counter-store.js';
import { createEvaluationStore } from '../storage/evaluation/evaluation-store.js';
import { createEventStore } from '../storage/evaluation/event-store.js';
import { createClusterStore } from '../storage/cluster/cluster-store.js';
import { createComplexQueryStore } from '../storage/queries/complex-query-store.js';
import { PatternMatcher } from '../storage/queries/pattern-matcher.js';
import { createExplanationStore } from '../storage/evaluation/explanation-store.js';
import { createStoredEvents } from '../storage/evaluation/stored-events.js';
import { createHistoryStore } from '../storage/alarms/history-store.js';
import { createImportStore } from '../storage/alarms/import-store.js';
import { createListedAlarmStore } from '../storage/alarms/listed-alarm-store.js';
import { createNotificationAdminStore } from '../storage/notifications/notification-admin-store.js';
import { createTestNotificationStore } from '../storage/notifications/test-notification-store.js';
import { createTransitionListStore } from '../storage/alarms/transition-list-store.js';
import { createQuotaStore } from '../storage/alarms/quota-store.js';
import { createSilenceStore } from '../storage/silences/silence-store.js';
import { createListedMeterStore } from '../storage/meters/listed-meter-store.js';
import { createSampleStore } from '../storage/meters/sample-store.js';
import { createStatisticsStore } from '../storage/meters/statistics-store.js';
import type { Telemetry } from '../telemetry.js';
import { alarmLinkIn } from './alarm-link.js';
import { createAuthentication } from './authentication.js';
import { countAnswers } from './count-answers.js';
import { openDatasources } from './datasources/open.js';
import { graceOf } from './evaluator-role.js';
import { openKeyedRequests } from './idempotency.js';
import { listenForClients } from './listen-for-clients.js';
import { eventOptions } from './waiting-firings.js';
import { openLimitsRedis, openRateLimits } from './rate-limits.js';
import { createRuleChecks } from './rule-checks.js';
import { openReceivers } from './receivers.js';
import { openStreams } from './streams.js';
import { wakingAfterChanges, type StreamWaker } from './stream-wakers.js';
import { openTrustActions, trustRefusal } from './trusts.js';

/** Dependencies of the API role. */
export interface ApiRoleDeps {
  config: Config;
  db: Database;
  sealer: Sealer;
  /** Undefined if Keystone is not configured. */
  keystone: KeystoneSession | undefined;
  egress: EgressGuard;
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  audit: AuditRecorder;
  version: string;
  waker: NotifierWaker;
  streamWaker: StreamWaker;
  readiness: () => Promise<ReadinessCheck[]>;
  resources: ReleaseStack;
}

/** Starts the API. @throws StartupError if it may not or cannot listen at the configured address. */
export async function listenApi(given: ApiRoleDeps): Promise<Listener> {
  const owners = new AsyncLocalStorage<string>();
  const permits = new FairPermits(permitLimitsOf(given));
  const ownerOf = (): string => owners.getStore() ?? 'the service';
  const { database: db, keyedRequests } = openKeyedRequests(fairDatabase(given.db, permits, ownerOf), given);
  const deps = { ...given, db };
  // One at a time of a project: beside them, PostgreSQL has little time left for the short statements of others.
  const longReads = fairDatabase(db, new FairPermits(longReadLimitsOf(given)), ownerOf);
  const { config, keystone, egress, clock, log, telemetry, audit, version, waker, readiness, resources } = deps;
  const { alarm_max_actions, project_alarm_quota } = config.api;
  const apiKeys = createApiKeyStore(db);
  const redis = openLimitsRedis(config, log, resources);
  const sessions = createSessionStore(db);
  const credentials = { apiKeys, sessions, keystone };
  const { detail, ...authentication } = await createAuthentication({ config, clock, log, redis, ...credentials });
  const auth: ReadinessCheck = { name: 'auth', ok: true, detail };
  const certificate = openCertificate('api', deps);
  const streams = openStreams({ ...given, authenticate: authentication.authenticate });
  const app = createApi({
    ...openStores(deps, longReads, ownerOf),
    ruleChecks: createRuleChecks({ config, clock, resources, keystone }),
    queryLimit: new ConcurrencyLimit(QUERY_CONCURRENCY),
    readLimit: createReadLimit(),
    ...openTrialEvaluations({ ...deps, db: longReads }),
    waker,
    alarmLink: alarmLinkIn(config),
    testWaitMs: TEST_WAIT_MS,
    onFired: (firings) => telemetry.transitions.inc({ state: 'alarm' }, firings),
    projectAlarmQuota: project_alarm_quota,
    actions: {
      alarmMaxActions: alarm_max_actions,
      queueActions: config.queue.redis_url !== undefined,
      egress,
      trustActions: { refusal: trustRefusal({ config, keystone }), overHttp: config.notifier.trust_actions_over_http },
    },
    trustActions: openTrustActions({ config, db, keystone, clock, log, newId: () => randomUUID() }),
    // With auth.mode keystone, keys are not accepted and the API does not create any: a key could outlive the token of
    // its creator. The command line can create keys in advance.
    apiKeys: config.auth.mode === 'keystone' ? undefined : apiKeys,
    keyLifetimeMs: config.auth.key_lifetime,
    ...authentication,
    streams,
    runAs: (owner, work) => owners.run(owner, work),
    keyedRequests,
    audit,
    clock,
    rateLimits: openRateLimits({ config, isLocal: detail === 'noauth', redis }),
    now: () => clock.now(),
    newId: () => randomUUID(),
    log,
    onStored: (samples) => telemetry.samplesStored.inc(samples),
    onAnswer: wakingAfterChanges(countAnswers(telemetry), given.streamWaker),
    version,
    trustedProxies: config.api.trusted_proxies,
    hasTls: certificate !== undefined,
    // Metrics are for operators. With authentication only the management listener has them.
    metrics: authentication.trustsIdentityHeaders ? metricsOf(telemetry) : undefined,
    readiness: async () => [...(await readiness()), auth],
  });
  return listenForClients(app, { config, clock, certificate, streams });
}

/** What the API stores and reads, apart from API keys. */
function openStores(deps: ApiRoleDeps, longReads: Database, ownerOf: () => string) {
  const { config, db, sealer } = deps;
  const { project_alarm_quota: project, user_alarm_quota: user, evaluation_results_metrics } = config.api;
  const perProjectAndHour = config.limits.notifications_per_hour;
  return {
    alarms: createAlarmStore(db, { sealer, quotas: { project, user } }, deps.clock),
    listedAlarms: createListedAlarmStore(db),
    history: createHistoryStore(db, sealer),
    transitions: createTransitionListStore(db),
    imports: createImportStore(db, sealer),
    queries: openQueries({ ...deps, db: longReads }, ownerOf),
    samples: createSampleStore(db),
    statistics: createStatisticsStore(longReads),
    listedMeters: createListedMeterStore(db),
    events: createEventStore(db, eventOptions(deps)),
    notifications: createNotificationAdminStore(db, { perProjectAndHour }),
    tests: createTestNotificationStore(db, { sealer, perProjectAndHour }),
    cluster: createClusterStore(db),
    silences: createSilenceStore(db),
    ...openReceivers(deps),
    quotas: createQuotaStore(db),
    evaluationResults: evaluation_results_metrics ? createEvaluationCounterStore(db) : undefined,
    auditTrail: createAuditStore(db),
  } satisfies Partial<ApiDeps>;
}

/** Shorter than the timeouts of usual proxies. */
const TEST_WAIT_MS = 30_000;
const SECOND_MS = 1_000;
/** Connections that the API leaves to an evaluator and a notifier in the same process. */
const LEFT_TO_OTHERS = 3;

/** One project gets at most a third of the connections that the API uses. The embedded database has one. */
function permitLimitsOf({
  config: { roles, database },
  db,
  clock,
}: Pick<ApiRoleDeps, 'config' | 'db' | 'clock'>): PermitLimits {
  if (db.kind === 'pglite') return { inAll: 1, perOwner: 1, rests: { clock, afterMs: 100 } };
  const inAll = Math.max(1, database.max_connections - (roles.length > 1 ? LEFT_TO_OTHERS : 0));
  return { inAll, perOwner: Math.ceil(inAll / 3) };
}

/** Of one project, one long read runs at a time. The embedded database has rests for all of its work. */
function longReadLimitsOf(deps: Pick<ApiRoleDeps, 'config' | 'db' | 'clock'>): PermitLimits {
  const { inAll, rests } = permitLimitsOf(deps);
  return { inAll, perOwner: 1, ...(!rests && { rests: { clock: deps.clock, afterMs: 10 } }) };
}

/** Regular expressions run in a thread of their own. */
function openQueries({ db, sealer, clock, resources }: ApiRoleDeps, ownerOf: () => string): ApiDeps['queries'] {
  const patterns = new PatternMatcher({ clock, ownerOf });
  resources.push('regular expressions', () => patterns.close());
  return createComplexQueryStore(db, sealer, { testTexts: patterns.testTexts });
}

/** Explanations, backtests and values have their own clients of backends, so that they do not delay evaluations. */
function openTrialEvaluations(deps: ApiRoleDeps): TrialEvaluations {
  const { config, db, clock, resources } = deps;
  const { interval: intervalMs } = config.evaluator;
  const datasources = openDatasources({ ...deps, health: { observerOf: countQueries(deps.telemetry) } });
  resources.push('backends of the API', () => datasources.close());
  const { reachableFrom } = createEvaluationStore(db);
  const store = createExplanationStore(db);
  const silences = createSilenceStore(db);
  const walked = { datasources, pause: () => clock.sleep(0) };
  return {
    explain: createExplain({ datasources, store, reachableFrom, silences, intervalMs, graceMs: graceOf(config) }),
    backtests: createBacktests(walked),
    backtestLimit: new ConcurrencyLimit(BACKTEST_CONCURRENCY, 'backtests'),
    alarmValues: createAlarmValues({ ...walked, store, reachableFrom, storedEvents: createStoredEvents(db) }),
    valuesLimit: new ConcurrencyLimit(VALUES_CONCURRENCY, 'requests for values'),
    latestValues: createLatestValues({ datasources, clock, intervalMs }),
    latestValuesLimit: new ConcurrencyLimit(LATEST_VALUES_CONCURRENCY, 'requests for latest values'),
    intervalMs,
    historyKeptMs: config.history.keep_for,
  };
}

/** Counts requests of the API and ignores them for the health of backends, which evaluations alone decide. */
function countQueries({ backendQueries }: Telemetry): (datasource: DatasourceKind) => BackendObserver {
  return (datasource) => ({
    succeeded: () => backendQueries.inc({ datasource, outcome: 'ok' }),
    failed: () => backendQueries.inc({ datasource, outcome: 'failed' }),
  });
}

/** Starts the management listener, which serves health and metrics of a process with any roles. */
export function listenManagement(
  {
    config,
    clock,
    log,
    telemetry,
    readiness,
  }: Pick<ApiRoleDeps, 'config' | 'clock' | 'log' | 'telemetry' | 'readiness'>,
  port: number,
): Promise<Listener> {
  const certificate = openCertificate('management', { config, clock, log, telemetry });
  const app = createManagementApi({
    log,
    clock,
    readiness,
    metrics: metricsOf(telemetry),
    refuse: () => undefined,
    trustedProxies: [],
    hasTls: certificate !== undefined,
    onAnswer: countAnswers(telemetry),
  });
  return listen(app, {
    host: config.management.host,
    port,
    setting: 'management.port',
    clock,
    isTrustedProxy: () => false,
    certificate,
  });
}

/** The certificate of a listener; undefined if it has no TLS. @throws StartupError for unusable files. */
function openCertificate(
  listener: 'api' | 'management',
  { config, clock, log, telemetry }: Pick<ApiRoleDeps, 'config' | 'clock' | 'log' | 'telemetry'>,
): ServerCertificate | undefined {
  const { cert_file, key_file, client_ca_file } = config[listener].tls;
  if (cert_file === undefined || key_file === undefined) return undefined;
  return new ServerCertificate({
    files: { cert_file, key_file, ...(client_ca_file !== undefined && { client_ca_file }) },
    setting: `${listener}.tls`,
    clock,
    log,
    onUse: (validTo) => telemetry.certificateExpiry.set({ listener }, validTo.getTime() / SECOND_MS),
  });
}

function metricsOf({ registry }: Telemetry): () => Promise<{ contentType: string; content: string }> {
  return async () => ({ contentType: registry.contentType, content: await registry.metrics() });
}
