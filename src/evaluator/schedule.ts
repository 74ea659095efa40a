import { PHASES_PER_INTERVAL } from '../alarm/partition-key.js';

/** Batches start on slots; combinations are looked at half-way between, when the batches around them have settled. */
const TICKS_PER_SLOT = 2;

/** A partition always has the same slot, so a restart keeps the phase. */
export function phaseOf(partition: number): number {
  return partition % PHASES_PER_INTERVAL;
}

/** The latest moment, at or before `nowMs`, at which this partition's slot came up. */
export function lastDueTime(partition: number, nowMs: number, intervalMs: number): number {
  const offset = (phaseOf(partition) * intervalMs) / PHASES_PER_INTERVAL;
  return Math.floor((nowMs - offset) / intervalMs) * intervalMs + offset;
}

/** Which interval an evaluation at `evaluatedAtMs` counts for, however late it was. */
export function cycleOf(partition: number, evaluatedAtMs: number, intervalMs: number): number {
  return Math.floor(lastDueTime(partition, evaluatedAtMs, intervalMs) / intervalMs);
}

/** When the loop should look around next. */
export function nextTick(nowMs: number, intervalMs: number): number {
  const step = intervalMs / PHASES_PER_INTERVAL / TICKS_PER_SLOT;
  return (Math.floor(nowMs / step) + 1) * step;
}

/**
 * Whether a partition's slot has come up since it was last evaluated. One never evaluated is due, and so is one
 * evaluated in the future: the database's clock was put back since, and nobody should wait until it gets there again.
 */
export function isDue(
  partition: number,
  lastEvaluatedMs: number | undefined,
  nowMs: number,
  intervalMs: number,
): boolean {
  if (lastEvaluatedMs === undefined || lastEvaluatedMs > nowMs + intervalMs) return true;
  return lastDueTime(partition, nowMs, intervalMs) > lastEvaluatedMs;
}

/** Slots that came up since the last evaluation and will not be caught up with, the present one not counted. */
export function missedIntervals(
  partition: number,
  lastEvaluatedMs: number | undefined,
  nowMs: number,
  intervalMs: number,
): number {
  if (lastEvaluatedMs === undefined) return 0;
  const behind = lastDueTime(partition, nowMs, intervalMs) - lastDueTime(partition, lastEvaluatedMs, intervalMs);
  return Math.max(0, Math.round(behind / intervalMs) - 1);
}
