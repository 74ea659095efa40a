import type { Backtests } from '../evaluator/backtest.js';
import type { Explain } from '../evaluator/explain/explain.js';
import type { AlarmLink } from '../alarm/notification.js';
import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';
import type { ActionPolicy } from './alarms/check-actions.js';
import type { AuditRecorder } from './audit/audit-recorder.js';
import type { Challenge } from './http/error-handler.js';
import type { Authenticator, Credentials } from './identity/identity.js';
import type {
  Alarms,
  ApiKeyAdmin,
  AuditTrail,
  Cluster,
  ComplexQueries,
  EvaluationResults,
  History,
  Imports,
  ListedAlarms,
  ListedMeters,
  MeterStatistics,
  NotificationAdmin,
  TestNotifications,
  Quotas,
  RuleChecks,
  Samples,
  Transitions,
  ReceiverRecords,
  SigningSecrets,
  Silences,
} from './ports.js';
import type { RotationRules } from '../storage/receivers/signing-secret-store.js';
import type { ConcurrencyLimit } from './http/concurrency-limit.js';
import type { KeyedRequests } from './http/idempotency.js';
import type { RateLimits } from './http/rate-limits.js';
import { openApiDocument } from './openapi/document.js';
import type { Route, RunAs } from './http/route.js';
import { alarmStateRoutes } from './routes/alarm-state.js';
import { alarmRoutes } from './routes/alarms.js';
import { alarmSchemaRoutes } from './routes/alarm-schema.js';
import { alarmValuesRoutes, type AlarmValuesRoutesDeps } from './routes/alarm-values.js';
import { auditRoutes } from './routes/audit.js';
import { backtestRoutes } from './routes/backtest.js';
import { explainRoutes } from './routes/explain.js';
import { apiKeyRoutes } from './routes/api-keys.js';
import { capabilityRoutes } from './routes/capabilities.js';
import { consoleRoutes } from './routes/console.js';
import { docsRoutes } from './routes/docs.js';
import { clusterRoutes } from './routes/cluster.js';
import { evaluationResultRoutes } from './routes/evaluation-results.js';
import { eventRoutes, type EventRoutesDeps } from './routes/events.js';
import { healthRoutes, type HealthRoutesDeps } from './routes/health.js';
import { historyRoutes } from './routes/history.js';
import { importRoutes } from './routes/imports.js';
import { listedAlarmsRoutes } from './routes/listed-alarms.js';
import { listedMetersRoutes } from './routes/listed-meters.js';
import { meterRoutes } from './routes/meters.js';
import { deliveryPauseRoutes } from './routes/delivery-pauses.js';
import { notificationRoutes } from './routes/notifications.js';
import { replayRoutes } from './routes/replays.js';
import { testFireRoutes } from './routes/test-fire.js';
import { silenceRoutes } from './routes/silences.js';
import { receiverRoutes } from './routes/receivers.js';
import { quotaRoutes } from './routes/quotas.js';
import { sessionRoutes, type SessionRoutesDeps } from './routes/session.js';
import { queryRoutes } from './routes/query.js';
import { transitionRoutes } from './routes/transitions.js';
import { streamRoutes, type StreamRoutesDeps } from './routes/stream.js';
import { versionRoutes } from './routes/versions.js';
import type { TrustActions } from './alarms/trust-actions.js';

