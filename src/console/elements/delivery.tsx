import type { JSX } from 'preact';

/** Statuses of notifications that can be sent again. */
export const REPLAYABLE: readonly string[] = ['dead', 'silenced', 'superseded', 'cancelled'];

/** The outcome of a notification as a sign; its status is the word beside it. */
const OUTCOMES: Readonly<Record<string, { sign: string; kind: string }>> = {
  delivered: { sign: '✓', kind: 'ok' },
  dead: { sign: '✕', kind: 'alarm' },
  pending: { sign: '…', kind: 'unknown' },
  superseded: { sign: '↷', kind: 'muted' },
  expired: { sign: '↷', kind: 'muted' },
  silenced: { sign: '∅', kind: 'muted' },
};

/** The status of a notification. One that waits after an attempt has failed before. */
export function DeliveryStatus({
  status,
  attempts,
  httpStatus,
  error,
}: {
  status: string;
  attempts: number;
  httpStatus: number | null;
  error: string | null;
}): JSX.Element {
  const isFailing = status === 'pending' && attempts > 0;
  const { sign, kind } = isFailing ? { sign: '!', kind: 'alarm' } : (OUTCOMES[status] ?? { sign: '·', kind: 'muted' });
  const why = [error, httpStatus === null ? null : `HTTP ${httpStatus}`].filter((each) => each !== null).join(', ');
  return (
    <span class={`delivery ${kind}`} title={why || undefined}>
      <span aria-hidden="true">{sign}</span> {isFailing ? 'failing' : status.replace('_', ' ')}
    </span>
  );
}
