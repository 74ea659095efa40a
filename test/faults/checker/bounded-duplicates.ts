import type { ReceivedCall, RunRecords } from '../records.js';
import { TIMINGS } from '../timings.js';
import { overlapMs, timeBounds } from './time-bounds.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** A fault can have a notification sent again until its claim ends and it is found. */
const AFTERMATH_MS = TIMINGS.claimMs + 2 * TIMINGS.sweepMs + TIMINGS.attemptMs + TIMINGS.recoveryMs;
/** A stall of this machine from which on an answer may have come too late for the notifier. */
const LONG_STALL_MS = 1_000;

/** G4: repeats are bounded by the faults, and all attempts of one notification have the same bytes. */
export function checkBoundedDuplicates(records: RunRecords): Verdict {
  const { calls, notifications, faults, stalls } = records;
  const bounds = timeBounds(records);
  const absolute: string[] = [];
  const late: string[] = [];
  const hashOf = new Map(notifications.map(({ id, bodyHash }) => [id, bodyHash]));
  const repeatsOf = new Map<number, number>();
  const counts = { calls: calls.length, repeats: 0, repeatsDuringStalls: 0 };
  for (const [id, own] of groupBy(calls, (call) => call.id)) {
    const hashes = new Set([...own.map(({ bodyHash }) => bodyHash), hashOf.get(id)]);
    hashes.delete(undefined);
    if (hashes.size > 1) absolute.push(`notification ${id} was sent with ${hashes.size} different bodies`);
    const first = own.findIndex(({ status }) => status >= 200 && status < 300);
    for (const repeat of first < 0 ? [] : own.slice(first + 1)) {
      counts.repeats += 1;
      const cause = faults.findIndex((fault) => mayHaveCaused(fault, own[first], repeat));
      if (cause >= 0) repeatsOf.set(cause, (repeatsOf.get(cause) ?? 0) + 1);
      else if (stalls.some((stall) => isLongStall(stall, repeat))) counts.repeatsDuringStalls += 1;
      else {
        // A notifier that does not run for longer than its claims last is as one that is stopped.
        const found = bounds.isSlow({ fromMs: repeat.atMs - AFTERMATH_MS, toMs: repeat.atMs }) ? late : absolute;
        found.push(`notification ${id} was sent again at ${timeText(repeat)} without a fault`);
      }
    }
  }
  for (const [cause, repeats] of repeatsOf) {
    const { kind, detail, mayRepeat } = faults[cause] ?? { kind: '', detail: '', mayRepeat: 0 };
    if (repeats > mayRepeat)
      absolute.push(`${kind} (${detail}) led to ${repeats} repeats, at most ${mayRepeat} allowed`);
  }
  return verdictOf('G4', counts, { absolute, late, isMachineSlow: true });
}

function mayHaveCaused(
  { mayRepeat, fromMs, toMs }: RunRecords['faults'][number],
  first: ReceivedCall | undefined,
  repeat: ReceivedCall,
): boolean {
  const sentMs = first?.atMs ?? 0;
  return mayRepeat > 0 && sentMs >= fromMs - AFTERMATH_MS && repeat.atMs >= fromMs && sentMs <= toMs + AFTERMATH_MS;
}

function isLongStall(stall: RunRecords['stalls'][number], { atMs }: ReceivedCall): boolean {
  const about = { fromMs: atMs - TIMINGS.claimMs - TIMINGS.attemptMs, toMs: atMs };
  return stall.toMs - stall.fromMs >= LONG_STALL_MS && overlapMs(stall, about) > 0;
}

function timeText({ atMs }: ReceivedCall): string {
  return new Date(atMs).toISOString();
}
