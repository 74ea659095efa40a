import type { BehindSince } from '../../storage/evaluation/behind-store.js';
import type { HeldAlarm } from '../held-alarm.js';
import { roundRobin } from './round-robin.js';

type Due = Pick<HeldAlarm, 'id' | 'partition' | 'projectId' | 'ticket'>;

/** Identifies a batch: each batch has its own object. */
export type BatchToken = object;

/** An alarm that was not evaluated, since a request was not sent in time. */
export interface UnsentRequest {
  /** The moment of the batch. */
  now: Date;
  /** The last evaluation of the alarm; undefined if there was none. */
  lastMs: number | undefined;
  /** The backend to which the request was not sent. */
  backend: string;
  /** Another request of the alarm was sent. */
  isPartial: boolean;
}

/** An alarm that is behind. */
export interface BehindAlarm {
  readonly alarmId: string;
  readonly partition: number;
}

interface Entry {
  readonly alarmId: string;
  readonly partition: number;
  readonly projectId: string;
  ticket: number;
  readonly dueMs: number;
  readonly lastMs: number | null;
  backend: string;
  /** A part of its requests was sent in an earlier evaluation, after which it kept its ticket. */
  isPartial: boolean;
  /** The batch that is evaluating the alarm; null while the alarm waits for one. */
  batch: BatchToken | null;
  /** The batch is a catch-up batch. */
  isCatchUp: boolean;
}

/** How late the evaluator is. */
export interface Lateness {
  /** Alarms that are due and not evaluated, since their requests were not sent. */
  alarms: number;
  /** The longest time that one of these alarms has waited; 0 if there is none. */
  longestMs: number;
  /** The backends that these alarms wait for. */
  backends: string[];
}

/** Limits of a catch-up batch. It takes up to twice as many alarms as the last one could evaluate. */
const LEAST_LIMIT = 1_000;
const MOST_LIMIT = 1_000_000;

/**
 * The alarms that are behind: due and not evaluated, since other requests were sent before theirs. Each alarm has a
 * ticket and draws a new one after each evaluation, so alarms with low tickets have waited longest. Tickets are kept in
 * memory only: a new owner of a partition draws new ones.
 */
export class BehindWatch {
  readonly #partitions = new Map<number, Map<string, Entry>>();
  /** The alarms that each batch is evaluating. */
  readonly #batches = new Map<BatchToken, Set<Entry>>();
  #nextTicket = 0;
  #limit = LEAST_LIMIT;
  #changed = new Set<number>();

