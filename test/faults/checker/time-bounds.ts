import type { RecordedFault, RunRecords } from '../records.js';
import { QUIET_GAP_MS, TAKEOVER_MS, TIMINGS } from '../timings.js';

/** Share of a time in which processes waited for a processor, from which on bounds of time prove nothing. */
const BUSY = 0.5;

/** A span of time in milliseconds. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** How long something may take between two times, with the faults, outages and stalls of the run. */
export interface TimeBounds {
  /** Longest time without an evaluation, of the alarm with this number or of all. */
  gapMs(span: Span, number?: number): number;
  /** True if the machine was too busy in this time for any bound. */
  isSlow(span: Span): boolean;
}

/** The bounds of a run. */
export function timeBounds({ faults, stalls, pressure }: RunRecords): TimeBounds {
  return {
    gapMs(span, number) {
      // A take-over also follows when a process is healed: it joins, and takes its part from the others.
      const touching = faults.filter(
        ({ fromMs, toMs, onlyAlarm }) =>
          fromMs < span.toMs && toMs + TAKEOVER_MS > span.fromMs && (onlyAlarm ?? number) === number,
      );
      const takeOvers = touching.reduce((sum, fault) => sum + takeOversIn(fault, span), 0);
      const outages = touching.filter(({ isOutage }) => isOutage);
      const outageMs = outages.reduce((sum, outage) => sum + overlapMs(outage, span) + TIMINGS.recoveryMs, 0);
      const stalledMs = stalls.reduce((sum, stall) => sum + overlapMs(stall, span), 0);
      const boundMs = touching.length === 0 ? QUIET_GAP_MS : TIMINGS.intervalMs + takeOvers * TAKEOVER_MS + outageMs;
      return boundMs + stalledMs;
    },
    isSlow({ fromMs, toMs }) {
      const before = pressure.findLast(({ atMs }) => atMs <= fromMs) ?? pressure[0];
      const after = pressure.find(({ atMs }) => atMs >= toMs) ?? pressure.at(-1);
      if (before === undefined || after === undefined || after.atMs <= before.atMs) return false;
      return (after.waitedMs - before.waitedMs) / (after.atMs - before.atMs) > BUSY;
    },
  };
}

/** How often partitions may have changed hands in this time because of a fault. */
function takeOversIn({ changesMs }: RecordedFault, { fromMs, toMs }: Span): number {
  return changesMs?.filter((atMs) => atMs < toMs && atMs + TAKEOVER_MS > fromMs).length ?? 1;
}

/** The time that two spans share. */
export function overlapMs(one: Span, other: Span): number {
  return Math.max(0, Math.min(one.toMs, other.toMs) - Math.max(one.fromMs, other.fromMs));
}
