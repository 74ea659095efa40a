import type { AlarmState } from '../alarm/state.js';
import type { SeriesNeed } from '../alarm/series.js';
import { replaceableReason } from '../alarm/state-reason.js';
import { typeOf, type AlarmKind } from '../alarm/types/index.js';
import type { Clock } from '../clock.js';
import { inChunks } from '../async/event-loop.js';
import { Mutex } from '../async/mutex.js';
import type { AlarmPiece, EvaluationStore, LoadedAlarm, ReadPosition } from '../storage/evaluation/evaluation-store.js';
import type { HeldAlarm } from './held-alarm.js';
import { HeldAlarmMaker } from './loading/held-alarm-maker.js';
import { advanceReads, PartitionRead } from './loading/partition-read.js';
import { PieceReader } from './loading/piece-reader.js';
import { RefusedAlarms } from './loading/refused-alarms.js';
import { UnevaluatedAlarms, type OpenReason } from './unevaluated-alarms.js';

/** How the cache reads alarms. */
export interface AlarmCacheDeps extends Pick<EvaluationStore, 'loadPiece' | 'changesPiece' | 'changedSince' | 'byId'> {
  /** True if the backend of this need is configured. */
  isConfigured: (need: SeriesNeed) => boolean;
  /** Called for an alarm that this release cannot parse, such as one of an unknown kind. The cache leaves it out. */
  onUnreadable: (alarmId: string, err: Error) => void;
  clock: Pick<Clock, 'monotonicMs'>;
}

interface HeldPartition {
  alarms: Map<string, HeldAlarm>;
  /** All changes below this revision are in memory; null until all alarms are loaded. */
  seen: string | null;
  /** The read that goes on with the next piece; null between two reads. */
  read: PartitionRead | null;
}

const NONE: readonly never[] = [];
const NOTHING = (): void => undefined;

/**
 * The enabled alarms of the partitions that this evaluator holds. `load` reads those of new partitions, and `refresh`
 * the changes of the others since their last revision. Both read in pieces. A piece that is read is kept, so the next
 * call goes on after it, and pieces of a load and of a refresh take turns.
 */
export class AlarmCache {
  readonly #partitions = new Map<number, HeldPartition>();
  readonly #partitionOf = new Map<string, number>();
  readonly #combinations = new Map<string, HeldAlarm>();
  readonly #unevaluated = new UnevaluatedAlarms();
  readonly #maker: HeldAlarmMaker;
  readonly #pieces: PieceReader;
  readonly #refused: RefusedAlarms;
  readonly #refreshes = new Mutex();

  constructor(private readonly deps: AlarmCacheDeps) {
    this.#maker = new HeldAlarmMaker(deps.onUnreadable);
    this.#pieces = new PieceReader(deps.clock);
    this.#refused = new RefusedAlarms({ pieces: this.#pieces, byId: deps.byId });
  }

  /** Adds partitions. The next `load` reads their alarms. */
  take(partitions: readonly number[]): void {
    for (const id of partitions) this.#partitions.set(id, { alarms: new Map(), seen: null, read: null });
  }

