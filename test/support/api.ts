import { randomUUID } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { SecureContextOptions } from 'node:tls';

import { openKeyedRequests } from '../../src/app/idempotency.js';
import type { Authenticator } from '../../src/api/identity/identity.js';
import type { AlarmLink } from '../../src/alarm/notification.js';
import { createNoauthAuthenticator, refuseForeignPages } from '../../src/api/identity/noauth.js';
import { listen } from '../../src/api/http/listen.js';
import type { ServerCertificate } from '../../src/api/http/server-certificate.js';
import {
  BACKTEST_CONCURRENCY,
  LATEST_VALUES_CONCURRENCY,
  VALUES_CONCURRENCY,
  QUERY_CONCURRENCY,
  ConcurrencyLimit,
  createReadLimit,
} from '../../src/api/http/concurrency-limit.js';
import type { ComplexQueries, RuleChecks, Trusts } from '../../src/api/ports.js';
import type { RunAs } from '../../src/api/http/route.js';
import type { ApiDeps, TrialEvaluations } from '../../src/api/api-routes.js';
import { createApi } from '../../src/api/server.js';
import { createTrustActions } from '../../src/api/alarms/trust-actions.js';
import { createDatasources, type ConfiguredDatasources } from '../../src/datasource/registry.js';
import { createBacktests } from '../../src/evaluator/backtest.js';
import type { EgressGuard } from '../../src/egress/egress-guard.js';
import { NO_RATE_LIMITS, type RateLimits } from '../../src/api/http/rate-limits.js';
import { createExplain } from '../../src/evaluator/explain/explain.js';
import { createAlarmValues } from '../../src/evaluator/values/alarm-values.js';
import { createLatestValues } from '../../src/evaluator/values/latest-values.js';
import { StreamHub } from '../../src/api/stream/stream-hub.js';
import type { StreamLimits } from '../../src/api/stream/stream-slots.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore } from '../../src/storage/alarms/alarm-store.js';
import { openReceivers } from '../../src/app/receivers.js';
import { parseConfig } from '../../src/config/parse.js';
import { AuditRecorder } from '../../src/api/audit/audit-recorder.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import { createApiKeyStore } from '../../src/storage/secrets/api-key-store.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationCounterStore } from '../../src/storage/evaluation/evaluation-counter-store.js';
import { createEvaluationStore } from '../../src/storage/evaluation/evaluation-store.js';
import { createEventStore } from '../../src/storage/evaluation/event-store.js';
import { createClusterStore } from '../../src/storage/cluster/cluster-store.js';
import { createComplexQueryStore } from '../../src/storage/queries/complex-query-store.js';
import { createExplanationStore } from '../../src/storage/evaluation/explanation-store.js';
import { createStoredEvents } from '../../src/storage/evaluation/stored-events.js';
import { createHistoryStore } from '../../src/storage/alarms/history-store.js';
import { createImportStore } from '../../src/storage/alarms/import-store.js';
import { createListedAlarmStore } from '../../src/storage/alarms/listed-alarm-store.js';
import { createNotificationAdminStore } from '../../src/storage/notifications/notification-admin-store.js';
import { MOST_REPLAYED } from '../../src/storage/notifications/replay-store.js';
import { createTestNotificationStore } from '../../src/storage/notifications/test-notification-store.js';
import { createTransitionListStore } from '../../src/storage/alarms/transition-list-store.js';
import { createSilenceStore } from '../../src/storage/silences/silence-store.js';
import { createQuotaStore } from '../../src/storage/alarms/quota-store.js';
import type { Sealer } from '../../src/storage/secrets/sealed.js';
import { createTrustStore } from '../../src/storage/secrets/trust-store.js';
import { createStreamStore } from '../../src/storage/stream/stream-store.js';
import { createListedMeterStore } from '../../src/storage/meters/listed-meter-store.js';
import { createSampleStore } from '../../src/storage/meters/sample-store.js';
import { createStatisticsStore } from '../../src/storage/meters/statistics-store.js';
import { TEST_SEALER } from './sealer.js';
import { documentedAnswers, type RefuseUndocumented } from './documented-answers.js';
import { FakeClock } from './fake-clock.js';
import { metersIn } from './meters-in.js';
import { egressWith } from './egress.js';

/** Who asks: the identity headers of a request. */
export type Caller = Readonly<Record<string, string>>;

export const ADMIN: Caller = { 'x-user-id': 'root', 'x-project-id': 'ops', 'x-roles': 'admin' };
export const MEMBER: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': 'member' };
export const READER: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': 'reader' };
export const STRANGER: Caller = { 'x-user-id': 'u2', 'x-project-id': 'p2', 'x-roles': 'member' };

