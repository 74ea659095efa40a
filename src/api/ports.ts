import type { DatasourceKind } from '../alarm/series.js';
import type { AlarmKind, AlarmRule } from '../alarm/types/index.js';
import type { AlarmQuery } from '../storage/alarms/alarm-list-store.js';
import type { AlarmCounts } from '../storage/alarms/alarm-counts.js';
import type { AlarmChange, Creation, Removal, Replacement, StoredAlarm } from '../storage/alarms/alarm-store.js';
import type { ResultCountQuery, ResultCounts } from '../storage/evaluation/evaluation-counter-store.js';
import type {
  ApiKey,
  ApiKeyCredential,
  ApiKeyQuery,
  NewApiKey,
  OneApiKey,
  RevokedApiKey,
} from '../storage/secrets/api-key-store.js';
import type { MatchedAlarm } from '../alarm/silence/matchers.js';
import type { OpenSilence, Silence } from '../alarm/silence/silence.js';
import type { StoredSilence } from '../storage/silences/silence-row.js';
import type { MatchedPage } from '../storage/silences/matching-alarms.js';
import type {
  ChangeSilence,
  SilenceAuthor,
  SilenceChange,
  SilenceListPage,
  SilenceQuery,
} from '../storage/silences/silence-store.js';
import type { AuditEntry } from '../storage/audit/audit-entry.js';
import type { AuditQuery } from '../storage/audit/audit-store.js';
import type { AlarmEvent } from '../alarm/types/event/event.js';
import type { RecordedEvents } from '../storage/evaluation/event-store.js';
import type { AwaitedFirings, EventKey } from '../storage/evaluation/waiting-firings.js';
import type { ClusterState } from '../storage/cluster/cluster-store.js';
import type { ComplexQuery } from '../storage/queries/complex-query-store.js';
import type { HistoryEntry, HistoryQuery } from '../storage/alarms/history-store.js';
import type { ListedAlarmFilter } from '../storage/alarms/listed-alarm-query.js';
import type { ListedAlarmPage, ListedAlarmQuery } from '../storage/alarms/listed-alarm-store.js';
import type { ActivatedAlarm, Activation, Import, ImportStatus } from '../storage/alarms/import-store.js';
import type {
  AttemptRecord,
  NotificationQuery,
  NotificationRecord,
} from '../storage/notifications/notification-admin-store.js';
import type { ReceiverList } from '../storage/notifications/receiver-list-store.js';
import type { ReplayFilter } from '../storage/notifications/replay-candidates.js';
import type { ReplayPreview } from '../storage/notifications/replay-preview.js';
import type { Replay, ReplayFollower, ReplaySelection } from '../storage/notifications/replay-store.js';
import type { DeliveryPause, NewPause } from '../storage/notifications/delivery-pause-store.js';
import type { NewTests, TestRecord, TestsSent } from '../storage/notifications/test-notification-store.js';
import type { TransitionPage, TransitionQuery } from '../storage/alarms/transition-list-store.js';
import type { Quota } from '../storage/alarms/quota-store.js';
import type { AlarmFieldName, HistoryFieldName } from '../storage/queries/query-fields.js';
import type { SampleFilter } from '../storage/meters/sample-filter.js';
import type {
  ListedMeterPage,
  ListedMeterQuery,
  ListedResourcePage,
  ListedResourceQuery,
} from '../storage/meters/listed-meter.js';
import type { Meter, Resource, ResourceFilter } from '../storage/meters/resource-list.js';
import type { Sample } from '../storage/meters/sample-store.js';
import type { ReceiverStore } from '../storage/receivers/receiver-store.js';
import type { SigningSecretStore } from '../storage/receivers/signing-secret-store.js';
import type { Scope } from '../storage/scope.js';
import type { Statistics, StatisticsQuery } from '../storage/meters/statistics-store.js';
import type { NewSession, StoredSession } from '../storage/secrets/session-store.js';
import type { StreamStore } from '../storage/stream/stream-store.js';
import type { AlarmTrust, SealedTrust } from '../storage/secrets/trust-store.js';
import type { Identity } from './identity/identity.js';

/** Storage of alarms. */
export interface Alarms {
  createWithin<T>(creation: Creation, write: (insert: () => Promise<void>) => Promise<T>): Promise<T>;
  find(scope: Scope, id: string): Promise<StoredAlarm | undefined>;
  list(scope: Scope, query: AlarmQuery): AsyncIterable<StoredAlarm[]>;
  replace(scope: Scope, id: string, replacement: Replacement): Promise<StoredAlarm | undefined>;
  setState(scope: Scope, id: string, change: (current: StoredAlarm) => AlarmChange): Promise<StoredAlarm | undefined>;
  remove(scope: Scope, id: string, removal: Removal): Promise<boolean>;
}

