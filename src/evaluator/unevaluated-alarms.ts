import type { SeriesNeed } from '../alarm/series.js';
import { whyLeftOut } from '../alarm/state-reason.js';
import { neverOpensReason, type TimeConstraint } from '../alarm/time-constraint/time-constraint.js';
import type { AlarmKind } from '../alarm/types/index.js';
import { LruMap } from '../cache/lru-map.js';
import type { HeldAlarm } from './held-alarm.js';

/** An alarm whose stored `state_reason` is to be replaced by `reason`. */
export interface OpenReason {
  alarm: HeldAlarm;
  reason: string;
}

/**
 * Time constraint lists whose result is kept, and the longest text of one. Parsing a list takes up to a millisecond.
 */
const MAX_KEPT = 10_000;
const MAX_KEPT_TEXT = 4_096;

/**
 * Enabled alarms that cannot be evaluated: a backend is not configured, the rule needs no data, or none of the time
 * constraints ever opens. Their `state_reason` says so.
 */
export class UnevaluatedAlarms {
  readonly #withoutBackend = new Map<string, { partition: number; kind: AlarmKind }>();
  readonly #openReasons = new Map<string, OpenReason>();
  /** By the JSON text of the constraints; null if one of them opens. */
  readonly #neverOpensReasons = new LruMap<string | null>(MAX_KEPT);

  /** The number of alarms whose backend is not configured, by kind. */
  withoutBackend(): ReadonlyMap<AlarmKind, number> {
    const counts = new Map<AlarmKind, number>();
    for (const { kind } of this.#withoutBackend.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  }

  /** Alarms of these partitions whose stored `state_reason` does not say yet why they are not evaluated. */
  openReasonsOf(partitions: ReadonlySet<number>): OpenReason[] {
    return [...this.#openReasons.values()].filter(({ alarm }) => partitions.has(alarm.partition));
  }

  /** Records an alarm. `missing`: its needs without a configured backend. */
  leaveOut(alarm: HeldAlarm, missing: readonly SeriesNeed[]): void {
    if (missing.length > 0) this.#withoutBackend.set(alarm.id, { partition: alarm.partition, kind: alarm.rule.type });
    if (alarm.shownReason !== null) this.#note(alarm, whyLeftOut(missing));
  }

  /** Records the alarm if none of its time constraints ever opens. `constraintsJson` is their stored JSON text. */
  noteIfNeverOpen(alarm: HeldAlarm, constraintsJson: string): void {
    const reason = constraintsJson === '[]' ? undefined : this.#neverOpensReason(constraintsJson);
    if (reason !== undefined) this.#note(alarm, reason);
  }

  /** The reason of the alarm is stored. */
  reasonCommitted(alarmId: string): void {
    this.#openReasons.delete(alarmId);
  }

  remove(alarmId: string): void {
    this.#withoutBackend.delete(alarmId);
    this.#openReasons.delete(alarmId);
  }

  drop(partitions: ReadonlySet<number>): void {
    for (const [alarmId, { partition }] of this.#withoutBackend) {
      if (partitions.has(partition)) this.#withoutBackend.delete(alarmId);
    }
    for (const [alarmId, { alarm }] of this.#openReasons) {
      if (partitions.has(alarm.partition)) this.#openReasons.delete(alarmId);
    }
  }

  #note(alarm: HeldAlarm, reason: string): void {
    if (alarm.shownReason !== reason) this.#openReasons.set(alarm.id, { alarm, reason });
  }

  /** Alarms with the same list are loaded together, so the list is parsed once. */
  #neverOpensReason(constraintsJson: string): string | undefined {
    const kept = this.#neverOpensReasons.get(constraintsJson);
    if (kept !== undefined) return kept ?? undefined;
    const reason = neverOpensReason(JSON.parse(constraintsJson) as TimeConstraint[]);
    if (constraintsJson.length <= MAX_KEPT_TEXT) this.#neverOpensReasons.set(constraintsJson, reason ?? null);
    return reason;
  }
}