  /** Removes partitions and their alarms. */
  drop(partitions: readonly number[]): void {
    for (const id of partitions) {
      for (const alarmId of this.#partitions.get(id)?.alarms.keys() ?? NONE) this.#remove(alarmId);
      this.#partitions.delete(id);
    }
    this.#unevaluated.drop(new Set(partitions));
  }

  /** Has partitions loaded again. Called after a write whose result is unknown. */
  invalidate(partitions: readonly number[]): void {
    const held = partitions.filter((id) => this.#partitions.has(id));
    this.drop(held);
    this.take(held);
  }

  /** The alarms of a partition that are in memory; none if the partition is not held. */
  alarmsOf(partition: number): Iterable<HeldAlarm> {
    return this.#partitions.get(partition)?.alarms.values() ?? NONE;
  }

  /** One alarm; undefined if it is not in memory. */
  alarmOf(partition: number, alarmId: string): HeldAlarm | undefined {
    return this.#partitions.get(partition)?.alarms.get(alarmId);
  }

  /** The number of enabled alarms that are left out because a backend is not configured, by kind. */
  withoutBackend(): ReadonlyMap<AlarmKind, number> {
    return this.#unevaluated.withoutBackend();
  }

  /** Alarms of these partitions that cannot be evaluated and whose stored `state_reason` does not say why yet. */
  openReasonsOf(partitions: ReadonlySet<number>): OpenReason[] {
    return this.#unevaluated.openReasonsOf(partitions);
  }

  /** The combination alarms in memory. */
  combinations(): HeldAlarm[] {
    return [...this.#combinations.values()];
  }

  /** True if all alarms of the partition are in memory. */
  isLoaded(partition: number): boolean {
    return (this.#partitions.get(partition)?.seen ?? null) !== null;
  }

  /** The number of held partitions whose alarms are not all in memory. */
  get unloaded(): number {
    return [...this.#partitions.values()].filter(({ seen }) => seen === null).length;
  }

  /** The number of alarms in memory. */
  get size(): number {
    return this.#partitionOf.size;
  }

  /** The lowest revision among the held partitions; null while a partition is not loaded. */
  get seen(): string | null {
    let oldest: bigint | undefined;
    for (const { seen } of this.#partitions.values()) {
      if (seen === null) return null;
      if (oldest === undefined || BigInt(seen) < oldest) oldest = BigInt(seen);
    }
    return oldest?.toString() ?? null;
  }

  /**
   * Loads the alarms of partitions that are not loaded, until all are or `isStopped` is true. Rejects if a piece cannot
   * be read. `onPiece` is called after each piece.
   */
  async load(onPiece: () => void = NOTHING, isStopped: () => boolean = () => false): Promise<void> {
    await this.#pieces.listening(onPiece, async () => {
      while (!isStopped() && this.unloaded > 0) await this.#readPiece(() => this.#openLoads(), this.deps.loadPiece);
    });
  }

  /**
   * Reads the changes of loaded partitions that were committed before this call. Rejects if a piece cannot be read.
   * `onPiece` is called after each piece of this call and of those that it waits for. Concurrent calls run one after
   * the other.
   */
  refresh(onPiece: () => void = NOTHING): Promise<void> {
    return this.#pieces.listening(onPiece, () => this.#refreshes.runExclusive(() => this.#refresh()));
  }

  async #refresh(): Promise<void> {
    // A read that an earlier call began does not contain what was committed since, so a second one follows it.
    await this.#endReads();
    await this.#beginReads();
    await this.#endReads();
    await this.#refused.readAll((alarm) => this.#apply(alarm));
  }

  /** Begins to read the loaded partitions that have changes. One statement finds them; mostly there are none. */
  async #beginReads(): Promise<void> {
    const loaded = new Map([...this.#partitions].filter(([, { seen }]) => seen !== null));
    if (loaded.size === 0) return;
    const revisions = [...loaded].flatMap(([id, { seen }]) => (seen === null ? [] : [[id, seen] as const]));
    const { seen, changed } = await this.deps.changedSince(new Map(revisions));
    for (const [id, held] of loaded) {
      if (changed.has(id)) held.read = new PartitionRead(id, held.seen);
      else held.seen = seen;
    }
    this.#pieces.advance();
  }

  /** Removes alarms and has the next refresh read them again. Called after a commit refused their outcomes. */
  reread(ids: readonly string[]): void {
    for (const id of ids) {
      this.#remove(id);
      this.#refused.add(id);
    }
  }

  /** Applies a committed transition to the alarm in memory. */
  committed({ alarmId, to, reason }: { alarmId: string; to: AlarmState; reason: string }, stateVersion: number): void {
    const alarm = this.#find(alarmId);
    if (alarm === undefined || alarm.stateVersion >= stateVersion) return;
    alarm.state = to;
    alarm.stateVersion = stateVersion;
    alarm.shownReason = replaceableReason(to, reason);
    alarm.isReasonFound = true;
  }

  /** Applies a committed `state_reason` to the alarm in memory. */
  reasonCommitted({ alarmId, reason }: { alarmId: string; reason: string }, stateVersion: number): void {
    this.#unevaluated.reasonCommitted(alarmId);
    const alarm = this.#find(alarmId);
    if (alarm === undefined || alarm.stateVersion !== stateVersion) return;
    alarm.shownReason = replaceableReason(alarm.state, reason);
    alarm.isReasonFound = true;
  }

  #find(alarmId: string): HeldAlarm | undefined {
    return this.#partitions.get(this.#partitionOf.get(alarmId) ?? -1)?.alarms.get(alarmId);
  }

  /** Reads until no refresh of a loaded partition is open. */
  async #endReads(): Promise<void> {
    const open = (): PartitionRead[] =>
      [...this.#partitions.values()].flatMap(({ seen, read }) => (seen === null ? [] : (read ?? [])));
    while (open().length > 0) await this.#readPiece(open, this.deps.changesPiece);
  }

  /** The reads of partitions that are not loaded. */
  #openLoads(): PartitionRead[] {
    const loads: PartitionRead[] = [];
    for (const [id, held] of this.#partitions)
      if (held.seen === null) loads.push((held.read ??= new PartitionRead(id, null)));
    return loads;
  }

  async #readPiece(
    openReads: () => PartitionRead[],
    readAt: (positions: readonly ReadPosition[], rows: number) => Promise<AlarmPiece>,
  ): Promise<void> {
    let reads: PartitionRead[] = [];
    await this.#pieces.read(
      (rows) => {
        reads = openReads();
        return readAt(
          reads.map(({ position }) => position),
          rows,
        );
      },
      async (piece, rows) => {
        for await (const chunk of inChunks(piece.alarms)) this.#applyRead(chunk, reads);
        for (const read of advanceReads(reads, piece, rows)) this.#ended(read);
      },
    );
  }

