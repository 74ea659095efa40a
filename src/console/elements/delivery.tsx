import type { JSX } from 'preact';

import { outcomeWords } from './delivery-words.js';
import { useHold, type HoldSubject } from './pauses.js';
import { timeOf, timeText } from './time.js';

/** Statuses of notifications that can be sent again. */
export const REPLAYABLE: readonly string[] = ['dead', 'silenced', 'superseded', 'cancelled'];

/** The outcome of a notification: a sign and a word. Pauses and limits come from `PausesContext`. */
export function DeliveryStatus({
  of,
  httpStatus,
  error,
}: {
  of: HoldSubject;
  httpStatus: number | null;
  error: string | null;
}): JSX.Element {
  const hold = useHold(of);
  const { sign, kind, word } = outcomeWords(of, hold?.reason);
  const facts = [
    hold && (hold.endsAt === null ? 'until deliveries are resumed' : `until ${timeText(timeOf(hold.endsAt), 'short')}`),
    error,
    httpStatus !== null && `HTTP ${httpStatus}`,
  ];
  return (
    <span class={`delivery ${kind}`} title={facts.filter(Boolean).join(', ') || undefined}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}