/** Alarms as tables show them. */
export interface ListedAlarms {
  page(scope: Scope, query: ListedAlarmQuery): Promise<ListedAlarmPage>;
  counts(scope: Scope, filter: ListedAlarmFilter): Promise<AlarmCounts>;
}

/** Changes of state of all alarms. */
export interface Transitions {
  page(scope: Scope, query: TransitionQuery): Promise<TransitionPage>;
}

/** Storage of alarms that were imported from Aodh. */
export interface Imports {
  importStatusOf(id: string): Promise<ImportStatus>;
  insertMuted(imported: Import): Promise<boolean>;
  activate(activation: Activation): AsyncIterable<ActivatedAlarm[]>;
}

/** Trusts at Keystone. With a trust, this service may act as the user who created it. */
export interface Trusts {
  /**
   * Creates a trust for the caller's rights in the caller's project and resolves to its id. `onSpare` is called, now or
   * later, with the id of each further trust that a repeated request created, and with undefined if that is unknown.
   * @throws AppError `invalid_request` if the caller cannot lend them, `unavailable` without a usable answer.
   */
  create(identity: Identity, onSpare: (trustId: string | undefined) => void): Promise<string>;
  /**
   * Deletes a trust. Resolves once Keystone has no such trust. Uses the rights of `identity`, or those of this service
   * if they are not sufficient.
   */
  remove(trustId: string, identity?: Identity): Promise<void>;
}

/** Storage of the trusts that alarms use. */
export interface AlarmTrusts {
  seal(trust: AlarmTrust): SealedTrust;
  reveal(trust: SealedTrust): AlarmTrust;
  ofAlarm(alarmId: string): Promise<SealedTrust | undefined>;
  isKnown(id: string): Promise<boolean>;
  discarded(alarmId: string): Promise<SealedTrust[]>;
  addDiscarded(trust: SealedTrust, at: Date): Promise<void>;
  forget(id: string): Promise<void>;
}

/** Storage of history. */
export interface History {
  list(scope: Scope, alarmId: string, query: HistoryQuery): AsyncIterable<HistoryEntry[]>;
}

/** Complex queries. Answers come page by page. The query runs when the first page is read. */
export interface ComplexQueries {
  alarms(scope: Scope, query: ComplexQuery<AlarmFieldName>): AsyncIterable<StoredAlarm[]>;
  history(scope: Scope, query: ComplexQuery<HistoryFieldName>): AsyncIterable<HistoryEntry[]>;
}

/** Storage of samples. Lists are pages, each read by its own statement; a page can be empty. */
export interface Samples {
  append(batches: AsyncIterable<readonly Sample[]>): Promise<void>;
  list(scope: Scope, meter: string, filter: SampleFilter, wanted?: number): AsyncIterable<Sample[]>;
  meters(scope: Scope, filter: ResourceFilter, wanted?: number): AsyncIterable<Meter[]>;
  resources(scope: Scope, filter: ResourceFilter): AsyncIterable<Resource[]>;
}

/** Meters and resources as tables show them. */
export interface ListedMeters {
  meters(scope: Scope, query: ListedMeterQuery): Promise<ListedMeterPage>;
  resources(scope: Scope, query: ListedResourceQuery): Promise<ListedResourcePage>;
}

/** Statistics of samples. */
export interface MeterStatistics {
  statistics(scope: Scope, query: StatisticsQuery): AsyncIterable<Statistics[]>;
}

/** Storage of events. */
export interface Events {
  /**
   * Stores events and fires alarms in one transaction, as many from the start of the list as it may hold. Call it again
   * with those that are not done.
   */
  record(events: readonly AlarmEvent[]): Promise<RecordedEvents>;
  /** Fires alarms that other transactions had locked. It waits for a limited time. */
  fireWhenFree(waiting: readonly EventKey[]): Promise<AwaitedFirings>;
}

/** Notifications for their readers and operators. */
export interface NotificationAdmin {
  list(scope: Scope, query: NotificationQuery): AsyncIterable<NotificationRecord[]>;
  find(scope: Scope, id: string): Promise<NotificationRecord | undefined>;
  attempts(scope: Scope, id: string): Promise<AttemptRecord[]>;
  receivers(scope: Scope, limit: number): Promise<ReceiverList>;
  previewReplay(scope: Scope, filter: ReplayFilter, signal: AbortSignal): Promise<ReplayPreview>;
  replay(scope: Scope, selection: ReplaySelection, now: Date, follower?: ReplayFollower): Promise<Replay>;
  pauses(scope: Scope, now: Date): Promise<DeliveryPause[]>;
  pause(projectId: string, now: Date, details?: Omit<NewPause, 'projectId'>): Promise<void>;
  resume(projectId: string, now: Date): Promise<void>;
}

