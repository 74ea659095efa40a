/** What keeps a pending notification from being sent: a pause of deliveries, or the hourly limit of its project. */
export type HoldReason = 'pause' | 'limit';

/** An outcome as sign, colour and word. */
export interface OutcomeWords {
  sign: string;
  kind: string;
  word: string;
}

const SIGNS: Readonly<Record<string, Omit<OutcomeWords, 'word'>>> = {
  delivered: { sign: '✓', kind: 'ok' },
  dead: { sign: '✕', kind: 'alarm' },
  pending: { sign: '…', kind: 'unknown' },
  superseded: { sign: '↷', kind: 'muted' },
  expired: { sign: '↷', kind: 'muted' },
  silenced: { sign: '∅', kind: 'muted' },
};

const HELD: Readonly<Record<HoldReason, OutcomeWords>> = {
  pause: { sign: '‖', kind: 'unknown', word: 'paused' },
  limit: { sign: '‖', kind: 'unknown', word: 'limited' },
};

/**
 * The words for a notification, in all lists and views. One that waits after an attempt is failing, unless it is held:
 * then no attempt is made, so nothing fails now.
 */
export function outcomeWords(
  { status, attempts }: { status: string; attempts: number },
  held: HoldReason | undefined,
): OutcomeWords {
  if (status === 'pending' && held !== undefined) return HELD[held];
  if (status === 'pending' && attempts > 0) return { sign: '!', kind: 'alarm', word: 'failing' };
  return { ...(SIGNS[status] ?? { sign: '·', kind: 'muted' }), word: status.replace('_', ' ') };
}
