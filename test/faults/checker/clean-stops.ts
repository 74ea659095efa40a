import type { RunRecords } from '../records.js';
import { TIMINGS } from '../timings.js';
import { timeBounds } from './time-bounds.js';
import { verdictOf, type Verdict } from './verdict.js';

const STOP_MS = TIMINGS.attemptMs + 5_000;

/** G14: a process that is asked to stop ends with exit code 0 in time. */
export function checkCleanStops(records: RunRecords): Verdict {
  const bounds = timeBounds(records);
  const absolute: string[] = [];
  const late: string[] = [];
  let longestMs = 0;
  for (const { name, atMs, tookMs, exitCode } of records.stops) {
    longestMs = Math.max(longestMs, tookMs);
    if (exitCode !== 'exit code 0') absolute.push(`${name} was asked to stop and ended with ${exitCode}`);
    if (tookMs <= STOP_MS) continue;
    const span = { fromMs: atMs, toMs: atMs + tookMs };
    (bounds.isSlow(span) ? late : absolute).push(`${name} took ${tookMs} ms to stop, at most ${STOP_MS} ms allowed`);
  }
  return verdictOf('G14', { stops: records.stops.length, longestMs }, { absolute, late, isMachineSlow: true });
}

/** G12: no process ends by itself, whatever its servers do. */
export function checkNoCrash({ crashes }: RunRecords): Verdict {
  const absolute = crashes.map((crash) => `ended without being asked to: ${crash}`);
  return verdictOf('G12', { crashes: crashes.length }, { absolute });
}