export interface Asked {
  as?: Caller;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer;
  headers?: Readonly<Record<string, string>>;
  /** The client's side of TLS. */
  tls?: SecureContextOptions;
}

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body, parsed. It is for the test to know its form. */
  json<T = Record<string, unknown>>(): T;
  /** The text of an error in Aodh's envelope; undefined in any other answer. */
  fault: string | undefined;
}

export interface TestApi {
  url: string;
  clock: FakeClock;
  /** Notifications that the notifiers were woken for so far. */
  wokenFor(): number;
  ask(method: string, path: string, asked?: Asked): Promise<Answered>;
  /** Creates an alarm, which must succeed, and returns its id. */
  create(body: unknown, as?: Caller): Promise<string>;
  streams: StreamHub;
  /** Number of open streams. */
  openStreams(): number;
  close(): Promise<void>;
}

export interface TestApiOptions {
  alarmMaxActions?: number;
  queueActions?: boolean;
  ruleChecks?: RuleChecks;
  /** Instead of the stored alarms and history. */
  queries?: ComplexQueries;
  /** Who asks is found out in another way than by believing headers. */
  authenticate?: Authenticator;
  /** -1, the default, is no limit. */
  alarmQuotas?: { project?: number; user?: number };
  countsResults?: boolean;
  /** Backends beside the built-in meters. */
  remote?: ConfiguredDatasources;
  trustedProxies?: string[];
  /** None by default. */
  rateLimits?: RateLimits;
  /** For ever by default. */
  historyKeptMs?: number;
  /** Of a project, beyond which replays are refused; 0, the default, is no limit. */
  notificationsPerHour?: number;
  /** Longest wait for the outcomes of tests of actions; 0, the default: those that have not begun are cancelled. */
  testWaitMs?: number;
  /** The links in the bodies of notifications; none by default. */
  alarmLink?: AlarmLink;
  /** Receives each wake-up of notifiers. */
  onWake?: () => void;
  /** Most notifications that one request replays. */
  mostReplayed?: number;
  runAs?: RunAs;
  maxConnections?: number | undefined;
  /** 0, the default: any free one. */
  port?: number;
  /** How long a request may take to arrive. */
  requestTimeoutMs?: number;
  /** The API has TLS, and its requests are sent with `tls`. */
  certificate?: ServerCertificate;
  tls?: SecureContextOptions;
  /** Whose connections are those of many clients. */
  isTrustedProxy?: (address: string) => boolean;
  /** Without it there is no Keystone, and `trust+` actions are refused. */
  trusts?: Trusts;
  trustsOverHttp?: boolean;
  /** Allows every address of this machine and every port by default. */
  egress?: EgressGuard;
  log?: Logger;
  /** For signing secrets. */
  sealer?: Sealer;
  /** 1,000 by default. */
  streamLimits?: Partial<StreamLimits>;
  /** Instead of believing the headers. */
  authentication?: (clock: FakeClock) => Authentication;
}

export type Authentication = Pick<ApiDeps, 'authenticate' | 'challenge'>;

/** Rule checks without a backend: every rule is accepted. */
const UNCHECKED: RuleChecks = {
  check: () => Promise.resolve([]),
  missingBackends: () => [],
  limitsOf: () => ({ missing: [], refusal: undefined }),
  externalOwner: () => Promise.resolve(null),
  knownBackends: () => [],
};

export const NO_KEYSTONE = 'trust+ actions need a Keystone token';
const noKeystone = (): Promise<never> => Promise.reject(new Error('not to be asked'));
/** Encrypts with a key that is no secret. */

const asNobody: RunAs = (_, work) => work();

const DEFAULTS = {
  port: 0,
  testWaitMs: 0,
  onWake: (): void => {},
  notificationsPerHour: 0,
  alarmMaxActions: -1,
  queueActions: false,
  trusts: undefined,
  trustsOverHttp: true,
  egress: egressWith(),
  rateLimits: NO_RATE_LIMITS,
  runAs: asNobody,
  isTrustedProxy: (): boolean => false,
  authentication: undefined,
  authenticate: createNoauthAuthenticator(),
  log: silentLogger,
  ruleChecks: UNCHECKED,
  countsResults: false,
  trustedProxies: [] as string[],
  tls: {},
};

/** The document of the first API of a test file. No option changes it, and to make and compile it takes 50 ms. */
let documented: Promise<RefuseUndocumented> | undefined;

