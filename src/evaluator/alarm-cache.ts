import type { AlarmState } from '../alarm/state.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import type { SeriesNeed } from '../alarm/series.js';
import { replaceableReason } from '../alarm/state-reason.js';
import { parseStoredRule, typeOf, type AlarmKind } from '../alarm/types/index.js';
import { toError } from '../errors.js';
import { inChunks } from '../async/event-loop.js';
import { parseStoredOptions } from '../storage/alarms/alarm-row.js';
import type { LoadedAlarm } from '../storage/evaluation/evaluation-store.js';
import type { HeldAlarm } from './held-alarm.js';
import { SharedNeeds } from './shared-needs.js';
import { UnevaluatedAlarms, type OpenReason } from './unevaluated-alarms.js';

export interface AlarmCacheDeps {
  load: (partitions: readonly number[]) => Promise<{ alarms: LoadedAlarm[]; seen: string }>;
  changesSince: (partitions: readonly number[], since: string) => Promise<{ alarms: LoadedAlarm[]; seen: string }>;
  byId: (ids: readonly string[]) => Promise<LoadedAlarm[]>;
  /** Whether there is somebody to put this question to. */
  isConfigured: (need: SeriesNeed) => boolean;
  /**
   * An alarm that is there and makes no sense, such as one of a kind that only a newer release knows. It is left out.
   */
  onUnreadable: (alarmId: string, err: Error) => void;
}

interface HeldPartition {
  alarms: Map<string, HeldAlarm>;
  /** Changes below this revision are in memory; null before the first load. */
  seen: string | null;
}

const NONE: readonly never[] = [];

/**
 * Partitions loaded by one statement: with a million alarms in all, an answer of some hundred thousand rows is enough
 * at once.
 */
const LOAD_AT_ONCE = 32;

/** The enabled alarms of the partitions that this evaluator holds, kept fresh by revision. */
export class AlarmCache {
  readonly #partitions = new Map<number, HeldPartition>();
  readonly #partitionOf = new Map<string, number>();
  readonly #combinations = new Map<string, HeldAlarm>();
  readonly #unevaluated = new UnevaluatedAlarms();
  readonly #projectIds = new Map<string, string>();
  readonly #sharedNeeds = new SharedNeeds();
  readonly #doubtful = new Set<string>();
  readonly #openTimes = createOpenTimesSource();
  #refreshing: Promise<void> = Promise.resolve();

  constructor(private readonly deps: AlarmCacheDeps) {}

  /** Starts to hold these partitions; their alarms are loaded by the next refresh. */
  take(partitions: readonly number[]): void {
    for (const id of partitions) this.#partitions.set(id, { alarms: new Map(), seen: null });
  }