/** Storage of tests of actions. */
export interface TestNotifications {
  send(scope: Scope, tests: NewTests): Promise<TestsSent>;
  outcomes(scope: Scope, ids: readonly string[]): Promise<TestRecord[]>;
  cancel(ids: readonly string[], at: Date): Promise<void>;
}

/** Storage of silences. */
export interface Silences {
  create(silence: Silence, by: SilenceAuthor): Promise<StoredSilence | undefined>;
  find(scope: Scope, id: string): Promise<StoredSilence | undefined>;
  changesOf(id: string): Promise<SilenceChange[]>;
  list(scope: Scope, query: SilenceQuery): Promise<SilenceListPage>;
  replace(scope: Scope, id: string, change: ChangeSilence, by: SilenceAuthor): Promise<StoredSilence | undefined>;
  end(scope: Scope, id: string, check: (current: StoredSilence) => void, by: SilenceAuthor): Promise<boolean>;
  /** The silences that hold alarms now, by the id of the alarm. */
  holding(alarms: readonly MatchedAlarm[], now: Date): Promise<ReadonlyMap<string, readonly OpenSilence[]>>;
  /** The alarms that a silence would hold, page by page, with the number of their notifications that wait. */
  matching(definition: Pick<Silence, 'projects' | 'matchers'>): AsyncIterable<MatchedPage>;
}

/** The caller who writes a rule. */
export interface RuleAuthor {
  /** The caller's Keystone token, if any. */
  token?: string | undefined;
  isAdmin: boolean;
}

/** Limits of a type of alarms. Each text is a clause that names the option to set. */
export interface TypeLimits {
  /** Kinds of backends that are not configured. */
  missing: readonly string[];
  /** Why the author may not create such an alarm; undefined for an author who may. */
  refusal: string | undefined;
}

/** Checks of rules by metrics backends. `backend` is the name of the backend; null is the default one. */
export interface RuleChecks {
  /**
   * Resolves to the reasons why backends did not check the rule; empty if all of them did.
   * @throws AppError if a backend refuses the rule, or if the author may not see the data that it names.
   */
  check(rule: AlarmRule, author: RuleAuthor, backend: string | null): Promise<string[]>;
  /** The backends that the rule needs and that are not configured. Each is a clause that names the option to set. */
  missingBackends(rule: AlarmRule, backend: string | null): string[];
  /** Why alarms of a type are not evaluated here, and why their author may not create them. */
  limitsOf(type: AlarmKind, author: Pick<RuleAuthor, 'isAdmin'>): TypeLimits;
  /** The project under which Ceilometer creates the metrics of all projects in Gnocchi; null if unknown. */
  externalOwner(backend: string | null): Promise<string | null>;
  /**
   * The names of the configured backends of a kind; the default one has no name. Undefined for kinds that have only a
   * default backend.
   */
  knownBackends(kind: DatasourceKind): readonly string[] | undefined;
}

/** Storage of receivers. */
export type ReceiverRecords = ReceiverStore;

/** Storage of signing secrets. */
export type SigningSecrets = SigningSecretStore;

/** Storage of quotas that were set for single projects. */
export interface Quotas {
  list(scope: Scope, projectId: string): Promise<Quota[]>;
  set(projectId: string, quotas: readonly Quota[]): Promise<Quota[]>;
  remove(projectId: string): Promise<void>;
}

/** Numbers of results of evaluations, by alarm and state. */
export interface EvaluationResults {
  list(scope: Scope, query: ResultCountQuery): AsyncIterable<ResultCounts[]>;
}

/** Storage of API keys, for authentication. */
export interface ApiKeyCredentials {
  credential(id: string): Promise<ApiKeyCredential | undefined>;
  recordUse(id: string, hour: Date): Promise<void>;
}

/** Storage of API keys, for their management. */
export interface ApiKeyAdmin {
  create(key: NewApiKey): Promise<void>;
  list(scope: Scope, query: ApiKeyQuery): Promise<ApiKey[]>;
  revoke(scope: Scope, which: OneApiKey, at: Date): Promise<RevokedApiKey | undefined>;
}

/** Storage of the sessions of the console. */
export interface Sessions {
  create(session: NewSession): Promise<void>;
  find(id: string): Promise<StoredSession | undefined>;
  remove(id: string): Promise<void>;
}

/** Storage of the audit trail, for its readers. */
export interface AuditTrail {
  list(scope: Scope, query: AuditQuery): Promise<AuditEntry[]>;
}

/** The state of the cluster. */
export interface Cluster {
  read(now: Date): Promise<ClusterState>;
}

/** The stored events of the stream. */
export type StreamEvents = Pick<StreamStore, 'head' | 'newEpoch' | 'read' | 'keptFrom'>;

/** One check of readiness. `detail` is shown in `/readyz`. */
export interface ReadinessCheck {
  name: string;
  ok: boolean;
  detail?: string;
}