/** Everything that the API needs from the process. */
export interface ApiDeps
  extends
    HealthRoutesDeps,
    EventRoutesDeps,
    SessionRoutesDeps,
    StreamRoutesDeps,
    Pick<AlarmValuesRoutesDeps, 'alarmValues' | 'latestValues' | 'valuesLimit' | 'latestValuesLimit'> {
  alarms: Alarms;
  listedAlarms: ListedAlarms;
  ruleChecks: RuleChecks;
  history: History;
  transitions: Transitions;
  imports: Imports;
  queries: ComplexQueries;
  queryLimit: ConcurrencyLimit;
  readLimit: ConcurrencyLimit;
  explain: Explain;
  backtests: Backtests;
  backtestLimit: ConcurrencyLimit;
  /** Time between two evaluations of an alarm. */
  intervalMs: number;
  historyKeptMs: number | undefined;
  samples: Samples;
  statistics: MeterStatistics;
  listedMeters: ListedMeters;
  notifications: NotificationAdmin;
  tests: TestNotifications;
  /** The links in the bodies of tests; undefined if bodies have none. */
  alarmLink?: AlarmLink | undefined;
  /** Longest wait for the outcomes of tests of actions. */
  testWaitMs: number;
  cluster: Cluster;
  silences: Silences;
  receivers: ReceiverRecords;
  signingSecrets: SigningSecrets;
  /** How signing secrets are replaced. */
  signing: RotationRules;
  /** True if headers of a receiver may be sent to this machine over a connection without TLS. */
  headersToLoopback: boolean;
  quotas: Quotas;
  /** Default quota: most alarms of a project; -1 is no limit. */
  projectAlarmQuota: number;
  /** Undefined if results are not counted (`api.evaluation_results_metrics`). */
  evaluationResults: EvaluationResults | undefined;
  /** Undefined if the API does not accept API keys. */
  apiKeys: ApiKeyAdmin | undefined;
  /** Life of an API key that is made through the API without `expires_in`. */
  keyLifetimeMs: number;
  actions: ActionPolicy;
  trustActions: TrustActions;
  authenticate: Authenticator;
  rateLimits: RateLimits;
  runAs: RunAs;
  keyedRequests: KeyedRequests;
  /** Writes the audit trail. */
  audit: AuditRecorder;
  auditTrail: AuditTrail;
  /** For deadlines of requests and answers. */
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** True if callers state their identity in headers. If false, these headers are deleted first. */
  trustsIdentityHeaders: boolean;
  /** Sent with each 401. */
  challenge?: Challenge | undefined;
  /** Refuses requests by their origin, before authentication. */
  refuse: (request: Pick<Credentials, 'headers' | 'origin'>) => void;
  now: () => Date;
  newId: () => string;
  log: Logger;
  onStored: (samples: number) => void;
  onAnswer: (method: string, status: number) => void;
  /** Addresses and networks whose `X-Forwarded-…` headers are trusted. */
  trustedProxies: readonly string[];
  /** True if the listener accepts only TLS. */
  hasTls: boolean;
  version: string;
}

/** What evaluates alarms for a request, without effect on their state. */
export type TrialEvaluations = Pick<
  ApiDeps,
  | 'explain'
  | 'backtests'
  | 'backtestLimit'
  | 'alarmValues'
  | 'valuesLimit'
  | 'latestValues'
  | 'latestValuesLimit'
  | 'intervalMs'
  | 'historyKeptMs'
>;

/** The route table of the API. Only handlers use what the routes are given. */
export function apiRoutes(deps: ApiDeps): Route[] {
  const routes: Route[] = [
    ...versionRoutes(),
    ...healthRoutes(deps),
    // Before the alarms, since /v2/alarms/backtest also matches /v2/alarms/:id.
    ...backtestRoutes(deps),
    ...alarmValuesRoutes(deps),
    ...listedAlarmsRoutes(deps),
    ...alarmSchemaRoutes(deps),
    ...testFireRoutes(deps),
    ...alarmRoutes(deps),
    ...explainRoutes(deps),
    ...alarmStateRoutes(deps),
    ...historyRoutes(deps),
    ...transitionRoutes(deps),
    ...queryRoutes(deps),
    ...meterRoutes(deps),
    ...listedMetersRoutes(deps),
    ...eventRoutes(deps),
    ...replayRoutes(deps),
    ...notificationRoutes(deps),
    ...deliveryPauseRoutes(deps),
    ...streamRoutes(deps),
    ...silenceRoutes(deps),
    ...receiverRoutes(deps),
    ...importRoutes(deps),
    ...quotaRoutes(deps),
    ...capabilityRoutes(),
    ...evaluationResultRoutes(deps),
    ...clusterRoutes(deps),
    ...auditRoutes(deps),
    ...(deps.apiKeys ? apiKeyRoutes({ ...deps, apiKeys: deps.apiKeys }) : []),
    ...sessionRoutes(deps),
    ...consoleRoutes(deps),
    ...docsRoutes({ document: () => openApiDocument(routes, deps.version) }),
  ];
  return routes;
}
