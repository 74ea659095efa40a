import { invalidInput } from '../http/query-parameters.js';
import { utcTimestamp } from '../schema/timestamp.js';

/**
 * Refuses a time whose states are not known any more. `historyKeptMs` is undefined if history is kept for ever.
 *
 * @throws AppError for a time before the history that is kept.
 */
export function refuseForgotten(
  name: 'at' | 'start',
  time: Date,
  { now, historyKeptMs }: { now: Date; historyKeptMs: number | undefined },
): void {
  if (historyKeptMs === undefined) return;
  const keptSince = new Date(now.getTime() - historyKeptMs);
  if (time >= keptSince) return;
  const kept = `history is kept since ${utcTimestamp(keptSince)} (history.keep_for)`;
  throw invalidInput(name, utcTimestamp(time), `States of that time are unknown: ${kept}.`).at([name]);
}