  drop(partitions: readonly number[]): void {
    for (const id of partitions) {
      for (const alarmId of this.#partitions.get(id)?.alarms.keys() ?? NONE) this.#remove(alarmId);
      this.#partitions.delete(id);
    }
    this.#unevaluated.drop(new Set(partitions));
  }

  /** Forgets what is known of these partitions, because a write to them may or may not have happened. */
  distrust(partitions: readonly number[]): void {
    const held = partitions.filter((id) => this.#partitions.has(id));
    this.drop(held);
    this.take(held);
  }

  alarmsOf(partition: number): Iterable<HeldAlarm> {
    return this.#partitions.get(partition)?.alarms.values() ?? NONE;
  }

  alarmOf(partition: number, alarmId: string): HeldAlarm | undefined {
    return this.#partitions.get(partition)?.alarms.get(alarmId);
  }

  /** How many enabled alarms are left out because a backend that they need is not configured, by kind. */
  withoutBackend(): ReadonlyMap<AlarmKind, number> {
    return this.#unevaluated.withoutBackend();
  }

  /**
   * Alarms of these partitions that no evaluation judges, with the reason for it where their `state_reason` says
   * something else.
   */
  untoldOf(partitions: ReadonlySet<number>): OpenReason[] {
    return this.#unevaluated.openReasonsOf(partitions);
  }

  /** Alarms that look at other alarms. */
  combinations(): HeldAlarm[] {
    return [...this.#combinations.values()];
  }

  /** Whether a partition's alarms are all in memory. */
  isLoaded(partition: number): boolean {
    return (this.#partitions.get(partition)?.seen ?? null) !== null;
  }

  get size(): number {
    return this.#partitionOf.size;
  }

  /** The oldest revision that some partition still waits for; null while one is not loaded. */
  get seen(): string | null {
    let oldest: bigint | undefined;
    for (const { seen } of this.#partitions.values()) {
      if (seen === null) return null;
      if (oldest === undefined || BigInt(seen) < oldest) oldest = BigInt(seen);
    }
    return oldest?.toString() ?? null;
  }

  /** Loads what was just taken and reads what was written to the rest since the last time. Calls take turns. */
  refresh(): Promise<void> {
    const mine = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = mine.catch(() => undefined); // the failure belongs to the caller, not to the next in line
    return mine;
  }

  async #refresh(): Promise<void> {
    const known = [...this.#partitions].filter(([, { seen }]) => seen !== null);
    const fresh = [...this.#partitions].filter(([, { seen }]) => seen === null);
    if (known.length > 0) {
      const oldest = this.#oldestSeen(known);
      await this.#absorb(known, () =>
        this.deps.changesSince(
          known.map(([id]) => id),
          oldest,
        ),
      );
    }
    for (let start = 0; start < fresh.length; start += LOAD_AT_ONCE) {
      const some = fresh.slice(start, start + LOAD_AT_ONCE);
      await this.#absorb(some, () => this.deps.load(some.map(([id]) => id)));
    }
    if (this.#doubtful.size > 0) {
      const ids = [...this.#doubtful];
      for await (const piece of inChunks(await this.deps.byId(ids))) for (const alarm of piece) this.#apply(alarm);
      for (const id of ids) this.#doubtful.delete(id);
    }
  }

  /** Has these alarms read again by the next refresh, after a commit refused what was decided about them. */
  reread(ids: readonly string[]): void {
    for (const id of ids) {
      this.#remove(id);
      this.#doubtful.add(id);
    }
  }

  /** A transition is durable: the alarm in memory follows. */
  committed({ alarmId, to, reason }: { alarmId: string; to: AlarmState; reason: string }, stateVersion: number): void {
    const alarm = this.#find(alarmId);
    if (alarm === undefined || alarm.stateVersion >= stateVersion) return;
    alarm.state = to;
    alarm.stateVersion = stateVersion;
    alarm.shownReason = replaceableReason(to, reason);
    alarm.isReasonFound = true;
  }

  /** A new reason was committed. */
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

  async #absorb(
    targets: [number, HeldPartition][],
    read: () => Promise<{ alarms: LoadedAlarm[]; seen: string }>,
  ): Promise<void> {
    const { alarms, seen } = await read();
    // A partition released and taken again since the read began is another object by now: for that one the read is too
    // old.
    const current = (): typeof targets => targets.filter(([id, held]) => this.#partitions.get(id) === held);
    for await (const piece of inChunks(alarms)) {
      const asked = new Set(current().map(([id]) => id));
      for (const alarm of piece)
        if (asked.has(alarm.partition) || !this.#partitions.has(alarm.partition)) this.#apply(alarm);
    }
    for (const [, held] of current()) held.seen = seen;
  }

  #apply(alarm: LoadedAlarm): void {
    const alarms = this.#partitions.get(alarm.partition)?.alarms;
    if (alarm.deleted || !alarm.enabled || alarms === undefined) return this.#remove(alarm.id);
    // A read can be older than what a commit has already told; versions only rise.
    const known = alarms.get(alarm.id);
    if (known && known.definitionVersion >= alarm.definitionVersion && known.stateVersion > alarm.stateVersion) return;
    if (known === undefined) this.#remove(alarm.id);
    const held = this.#tryHold(alarm, known?.ticket);
    if (held === undefined) return this.#remove(alarm.id);
    if (this.#isOurs(held)) this.#keep(held, alarms);
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

  /**
   * Whether this evaluator can do anything about an alarm: not where events set it off, nor where a backend is not
   * configured.
   */
  #isOurs({ rule, needs }: HeldAlarm): boolean {
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

  /** One row that this release cannot read must not keep the others from being evaluated. */
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
