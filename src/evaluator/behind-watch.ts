import type { HeldAlarm } from './alarm-cache.js';

type Due = Pick<HeldAlarm, 'id' | 'partition' | 'projectId' | 'ticket'>;

/** A batch, by an object of its own. */
export type BatchToken = object;

/** An evaluation of an alarm that could not be made for want of time. */
export interface Unasked {
  /** The moment of the batch. */
  now: Date;
  /** When it was evaluated before, or since then; undefined where it never was. */
  lastMs: number | undefined;
  /** The backend that was not asked. */
  backend: string;
  /** Something else that the alarm needs was asked. */
  isPartial: boolean;
}

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
  /** It has been asked in part before, and had its turn then. */
  isPartial: boolean;
  /** The batch that has the alarm in hand; null while it waits for one. */
  batch: BatchToken | null;
  /** That is a catch-up batch. */
  isCatchUp: boolean;
}

/** In milliseconds since the epoch. */
export interface BehindSince {
  dueMs: number;
  /** It was evaluated then, or since then; null where it never was. */
  lastMs: number | null;
}

/** How late the evaluator is. */
export interface Lateness {
  /** Alarms that were due and could not be asked about yet. */
  alarms: number;
  /** For how long the longest of them has waited; 0 where there are none. */
  longestMs: number;
  /** Which backends they wait for. */
  backends: string[];
}

/** Catch-up batches have about twice what they can do. */
const LEAST_LIMIT = 1_000;
const MOST_LIMIT = 1_000_000;

/**
 * Alarms that are due and were not asked about, since other requests came before theirs. Each alarm has a ticket, and takes a new one whenever it is evaluated: so
 * the lowest tickets are those of the alarms that were not asked about for longest. In memory alone: after a take-over the alarms of a partition
 * stand in line anew.
 */
export class BehindWatch {
  readonly #partitions = new Map<number, Map<string, Entry>>();
  #nextTicket = 0;
  #limit = LEAST_LIMIT;
  #changed = new Set<number>();

  /** The place of an alarm that is due. */
  ticketOf(alarm: Pick<Due, 'ticket'>): number {
    return (alarm.ticket ??= this.#nextTicket++);
  }

  get size(): number {
    let alarms = 0;
    for (const some of this.#partitions.values()) alarms += some.size;
    return alarms;
  }

  has({ alarmId, partition }: BehindAlarm): boolean {
    return this.#find(alarmId, partition) !== undefined;
  }

  /** A batch of whole partitions has their alarms in hand, but for those that another batch has. */
  claim(partitions: Iterable<number>, batch: BatchToken): void {
    for (const id of partitions)
      for (const entry of this.#in(id)) if (entry.batch === null) Object.assign(entry, { batch, isCatchUp: false });
  }

  /** Whether an alarm is in hand of another batch than this. */
  isElsewhere({ id, partition }: Pick<Due, 'id' | 'partition'>, batch: BatchToken): boolean {
    const holder = this.#find(id, partition)?.batch ?? null;
    return holder !== null && holder !== batch;
  }

  /** The alarm keeps its place, unless it had its turn and some of what it needs was asked, for the second time: then it would hold up the others for ever. */
  notAsked(alarm: Due, { now, lastMs, backend, isPartial }: Unasked): void {
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
    entry.batch = null;
    if (known) return;
    const alarms = this.#partitions.get(alarm.partition) ?? new Map<string, Entry>();
    this.#partitions.set(alarm.partition, alarms.set(alarm.id, entry));
    this.#changed.add(alarm.partition);
  }

  /** The alarm was evaluated, or its backend was found to be in trouble. */
  evaluated(alarm: Pick<Due, 'id' | 'partition' | 'ticket'>): void {
    alarm.ticket = this.#nextTicket++;
    if (this.#partitions.size > 0) this.#forget(alarm.id, alarm.partition);
  }

  /** The alarms for a catch-up batch: those that wait longest, of each project as many. Alarms of busy partitions are left to the batch that has these. */
  take(isBusy: (partition: number) => boolean, batch: BatchToken): BehindAlarm[] {
    let inHand = 0;
    const waiting: Entry[] = [];
    for (const [partition, alarms] of this.#partitions) {
      const isFree = !isBusy(partition);
      for (const entry of alarms.values()) {
        if (entry.batch === null && isFree) waiting.push(entry);
        else if (entry.batch !== null && entry.isCatchUp) inHand += 1;
      }
    }
    const taken = inTurns(waiting, this.#limit - inHand);
    for (const entry of taken) Object.assign(entry, { batch, isCatchUp: true });
    return taken;
  }

  /** A catch-up batch of so many alarms is over, and so many were not asked about. */
  caughtUp(taken: number, notAsked: number): void {
    this.#limit = notAsked === 0 ? Math.min(MOST_LIMIT, 2 * this.#limit) : Math.max(LEAST_LIMIT, 2 * (taken - notAsked));
  }

  /** A batch is over, or that of these partitions: what it still has in hand is gone, changed, or outside its time constraints. */
  settle(batch: BatchToken, partitions: Iterable<number> = [...this.#partitions.keys()]): void {
    for (const id of partitions) for (const { alarmId } of this.#heldBy(batch, id)) this.#forget(alarmId, id);
  }

  /** A batch has failed: what it has in hand waits for the next. */
  giveBack(batch: BatchToken): void {
    for (const id of this.#partitions.keys()) for (const entry of this.#heldBy(batch, id)) entry.batch = null;
  }

  /** These partitions are another evaluator's now. */
  drop(partitions: Iterable<number>): void {
    for (const id of partitions) this.#partitions.delete(id);
  }

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

  /** The alarms of a partition that are behind; at most so many, those that wait longest. */
  waitingIn(partition: number, atMost: number): Record<string, BehindSince> {
    const longest = [...this.#in(partition)].sort((a, b) => a.dueMs - b.dueMs).slice(0, atMost);
    return Object.fromEntries(longest.map(({ alarmId, dueMs, lastMs }) => [alarmId, { dueMs, lastMs }]));
  }

  /** Partitions of which other alarms are behind than when this was last called. */
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

  #heldBy(batch: BatchToken, partition: number): Entry[] {
    return [...this.#in(partition)].filter((entry) => entry.batch === batch);
  }

  #forget(alarmId: string, partition: number): void {
    const alarms = this.#partitions.get(partition);
    if (!alarms?.delete(alarmId)) return;
    if (alarms.size === 0) this.#partitions.delete(partition);
    this.#changed.add(partition);
  }
}

/** At most so many, the lowest ticket first; where these are not all, one of each project in turns. */
function inTurns(waiting: Entry[], atMost: number): Entry[] {
  if (atMost <= 0) return [];
  waiting.sort((a, b) => a.ticket - b.ticket);
  if (waiting.length <= atMost) return waiting;
  const byProject = new Map<string, Entry[]>();
  for (const entry of waiting) {
    const some = byProject.get(entry.projectId);
    if (some) some.push(entry);
    else byProject.set(entry.projectId, [entry]);
  }
  const taken: Entry[] = [];
  for (let round = 0; taken.length < atMost; round += 1) {
    for (const some of byProject.values()) {
      const entry = some[round];
      if (entry !== undefined && taken.length < atMost) taken.push(entry);
    }
  }
  return taken;
}
