import type { Redis } from '../../src/redis.js';
import type { Database } from '../../src/storage/database.js';
import type { Moments } from '../support/moments.js';
import type { FaultCluster } from './cluster.js';
import type { Member } from './cluster-member.js';
import type { MetricsBackend } from './metrics-backend.js';
import type { Receivers } from './receivers.js';
import type { BackendOutage } from './records.js';
import type { Workload } from './workload.js';

/** What faults act on, and what their evidence comes from. */
export interface FaultContext {
  cluster: FaultCluster;
  receivers: Receivers;
  backend: MetricsBackend;
  workload: Workload;
  /** A connection of the rig's own to the database, by no proxy. */
  db: Database;
  redis: Redis;
  random: Moments;
  /** Aborts when the run is interrupted. */
  stop: AbortSignal;
  /** Ends at once when the run is interrupted. */
  sleep: (ms: number) => Promise<void>;
}

/** A fault that has been injected. */
export interface ActiveFault {
  /** What it did, for the report. */
  detail: string;
  /** When it began to take effect. Default: when `inject` was called. */
  fromMs?: number;
  /** Most notifications that receivers may get once more because of it. Default: none. */
  mayRepeat?: number;
  /** Index of the only receiver that it concerns. Default: any. */
  onlyReceiver?: number;
  /** Number of the only alarm that it concerns. Default: any. */
  onlyAlarm?: number;
  /** When partitions changed hands because of it. Default: once. */
  changesMs?: readonly number[];
  /** Of an outage of the metrics backend that is longer than alarms keep their state. */
  outage?: BackendOutage;
  /** By how much wall clocks jump. */
  jumpMs?: number;
  /** Ends it and restores what it broke. */
  heal(): Promise<void>;
  /** Text that proves that it took effect; undefined if there is no proof (yet). Called repeatedly. */
  evidence(): Promise<string | undefined>;
}

/** A kind of fault. */
export interface FaultKind {
  /** Its number in the list of faults, such as `F01`. */
  id: string;
  name: string;
  /** True if alarms cannot be evaluated meanwhile: the database or the metrics backend is down. */
  isOutage?: boolean;
  /** True if no notification can be sent meanwhile: the database is down. */
  stopsDelivery?: boolean;
  /** Shortest and longest time until it is healed, in milliseconds. */
  lastsMs: readonly [shortest: number, longest: number];
  inject(context: FaultContext): Promise<ActiveFault>;
}

/** One of these, by the seed. */
export function pickOne<T>(random: Moments, all: readonly T[]): T {
  const found = all[Math.min(all.length - 1, Math.floor(random.next(all.length)))];
  if (found === undefined) throw new Error('nothing to pick from');
  return found;
}

/** The number that a statement selects as `n`. */
export async function numberFrom(db: Database, text: string, parameters: readonly unknown[] = []): Promise<number> {
  return (await db.query<{ n: number }>(text, parameters)).rows[0]?.n ?? NaN;
}

/** The sum of the epochs of all partitions, which rises when partitions change hands. */
export function epochsOf(db: Database): Promise<number> {
  return numberFrom(db, 'select sum(epoch)::int as n from partitions');
}

/** Evidence that partitions changed hands after a number of changes. */
export async function takeOverSince(db: Database, epochsBefore: number): Promise<string | undefined> {
  const taken = (await epochsOf(db)) - epochsBefore;
  return taken > 0 ? `partitions changed hands ${taken} times` : undefined;
}

/** The value of a metric of a process; undefined if it does not answer or has none. Labels are a part of the name. */
export async function metricOf(member: Member, name: string): Promise<number | undefined> {
  const text = await fetch(`${member.managementUrl}/metrics`, { signal: AbortSignal.timeout(2_000) }).then(
    (response) => response.text(),
    () => '',
  );
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}