async function documentedBy(url: string, tls: SecureContextOptions): Promise<RefuseUndocumented> {
  return documentedAnswers((await ask('GET', `${url}/openapi.json`, { tls })).json());
}

/**
 * The API on real stores, listening on a port of its own, with a client that says what came back and holds it to
 * /openapi.json.
 */
export async function startApi(given: Database, options: TestApiOptions = {}): Promise<TestApi> {
  const settings = { ...DEFAULTS, ...options };
  const { alarmMaxActions, queueActions, trusts, trustsOverHttp, authentication, log, ruleChecks, countsResults } =
    settings;
  const quotas = { ...NO_QUOTAS, ...options.alarmQuotas };
  const clock = new FakeClock();
  const { authenticate, challenge } = authentication?.(clock) ?? {
    authenticate: settings.authenticate,
    challenge: undefined,
  };
  let wokenFor = 0;
  const { database: db, keyedRequests } = openKeyedRequests(given, { sealer: TEST_SEALER, clock });
  const auditStore = createAuditStore(given);
  const metrics = { auditFailures: { inc: () => {} }, auditEntriesLost: { inc: () => {} } } as never;
  const audit = new AuditRecorder({
    store: auditStore,
    keepDays: 90,
    holdsWriters: true,
    logsEntries: false,
    clock,
    log,
    metrics,
  });
  let openStreams = 0;
  const streams = new StreamHub({
    store: createStreamStore(db),
    authenticate,
    clock,
    log,
    random: () => 0,
    limits: { inAll: 1_000, perProject: 1_000, ...options.streamLimits },
    keepMs: STREAM_KEEP_MS,
    onChange: (open) => (openStreams = open),
  });
  const app = createApi({
    streams,
    alarms: createAlarmStore(db, { sealer: TEST_SEALER, quotas }),
    listedAlarms: createListedAlarmStore(db),
    ruleChecks,
    history: createHistoryStore(db, TEST_SEALER),
    transitions: createTransitionListStore(db),
    imports: createImportStore(db, TEST_SEALER),
    queries: options.queries ?? createComplexQueryStore(db, TEST_SEALER),
    queryLimit: new ConcurrencyLimit(QUERY_CONCURRENCY),
    readLimit: createReadLimit(),
    ...looks(db, settings, clock),
    samples: createSampleStore(db),
    statistics: createStatisticsStore(db),
    listedMeters: createListedMeterStore(db),
    events: createEventStore(db, {
      now: () => clock.now(),
      pause: () => new Promise((resolve) => setImmediate(resolve)),
      staleAfterMs: 60_000,
      defaultPolicy: 'current',
      alarmLink: options.alarmLink,
    }),
    waker: {
      wake(notifications) {
        wokenFor += notifications;
        settings.onWake();
      },
    },
    alarmLink: options.alarmLink,
    testWaitMs: settings.testWaitMs,
    onFired: () => {},
    notifications: createNotificationAdminStore(db, {
      perProjectAndHour: settings.notificationsPerHour,
      most: options.mostReplayed ?? MOST_REPLAYED,
    }),
    tests: createTestNotificationStore(db, {
      sealer: TEST_SEALER,
      perProjectAndHour: settings.notificationsPerHour,
    }),
    cluster: createClusterStore(db),
    silences: createSilenceStore(db),
    ...openReceivers({ config: parseConfig({}), db, sealer: options.sealer ?? TEST_SEALER }),
    quotas: createQuotaStore(db),
    projectAlarmQuota: quotas.project,
    evaluationResults: countsResults ? createEvaluationCounterStore(db) : undefined,
    actions: {
      alarmMaxActions,
      queueActions,
      egress: settings.egress,
      trustActions: { refusal: trusts ? undefined : NO_KEYSTONE, overHttp: trustsOverHttp },
    },
    trustActions: createTrustActions({
      trusts: trusts ?? { create: noKeystone, remove: noKeystone },
      alarmTrusts: createTrustStore(db, TEST_SEALER),
      now: () => clock.now(),
      newId: () => randomUUID(),
      log,
    }),
    apiKeys: createApiKeyStore(db),
    authMode: 'noauth',
    signIn: undefined,
    keyLifetimeMs: parseConfig({}).auth.key_lifetime,
    authenticate,
    rateLimits: settings.rateLimits,
    audit,
    auditTrail: auditStore,
    runAs: settings.runAs,
    keyedRequests,
    clock,
    challenge,
    trustsIdentityHeaders: authentication === undefined,
    refuse: authentication ? () => {} : (request) => refuseForeignPages(request, { exposed: false }),
    now: () => clock.now(),
    newId: () => randomUUID(),
    log,
    onStored: () => {},
    onAnswer: () => {},
    version: '0.0.0',
    trustedProxies: settings.trustedProxies,
    hasTls: options.certificate !== undefined,
    metrics: () => Promise.resolve({ contentType: 'text/plain', content: '' }),
    readiness: () => Promise.resolve([{ name: 'test', ok: true }]),
  });
  const listener = await listen(app, {
    host: '127.0.0.1',
    port: settings.port,
    setting: 'api.port',
    clock,
    isTrustedProxy: settings.isTrustedProxy,
    maxConnections: options.maxConnections,
    requestTimeoutMs: options.requestTimeoutMs,
    certificate: options.certificate,
  });
  const refuseUndocumented = await (documented ??= documentedBy(listener.url, settings.tls));
  const askApi: TestApi['ask'] = async (method, path, asked = {}) => {
    const answer = await ask(method, listener.url + path, { tls: settings.tls, ...asked });
    refuseUndocumented(method, path, answer);
    return answer;
  };
  return {
    url: listener.url,
    clock,
    wokenFor: () => wokenFor,
    ask: askApi,
    async create(body, as = ADMIN) {
      const answer = await askApi('POST', '/v2/alarms', { as, body });
      if (answer.status !== 201) throw new Error(`not created: ${answer.status} ${answer.text}`);
      return answer.json<{ alarm_id: string }>().alarm_id;
    },
    streams,
    openStreams: () => openStreams,
    async close() {
      streams.close();
      await listener.close(Promise.resolve());
      await audit.close();
    },
  };
}

