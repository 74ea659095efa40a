import type { ReceivedCall, RecordedFault, RunRecords } from '../records.js';
import { verdictOf, type Verdict } from './verdict.js';

/** Far shorter than a jump, and longer than any request is under way. */
const TOLERANCE_MS = 60_000;

/** G13: wall clocks that jump change nothing but the webhook-timestamp, and that only by the jump. */
export function checkClockIgnored({ calls, faults, furthestQueryMs }: RunRecords): Verdict {
  const jumps = faults.filter(({ jumpMs }) => jumpMs !== undefined);
  const wrong = calls.filter((call) => !isClaimRight(call, jumps));
  const absolute = wrong.map(
    ({ id, atMs, claimedMs }) => `notification ${id} was sent with a time that is off by ${claimedMs - atMs} ms`,
  );
  if (furthestQueryMs > TOLERANCE_MS)
    absolute.push(
      `the metrics backend was asked about a moment ${Math.round(furthestQueryMs)} ms from the present one`,
    );
  return verdictOf('G13', { jumps: jumps.length, furthestQueryMs: Math.round(furthestQueryMs) }, { absolute });
}

function isClaimRight({ atMs, claimedMs }: ReceivedCall, jumps: readonly RecordedFault[]): boolean {
  const active = jumps.filter(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs + TOLERANCE_MS);
  return [0, ...active.map(({ jumpMs = 0 }) => jumpMs)].some(
    (jumpMs) => Math.abs(claimedMs - atMs - jumpMs) <= TOLERANCE_MS,
  );
}