  /** A partition that was dropped and taken again during the read has another read. This one is too old for it. */
  #applyRead(alarms: readonly LoadedAlarm[], reads: readonly PartitionRead[]): void {
    const isCurrent = (read: PartitionRead): boolean => this.#partitions.get(read.partition)?.read === read;
    const current = new Set(reads.filter(isCurrent).map(({ partition }) => partition));
    for (const alarm of alarms) {
      const { id, partition } = alarm;
      if (current.has(partition) || !this.#partitions.has(partition)) this.#apply(alarm);
      // It has moved to a partition that this evaluator holds, too, and whose own read brings it.
      else if (current.has(this.#partitionOf.get(id) ?? -1)) this.#remove(id);
    }
  }

  #ended(read: PartitionRead): void {
    const held = this.#partitions.get(read.partition);
    if (held?.read !== read) return;
    held.seen = read.seen;
    held.read = null;
  }

  #apply(alarm: LoadedAlarm): void {
    const alarms = this.#partitions.get(alarm.partition)?.alarms;
    if (alarm.deleted || !alarm.enabled || alarms === undefined) return this.#remove(alarm.id);
    // A read may be older than a commit that is already applied. Versions only rise.
    const known = alarms.get(alarm.id);
    if (known && known.definitionVersion >= alarm.definitionVersion && known.stateVersion > alarm.stateVersion) return;
    if (known === undefined) this.#remove(alarm.id);
    const held = this.#maker.tryHold(alarm, known?.ticket);
    if (held === undefined) return this.#remove(alarm.id);
    if (this.#canEvaluate(held)) this.#keep(held, alarms);
    else this.#leaveOut(held);
    this.#unevaluated.noteIfNeverOpen(held, alarm.timeConstraintsJson);
  }

  #keep(held: HeldAlarm, alarms: HeldPartition['alarms']): void {
    this.#unevaluated.remove(held.id);
    alarms.set(held.id, held);
    this.#partitionOf.set(held.id, held.partition);
    if (typeOf(held.rule).judgedBy === 'members') this.#combinations.set(held.id, held);
    else this.#combinations.delete(held.id);
  }

  /** False for alarms that are judged by events, and for alarms without a configured backend. */
  #canEvaluate({ rule, needs }: HeldAlarm): boolean {
    const { judgedBy } = typeOf(rule);
    return judgedBy === 'members' || (judgedBy === 'series' && needs.length > 0 && needs.every(this.deps.isConfigured));
  }

  #leaveOut(held: HeldAlarm): void {
    this.#remove(held.id);
    if (typeOf(held.rule).judgedBy !== 'series') return;
    const missing = held.needs.filter((need) => !this.deps.isConfigured(need));
    this.#unevaluated.leaveOut(held, missing);
  }

  #remove(alarmId: string): void {
    this.#unevaluated.remove(alarmId);
    const partition = this.#partitionOf.get(alarmId);
    if (partition === undefined) return;
    this.#partitions.get(partition)?.alarms.delete(alarmId);
    this.#partitionOf.delete(alarmId);
    this.#combinations.delete(alarmId);
  }
}
