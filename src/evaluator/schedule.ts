import { PHASES_PER_INTERVAL } from '../alarm/partition-key.js';

/**
 * Batches start at the beginning of a phase. Combinations are judged half-way through it, when the batch is committed.
 */
const TICKS_PER_PHASE = 2;

/**
 * The phase of the interval in which a partition is evaluated. It depends on the number alone, so a restart keeps it.
 */
export function phaseOf(partition: number): number {
  return partition % PHASES_PER_INTERVAL;
}

/** The last time, at or before `nowMs`, at which the partition became due. */
export function lastDueTime(partition: number, nowMs: number, intervalMs: number): number {
  const offset = (phaseOf(partition) * intervalMs) / PHASES_PER_INTERVAL;
  return Math.floor((nowMs - offset) / intervalMs) * intervalMs + offset;
}

/** The number of the interval that an evaluation at `evaluatedAtMs` belongs to, however late it was. */
export function cycleOf(partition: number, evaluatedAtMs: number, intervalMs: number): number {
  return Math.floor(lastDueTime(partition, evaluatedAtMs, intervalMs) / intervalMs);
}

/** The time between two ticks of the loop. */
export function tickMs(intervalMs: number): number {
  return intervalMs / PHASES_PER_INTERVAL / TICKS_PER_PHASE;
}

/** The time of the next tick of the loop. */
export function nextTick(nowMs: number, intervalMs: number): number {
  const step = tickMs(intervalMs);
  return (Math.floor(nowMs / step) + 1) * step;
}

/**
 * True if the partition became due after its last evaluation, or was never evaluated. An evaluation in the future
 * counts as none: the database clock was put back, and the partition must not wait until that time.
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

/** Intervals since the last evaluation that are skipped, without the present one. */
export function missedIntervals(partition: number, lastEvaluatedMs: number, nowMs: number, intervalMs: number): number {
  const behind = lastDueTime(partition, nowMs, intervalMs) - lastDueTime(partition, lastEvaluatedMs, intervalMs);
  return Math.max(0, Math.round(behind / intervalMs) - 1);
}
