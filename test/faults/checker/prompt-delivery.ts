import type { RecordedFault, RecordedNotification, ReceivedCall, RunRecords } from '../records.js';
import { TIMINGS } from '../timings.js';
import { overlapMs, timeBounds, type Span } from './time-bounds.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** From a notification being due to its first attempt, for nearly all of them, while other receivers fail. */
const USUAL_MS = 2_000;
const NEARLY_ALL = 0.95;
/** The same after a process was killed, stopped or cut off, for those that it had not claimed. */
const OTHERS_MS = TIMINGS.leaseMs + 2_000;
/** The same for those that it had claimed. */
const CLAIMED_MS = TIMINGS.claimMs + 2 * TIMINGS.sweepMs + TIMINGS.attemptMs + TIMINGS.recoveryMs;
/** Time after which a process fault delays only what was claimed. */
const PROCESS_AFTERMATH_MS = TIMINGS.recoveryMs;
/** Fewer notifications prove nothing. */
const ENOUGH = 20;
/** Time after which a receiver that failed has no effect any more. */
const RECEIVER_AFTERMATH_MS = 15_000;

/** The time from which on a notification is due to the first request with it. */
interface FirstAttempt extends Span {
  id: string;
  receiver: number;
}

/**
 * G6: a receiver that fails delays no other, and a process that dies, hangs or is cut off delays only what it had
 * claimed: all else is sent by the others within the lease and two seconds.
 */
export function checkPromptDelivery(records: RunRecords): Verdict {
  const bounds = timeBounds(records);
  const attempts = firstAttempts(records).filter((one) => !isOfFailedReceiver(one, records.faults));
  const absolute: string[] = [];
  const late: string[] = [];
  const claimed = new Map<RecordedFault, number>();
  for (const one of attempts) {
    const faults = processFaults(one, records.faults);
    const found = bounds.isSlow(one) ? late : absolute;
    const waitedMs = lengthMs(one) - excusedMs(one, records, faults);
    if (waitedMs <= OTHERS_MS) continue;
    const cause = faults.find((fault) => (claimed.get(fault) ?? 0) < fault.mayRepeat);
    if (cause !== undefined && waitedMs <= CLAIMED_MS) claimed.set(cause, (claimed.get(cause) ?? 0) + 1);
    else found.push(`notification ${one.id} was sent ${lengthMs(one)} ms after ${new Date(one.fromMs).toISOString()}`);
  }
  const usual = attempts.filter(
    (one) => processFaults(one, records.faults, PROCESS_AFTERMATH_MS).length === 0 && !bounds.isSlow(one),
  );
  const hasFailedReceiver = records.faults.some(({ onlyReceiver }) => onlyReceiver !== undefined);
  if (hasFailedReceiver && usual.length < ENOUGH && attempts.length >= ENOUGH)
    late.push(`only ${usual.length} notifications were sent at a time without other faults`);
  const usualMs = quantile(usual.map(lengthMs), NEARLY_ALL);
  if (usualMs > USUAL_MS) {
    const text = `${NEARLY_ALL * 100} % of notifications were sent within ${usualMs} ms, not within ${USUAL_MS}`;
    (bounds.isSlow(records) ? late : absolute).push(text);
  }
  const counts = {
    attempts: attempts.length,
    usual: usual.length,
    p95Ms: usualMs,
    latestMs: Math.max(0, ...attempts.map(lengthMs)),
    delayedByClaims: [...claimed.values()].reduce((sum, n) => sum + n, 0),
  };
  return verdictOf('G6', counts, { absolute, late, isMachineSlow: true });
}

/** First attempts of notifications whose predecessor in their queue was acknowledged. */
function firstAttempts({ calls, notifications }: RunRecords): FirstAttempt[] {
  const rows = new Map(notifications.map((row) => [row.id, row]));
  return [...groupBy(calls, ({ queue }) => queue).values()].flatMap((own) => inQueue(own, rows));
}

function inQueue(calls: readonly ReceivedCall[], rows: ReadonlyMap<string, RecordedNotification>): FirstAttempt[] {
  const found: FirstAttempt[] = [];
  let freeMs: number | undefined = 0;
  let highest = 0;
  for (const [id, own] of groupBy(calls, (call) => call.id)) {
    const [first] = own;
    const row = rows.get(id);
    // One that comes after its successors is G5's matter.
    if (first !== undefined && row !== undefined && freeMs !== undefined && first.sequence > highest) {
      highest = first.sequence;
      const fromMs = Math.max(row.createdMs, freeMs);
      found.push({ id, fromMs, toMs: Math.max(first.atMs, fromMs), receiver: receiverOf(first) });
    }
    freeMs = own.find(({ status }) => status >= 200 && status < 300)?.answeredMs;
  }
  return found;
}

function receiverOf({ queue }: ReceivedCall): number {
  return Number(queue.split('/')[0]);
}

function isOfFailedReceiver({ receiver, fromMs, toMs }: FirstAttempt, faults: readonly RecordedFault[]): boolean {
  return faults.some(
    (fault) => fault.onlyReceiver === receiver && fault.fromMs < toMs && fault.toMs + RECEIVER_AFTERMATH_MS > fromMs,
  );
}

/** The faults in this time that are not those of a receiver or of one alarm. */
function processFaults(
  { fromMs, toMs }: Span,
  faults: readonly RecordedFault[],
  aftermathMs = CLAIMED_MS,
): RecordedFault[] {
  return faults.filter(
    (fault) =>
      fault.onlyReceiver === undefined &&
      fault.onlyAlarm === undefined &&
      fault.fromMs < toMs &&
      fault.toMs + aftermathMs > fromMs,
  );
}

/** The time in which nothing could be sent. */
function excusedMs(span: Span, { stalls }: RunRecords, faults: readonly RecordedFault[]): number {
  const outages = faults.filter(({ stopsDelivery }) => stopsDelivery);
  const outageMs = outages.reduce((sum, { fromMs, toMs }) => {
    return sum + overlapMs({ fromMs, toMs: toMs + TIMINGS.recoveryMs }, span);
  }, 0);
  return outageMs + stalls.reduce((sum, stall) => sum + overlapMs(stall, span), 0);
}

function lengthMs({ fromMs, toMs }: Span): number {
  return Math.round(toMs - fromMs);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}