  /** The ticket of a due alarm. */
  ticketOf(alarm: Pick<Due, 'ticket'>): number {
    return (alarm.ticket ??= this.#nextTicket++);
  }

  /** The number of alarms that are behind. */
  get size(): number {
    let alarms = 0;
    for (const some of this.#partitions.values()) alarms += some.size;
    return alarms;
  }

  /** True if the alarm is behind. */
  has({ alarmId, partition }: BehindAlarm): boolean {
    return this.#find(alarmId, partition) !== undefined;
  }

  /** Assigns the alarms of these partitions to a batch, except those that another batch is evaluating. */
  claim(partitions: Iterable<number>, batch: BatchToken): void {
    for (const id of partitions)
      for (const entry of this.#in(id)) if (entry.batch === null) this.#hold(entry, batch, false);
  }

  /** True if another batch is evaluating the alarm. */
  isElsewhere({ id, partition }: Pick<Due, 'id' | 'partition'>, batch: BatchToken): boolean {
    const holder = this.#find(id, partition)?.batch ?? null;
    return holder !== null && holder !== batch;
  }

  /**
   * The alarm keeps its ticket. It draws a new one only if a part of its requests was sent for the second time:
   * otherwise it would delay the other alarms for ever.
   */
  notSent(alarm: Due, { now, lastMs, backend, isPartial }: UnsentRequest): void {
    const known = this.#find(alarm.id, alarm.partition);
    const entry: Entry = known ?? {
      alarmId: alarm.id,
      partition: alarm.partition,
      projectId: alarm.projectId,
      ticket: 0,
      dueMs: now.getTime(),
      lastMs: lastMs ?? null,
      backend,
      isPartial: false,
      batch: null,
      isCatchUp: false,
    };
    if (isPartial && entry.isPartial) alarm.ticket = this.#nextTicket++;
    entry.ticket = this.ticketOf(alarm);
    entry.isPartial = isPartial && !entry.isPartial;
    entry.backend = backend;
    this.#release(entry);
    if (known) return;
    const alarms = this.#partitions.get(alarm.partition) ?? new Map<string, Entry>();
    this.#partitions.set(alarm.partition, alarms.set(alarm.id, entry));
    this.#changed.add(alarm.partition);
  }

  /** The alarm was evaluated, or a backend of it is unavailable. */
  evaluated(alarm: Pick<Due, 'id' | 'partition' | 'ticket'>): void {
    alarm.ticket = this.#nextTicket++;
    if (this.#partitions.size > 0) this.#forget(alarm.id, alarm.partition);
  }

  /**
   * Takes alarms for a catch-up batch: the lowest tickets first, picked round robin by project. Alarms of busy
   * partitions are left to the batches of those partitions.
   */
  take(isBusy: (partition: number) => boolean, batch: BatchToken): BehindAlarm[] {
    let catchingUp = 0;
    const waiting: Entry[] = [];
    for (const [partition, alarms] of this.#partitions) {
      const isFree = !isBusy(partition);
      for (const entry of alarms.values()) {
        if (entry.batch === null && isFree) waiting.push(entry);
        else if (entry.batch !== null && entry.isCatchUp) catchingUp += 1;
      }
    }
    const taken = firstOf(waiting, Math.max(0, this.#limit - catchingUp));
    for (const entry of taken) this.#hold(entry, batch, true);
    return taken;
  }

  /** A catch-up batch of `taken` alarms is over; `notSent` of them were not evaluated. */
  caughtUp(taken: number, notSent: number): void {
    this.#limit = notSent === 0 ? Math.min(MOST_LIMIT, 2 * this.#limit) : Math.max(LEAST_LIMIT, 2 * (taken - notSent));
  }

  /**
   * A batch is over, for all or some partitions. Alarms that it still holds are deleted, changed, or outside their time
   * constraints.
   */
  finish(batch: BatchToken, partitions?: Iterable<number>): void {
    const held = partitions ? [...partitions].flatMap((id) => this.#heldBy(batch, id)) : this.#batches.get(batch);
    for (const { alarmId, partition } of held ?? []) this.#forget(alarmId, partition);
  }

  /** A batch has ended, with or without success: alarms that it still holds wait for the next one. */
  giveBack(batch: BatchToken): void {
    for (const entry of this.#batches.get(batch) ?? []) entry.batch = null;
    this.#batches.delete(batch);
  }

  /** This evaluator no longer owns these partitions. */
  drop(partitions: Iterable<number>): void {
    for (const id of partitions) {
      for (const entry of this.#in(id)) this.#release(entry);
      this.#partitions.delete(id);
    }
  }

  /** How late the alarms are at `nowMs`. */
  lateness(nowMs: number): Lateness {
    let [alarms, since] = [0, nowMs];
    const backends = new Set<string>();
    for (const id of this.#partitions.keys()) {
      for (const { dueMs, backend } of this.#in(id)) {
        alarms += 1;
        since = Math.min(since, dueMs);
        backends.add(backend);
      }
    }
    return { alarms, longestMs: nowMs - since, backends: [...backends].sort() };
  }

  /** The alarms of a partition that are behind: at most `atMost`, those that have waited longest. */
  waitingIn(partition: number, atMost: number): Record<string, BehindSince> {
    const longest = [...this.#in(partition)].sort((a, b) => a.dueMs - b.dueMs).slice(0, atMost);
    return Object.fromEntries(longest.map(({ alarmId, dueMs, lastMs }) => [alarmId, { dueMs, lastMs }]));
  }

  /** Partitions whose set of late alarms has changed since the last call. */
  takeChanged(): number[] {
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
  }

  #find(alarmId: string, partition: number): Entry | undefined {
    return this.#partitions.get(partition)?.get(alarmId);
  }

  #in(partition: number): Iterable<Entry> {
    return this.#partitions.get(partition)?.values() ?? [];
  }

  #hold(entry: Entry, batch: BatchToken, isCatchUp: boolean): void {
    Object.assign(entry, { batch, isCatchUp });
    const held = this.#batches.get(batch) ?? new Set();
    this.#batches.set(batch, held.add(entry));
  }

  #release(entry: Entry): void {
    if (entry.batch === null) return;
    this.#batches.get(entry.batch)?.delete(entry);
    entry.batch = null;
  }

  #heldBy(batch: BatchToken, partition: number): Entry[] {
    return [...this.#in(partition)].filter((entry) => entry.batch === batch);
  }

  #forget(alarmId: string, partition: number): void {
    const alarms = this.#partitions.get(partition);
    const entry = alarms?.get(alarmId);
    if (!alarms || !entry) return;
    this.#release(entry);
    alarms.delete(alarmId);
    if (alarms.size === 0) this.#partitions.delete(partition);
    this.#changed.add(partition);
  }
}

/**
 * At most `atMost` alarms. If that is not all of them, projects are picked round robin, each with its lowest tickets
 * first.
 */
function firstOf(waiting: Entry[], atMost: number): Entry[] {
  waiting.sort((a, b) => a.ticket - b.ticket);
  if (waiting.length <= atMost) return waiting;
  const byProject = new Map<string, Entry[]>();
  for (const entry of waiting) {
    const some = byProject.get(entry.projectId);
    if (some) some.push(entry);
    else byProject.set(entry.projectId, [entry]);
  }
  return roundRobin(byProject.values(), atMost);
}
