import type { AlarmState } from '../alarm/state.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import type { SeriesNeed } from '../alarm/series.js';
import { replaceableReason } from '../alarm/state-reason.js';
import { parseStoredRule, typeOf, type AlarmKind } from '../alarm/types/index.js';
import { toError } from '../errors.js';
import { inChunks } from '../async/event-loop.js';
import { Mutex } from '../async/mutex.js';
import { parseStoredOptions } from '../storage/alarms/alarm-row.js';
import type { EvaluationStore, LoadedAlarm } from '../storage/evaluation/evaluation-store.js';
import type { HeldAlarm } from './held-alarm.js';
import { SharedNeeds } from './shared-needs.js';
import { UnevaluatedAlarms, type OpenReason } from './unevaluated-alarms.js';

/** How the cache reads alarms. */
export interface AlarmCacheDeps extends Pick<EvaluationStore, 'load' | 'changesSince' | 'byId'> {
  /** True if the backend of this need is configured. */
  isConfigured: (need: SeriesNeed) => boolean;
  /** Called for an alarm that this release cannot parse, such as one of an unknown kind. The cache leaves it out. */
  onUnreadable: (alarmId: string, err: Error) => void;
}

interface HeldPartition {
  alarms: Map<string, HeldAlarm>;
  /** All changes below this revision are in memory; null before the first load. */
  seen: string | null;
}

const NONE: readonly never[] = [];

/** Partitions per statement. With a million alarms in all, 32 partitions hold some hundred thousand rows. */
const LOAD_AT_ONCE = 32;

/**
 * The enabled alarms of the partitions that this evaluator holds. Each refresh reads the changes since the last
 * revision.
 */
export class AlarmCache {
  readonly #partitions = new Map<number, HeldPartition>();
  readonly #partitionOf = new Map<string, number>();
  readonly #combinations = new Map<string, HeldAlarm>();
  readonly #unevaluated = new UnevaluatedAlarms();
  readonly #projectIds = new Map<string, string>();
  readonly #sharedNeeds = new SharedNeeds();
  readonly #toReread = new Set<string>();
  readonly #openTimes = createOpenTimesSource();
  readonly #mutex = new Mutex();

  constructor(private readonly deps: AlarmCacheDeps) {}

  /** Adds partitions. The next refresh loads their alarms. */
  take(partitions: readonly number[]): void {
    for (const id of partitions) this.#partitions.set(id, { alarms: new Map(), seen: null });
  }

  /** Removes partitions and their alarms. */
  drop(partitions: readonly number[]): void {
    for (const id of partitions) {
      for (const alarmId of this.#partitions.get(id)?.alarms.keys() ?? NONE) this.#remove(alarmId);
      this.#partitions.delete(id);
    }
    this.#unevaluated.drop(new Set(partitions));
  }

  /** Marks partitions to be loaded again. Called after a write whose result is unknown. */
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

  /** Loads new partitions and reads the changes of the others. Concurrent calls run one after the other. */
  refresh(): Promise<void> {
    return this.#mutex.runExclusive(() => this.#refresh());
  }

  async #refresh(): Promise<void> {
    const known = [...this.#partitions].filter(([, { seen }]) => seen !== null);
    const fresh = [...this.#partitions].filter(([, { seen }]) => seen === null);
    if (known.length > 0) {
      const oldest = this.#oldestSeen(known);
      await this.#applyRead(known, () =>
        this.deps.changesSince(
          known.map(([id]) => id),
          oldest,
        ),
      );
    }
    for (let start = 0; start < fresh.length; start += LOAD_AT_ONCE) {
      const some = fresh.slice(start, start + LOAD_AT_ONCE);
      await this.#applyRead(some, () => this.deps.load(some.map(([id]) => id)));
    }
    if (this.#toReread.size > 0) {
      const ids = [...this.#toReread];
      for await (const piece of inChunks(await this.deps.byId(ids))) for (const alarm of piece) this.#apply(alarm);
      for (const id of ids) this.#toReread.delete(id);
    }
  }

  /** Removes alarms and has the next refresh read them again. Called after a commit refused their outcomes. */
  reread(ids: readonly string[]): void {
    for (const id of ids) {
      this.#remove(id);
      this.#toReread.add(id);
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

  #oldestSeen(known: [number, HeldPartition][]): string {
    return known
      .map(([, { seen }]) => BigInt(seen as string))
      .reduce((a, b) => (a < b ? a : b))
      .toString();
  }

  async #applyRead(
    targets: [number, HeldPartition][],
    read: () => Promise<{ alarms: LoadedAlarm[]; seen: string }>,
  ): Promise<void> {
    const { alarms, seen } = await read();
    // A partition that was dropped and taken again during the read is another object. The read is too old for it.
    const current = (): typeof targets => targets.filter(([id, held]) => this.#partitions.get(id) === held);
    for await (const piece of inChunks(alarms)) {
      const wanted = new Set(current().map(([id]) => id));
      for (const alarm of piece)
        if (wanted.has(alarm.partition) || !this.#partitions.has(alarm.partition)) this.#apply(alarm);
    }
    for (const [, held] of current()) held.seen = seen;
  }

  #apply(alarm: LoadedAlarm): void {
    const alarms = this.#partitions.get(alarm.partition)?.alarms;
    if (alarm.deleted || !alarm.enabled || alarms === undefined) return this.#remove(alarm.id);
    // A read may be older than a commit that is already applied. Versions only rise.
    const known = alarms.get(alarm.id);
    if (known && known.definitionVersion >= alarm.definitionVersion && known.stateVersion > alarm.stateVersion) return;
    if (known === undefined) this.#remove(alarm.id);
    const held = this.#tryHold(alarm, known?.ticket);
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

  /** Returns undefined for an alarm that cannot be parsed, so that it does not stop the evaluation of the others. */
  #tryHold(alarm: LoadedAlarm, ticket: number | undefined): HeldAlarm | undefined {
    try {
      return this.#hold(alarm, ticket);
    } catch (thrown) {
      this.deps.onUnreadable(alarm.id, toError(thrown));
      return undefined;
    }
  }

  #hold(alarm: LoadedAlarm, ticket: number | undefined): HeldAlarm {
    const rule = parseStoredRule(alarm.kind, alarm.ruleJson);
    const options = parseStoredOptions(alarm.optionsJson) ?? NO_OPTIONS;
    return {
      id: alarm.id,
      projectId: this.#oneTextFor(alarm.projectId),
      rule,
      needs: typeOf(rule)
        .seriesNeeded(rule, options)
        .map((need) => this.#sharedNeeds.of(need)),
      options,
      repeats: alarm.repeatActions,
      statesWithActions: alarm.statesWithActions.length === 0 ? NONE : alarm.statesWithActions,
      openTimes: this.#openTimes.ofJson(alarm.timeConstraintsJson),
      partition: alarm.partition,
      definitionVersion: alarm.definitionVersion,
      state: alarm.state,
      stateVersion: alarm.stateVersion,
      ticket,
      shownReason: alarm.shownReason === null ? null : replaceableReason(alarm.state, alarm.shownReason),
      isReasonFound: false,
    };
  }

  #oneTextFor(projectId: string): string {
    const known = this.#projectIds.get(projectId);
    if (known === undefined) this.#projectIds.set(projectId, projectId);
    return known ?? projectId;
  }
}
