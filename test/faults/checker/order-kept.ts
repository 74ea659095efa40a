import type { ReceivedCall, RunRecords } from '../records.js';
import { groupBy, verdictOf, type Verdict } from './verdict.js';

/** Ends after which the next notification may be sent though no receiver has acknowledged this one. */
const GIVEN_UP = new Set(['dead', 'superseded', 'cancelled']);

/** G5: of one alarm and action, no notification is attempted before the earlier ones have ended. */
export function checkOrderKept({ calls, notifications }: RunRecords): Verdict {
  const givenUp = new Set(notifications.filter(({ status }) => GIVEN_UP.has(status)).map(({ id }) => id));
  const queues = groupBy(calls, ({ queue }) => queue);
  const problems = [...queues].flatMap(([queue, own]) =>
    inversions(own, givenUp).map((text) => `queue ${queue}: ${text}`),
  );
  return verdictOf('G5', { queues: queues.size, inversions: problems.length }, { absolute: problems });
}

function inversions(calls: readonly ReceivedCall[], givenUp: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  const acknowledgedMs = acknowledgements(calls);
  /** Attempted and not acknowledged yet: sequences by id. */
  const open = new Map<string, number>();
  let highest = -1;
  for (const { id, sequence, atMs } of calls) {
    const isAcknowledged = (one: string): boolean => (acknowledgedMs.get(one) ?? Infinity) <= atMs;
    for (const earlier of open.keys()) if (isAcknowledged(earlier) || givenUp.has(earlier)) open.delete(earlier);
    for (const earlier of open.values())
      if (earlier < sequence) problems.push(`notification ${sequence} was attempted while ${earlier} was open`);
    if (isAcknowledged(id)) continue; // a repeat
    if (sequence < highest) problems.push(`notification ${sequence} was attempted after ${highest}`);
    open.set(id, sequence);
    highest = Math.max(highest, sequence);
  }
  return problems;
}

/** When each notification was acknowledged first. */
function acknowledgements(calls: readonly ReceivedCall[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { id, status, answeredMs } of calls)
    if (status >= 200 && status < 300 && answeredMs !== undefined)
      found.set(id, Math.min(answeredMs, found.get(id) ?? Infinity));
  return found;
}
