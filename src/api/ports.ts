import type { AlarmChange, AlarmQuery, Creation, Removal, Replacement, StoredAlarm } from '../storage/alarm-store.js';
import type { ComplexQuery } from '../storage/complex-query-store.js';
import type { HistoryEntry, HistoryQuery } from '../storage/history-store.js';
import type {
  AttemptRecord,
  DeliveryPause,
  NotificationQuery,
  NotificationRecord,
  NotificationStatus,
} from '../storage/notification-admin-store.js';
import type { AlarmFieldName, HistoryFieldName } from '../storage/query-fields.js';
import type { SampleFilter } from '../storage/sample-filter.js';
import type { Meter, Resource, ResourceFilter, Sample } from '../storage/sample-store.js';
import type { Scope } from '../storage/scope.js';
import type { Statistics, StatisticsQuery } from '../storage/statistics-store.js';

/** What the API asks of whoever keeps alarms. */
export interface Alarms {
  create(creation: Creation): Promise<void>;
  find(scope: Scope, id: string): Promise<StoredAlarm | undefined>;
  list(scope: Scope, query: AlarmQuery): Promise<StoredAlarm[]>;
  replace(scope: Scope, id: string, replacement: Replacement): Promise<StoredAlarm | undefined>;
  setState(scope: Scope, id: string, change: (current: StoredAlarm) => AlarmChange): Promise<StoredAlarm | undefined>;
  remove(scope: Scope, id: string, removal: Removal): Promise<boolean>;
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
  resume(projectId: string): Promise<void>;
}

/** One thing that must work for this process to be of use. */
export interface ReadinessCheck {
  name: string;
  ok: boolean;
  detail?: string;
}
