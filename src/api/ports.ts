import type { AlarmRule } from '../alarm/types/index.js';
import type { Backtest, BacktestRun } from '../evaluator/backtest.js';
import type { Moment } from '../evaluator/explain/explain.js';
import type { Explanation } from '../evaluator/explain/explanation.js';
import type {
  AlarmChange,
  AlarmQuery,
  Creation,
  Removal,
  Replacement,
  StoredAlarm,
} from '../storage/alarms/alarm-store.js';
import type { ResultCountQuery, ResultCounts } from '../storage/evaluation/evaluation-counter-store.js';
import type {
  ApiKey,
  ApiKeyCredential,
  ApiKeyQuery,
  ApiKeySelection,
  NewApiKey,
} from '../storage/secrets/api-key-store.js';
import type { AlarmEvent } from '../alarm/types/event/event.js';
import type { RecordedEvents } from '../storage/evaluation/event-store.js';
import type { ComplexQuery } from '../storage/queries/complex-query-store.js';
import type { HistoryEntry, HistoryQuery } from '../storage/alarms/history-store.js';
import type { Activation, Import, ImportStatus } from '../storage/alarms/import-store.js';
import type {
  AttemptRecord,
  DeliveryPause,
  NotificationQuery,
  NotificationRecord,
  NotificationStatus,
} from '../storage/notifications/notification-admin-store.js';
import type { Quota } from '../storage/alarms/quota-store.js';
import type { AlarmFieldName, HistoryFieldName } from '../storage/queries/query-fields.js';
import type { SampleFilter } from '../storage/meters/sample-filter.js';
import type { Meter, Resource, ResourceFilter, Sample } from '../storage/meters/sample-store.js';
import type { Scope } from '../storage/scope.js';
import type { Statistics, StatisticsQuery } from '../storage/meters/statistics-store.js';
import type { AlarmTrust, SealedTrust } from '../storage/secrets/trust-store.js';
import type { Identity } from './identity/identity.js';

/** What the API asks of whoever keeps alarms. */
export interface Alarms {
  create(creation: Creation): Promise<void>;
  find(scope: Scope, id: string): Promise<StoredAlarm | undefined>;
  list(scope: Scope, query: AlarmQuery): Promise<StoredAlarm[]>;
  replace(scope: Scope, id: string, replacement: Replacement): Promise<StoredAlarm | undefined>;
  setState(scope: Scope, id: string, change: (current: StoredAlarm) => AlarmChange): Promise<StoredAlarm | undefined>;
  remove(scope: Scope, id: string, removal: Removal): Promise<boolean>;
}

/** Alarms brought over from another service. */
export interface Imports {
  importStatusOf(id: string): Promise<ImportStatus>;
  insertMuted(imported: Import): Promise<boolean>;
  activate(activation: Activation): Promise<string[]>;
}

/** Trusts at Keystone: the right to act as somebody, lent to this service. */
export interface Trusts {
  /**
   * Lends us the caller's rights in the caller's project; resolves to the trust's id. `onSpare` is called, now or
   * later, with the id of each further trust that was made, and with undefined if it is unknown whether one was made.
   * @throws AppError `invalid_request` when the caller cannot lend them, `unavailable` when Keystone does not answer as
   * it should.
   */
  create(identity: Identity, onSpare: (trustId: string | undefined) => void): Promise<string>;
  /**
   * Resolves when Keystone has no such trust any more. Without an identity, or where it is not enough, with our own
   * rights.
   */
  remove(trustId: string, identity?: Identity): Promise<void>;
}

/** The trusts that alarms use, as they are kept. */
export interface AlarmTrusts {
  seal(trust: AlarmTrust): SealedTrust;
  reveal(trust: SealedTrust): AlarmTrust;
  ofAlarm(alarmId: string): Promise<SealedTrust | undefined>;
  isKnown(id: string): Promise<boolean>;
  discarded(alarmId: string): Promise<SealedTrust[]>;
  addDiscarded(trust: SealedTrust, at: Date): Promise<void>;
  forget(id: string): Promise<void>;
}

export interface History {
  list(scope: Scope, alarmId: string, query: HistoryQuery): Promise<HistoryEntry[]>;
}

/** Answers come page by page; nothing is read before the first is asked for. */
export interface ComplexQueries {
  alarms(scope: Scope, query: ComplexQuery<AlarmFieldName>): AsyncIterable<StoredAlarm[]>;
  history(scope: Scope, query: ComplexQuery<HistoryFieldName>): AsyncIterable<HistoryEntry[]>;
}