const INTERVAL_MS = 60_000;
/** Age up to which a test's API resumes streams. */
export const STREAM_KEEP_MS = 24 * 3_600_000;

function looks(
  db: Database,
  { remote, historyKeptMs }: Pick<TestApiOptions, 'remote' | 'historyKeptMs'>,
  clock: FakeClock,
): TrialEvaluations {
  const datasources = createDatasources({
    meters: metersIn(db, { succeeded: () => {}, failed: () => {} }),
    ...remote,
  });
  const { reachableFrom } = createEvaluationStore(db);
  const store = createExplanationStore(db);
  const walked = { datasources, pause: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  return {
    explain: createExplain({
      datasources,
      store,
      reachableFrom,
      silences: createSilenceStore(db),
      intervalMs: INTERVAL_MS,
      graceMs: 3 * INTERVAL_MS,
    }),
    backtests: createBacktests(walked),
    backtestLimit: new ConcurrencyLimit(BACKTEST_CONCURRENCY, 'backtests'),
    alarmValues: createAlarmValues({ ...walked, store, reachableFrom, storedEvents: createStoredEvents(db) }),
    valuesLimit: new ConcurrencyLimit(VALUES_CONCURRENCY, 'requests for values'),
    latestValues: createLatestValues({ datasources, clock, intervalMs: INTERVAL_MS }),
    latestValuesLimit: new ConcurrencyLimit(LATEST_VALUES_CONCURRENCY, 'requests for latest values'),
    intervalMs: INTERVAL_MS,
    historyKeptMs,
  };
}

/** One request to any listener. Not `fetch`: it does not let a test choose the Host header. */
export function ask(method: string, url: string, { as = ADMIN, body, raw, headers, tls }: Asked): Promise<Answered> {
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const type =
    content === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(content) };
  return new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(url, { ...tls, method, headers: { ...type, ...as, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      const isStream = response.headers['content-type'] === 'text/event-stream';
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (isStream) request.destroy(); // has no end: its first piece is the answer
      });
      response.on('error', isStream ? () => undefined : reject);
      response.on(isStream ? 'close' : 'end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: <T>() => JSON.parse(text) as T,
          fault: faultIn(text),
        });
      });
    });
    request.on('error', reject);
    request.end(content);
  });
}

function faultIn(text: string): string | undefined {
  if (!text.startsWith('{"error_message"')) return undefined;
  return (JSON.parse(text) as { error_message: { faultstring: string } }).error_message.faultstring;
}

/** A body that creates a threshold alarm. Fields given replace its own. */
export function thresholdBody(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'cpu high',
    type: 'threshold',
    threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt' },
    ...fields,
  };
}

export function combinationBody(ids: readonly string[], fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { name: 'both', type: 'combination', combination_rule: { alarm_ids: ids }, ...fields };
}