export interface Samples {
  append(samples: readonly Sample[]): Promise<void>;
  list(scope: Scope, meter: string, filter: SampleFilter, limit: number): Promise<Sample[]>;
  meters(scope: Scope, filter: ResourceFilter, limit: number): Promise<Meter[]>;
  resources(scope: Scope, filter: ResourceFilter, limit: number): Promise<Resource[]>;
}

export interface MeterStatistics {
  statistics(scope: Scope, query: StatisticsQuery): Promise<Statistics[]>;
}

export interface Events {
  /**
   * Stores events and fires alarms, all or nothing; undefined when that is too much for one transaction and fewer must
   * be tried.
   */
  record(events: readonly AlarmEvent[]): Promise<RecordedEvents | undefined>;
}

/** Tells the notifiers that there is work. Never throws: a lost ring is found by their sweepers. */
export interface Doorbell {
  ring(notifications: number): void;
}

export interface NotificationAdmin {
  list(scope: Scope, query: NotificationQuery): Promise<NotificationRecord[]>;
  attempts(scope: Scope, id: string): Promise<AttemptRecord[]>;
  replay(
    scope: Scope,
    which: { id?: string | undefined; status?: NotificationStatus | undefined; alarmId?: string | undefined },
    now: Date,
  ): Promise<number>;
  pauses(scope: Scope): Promise<DeliveryPause[]>;
  pause(projectId: string, now: Date): Promise<void>;
  resume(projectId: string, now: Date): Promise<void>;
}

/** Kinds of backends of which several can be configured, with names. */
export const NAMED_BACKENDS = ['gnocchi', 'prometheus'] as const;
export type NamedBackend = (typeof NAMED_BACKENDS)[number];

/** Who wants a rule. */
export interface RuleAuthor {
  /** The author's own Keystone token, where there is one. */
  token?: string | undefined;
  isAdmin: boolean;
}

/**
 * What only other services can say of a rule. `backend` is the name of the one that its alarm will ask, null for the
 * default one.
 */
export interface RuleChecks {
  /**
   * Resolves to the reasons why services did not check the rule; empty if all of them did.
   * @throws AppError when another service finds fault with the rule, or shows that its author must not see what it
   * names.
   */
  check(rule: AlarmRule, author: RuleAuthor, backend: string | null): Promise<string[]>;
  /**
   * The backends of that name that the rule needs and that are not configured. Each is a clause that names the option
   * to set.
   */
  missingBackends(rule: AlarmRule, backend: string | null): string[];
  /**
   * The project under which another service (Ceilometer) creates the metrics of everybody's resources; null when
   * unknown.
   */
  externalOwner(backend: string | null): Promise<string | null>;
  /** The names that alarms can give; the default backend has none. */
  knownBackends(kind: NamedBackend): readonly string[];
}

/** Limits set for single projects. */
export interface Quotas {
  list(scope: Scope, projectId: string): Promise<Quota[]>;
  set(projectId: string, quotas: readonly Quota[]): Promise<Quota[]>;
  remove(projectId: string): Promise<void>;
}

/** Why alarms are in their states: looks at them as their evaluators do. */
export interface Explanations {
  explain(alarm: StoredAlarm, moment: Moment): Promise<Explanation>;
}

/** What alarms that are not there would have done. */
export interface Backtests {
  /** The kind of backend that the alarm needs and that is not configured; undefined: all are. */
  missingBackend(alarm: StoredAlarm): string | undefined;
  /** Asks nobody before the first page is read. */
  start(run: BacktestRun, signal: AbortSignal): Backtest;
}

/** What evaluations found, counted. */
export interface EvaluationResults {
  list(scope: Scope, query: ResultCountQuery): Promise<ResultCounts[]>;
}

/** What authentication by API key asks of whoever keeps them. */
export interface ApiKeyCredentials {
  credential(id: string): Promise<ApiKeyCredential | undefined>;
  noteUse(id: string, hour: Date): Promise<void>;
}

export interface ApiKeyAdmin {
  create(key: NewApiKey): Promise<void>;
  list(scope: Scope, query: ApiKeyQuery): Promise<ApiKey[]>;
  revoke(scope: Scope, which: ApiKeySelection & { id: string }, at: Date): Promise<boolean>;
}

/** One thing that must work for this process to be of use. */
export interface ReadinessCheck {
  name: string;
  ok: boolean;
  detail?: string;
}
