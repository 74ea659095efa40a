import type { JSX } from 'preact';

import { changedParts, type SilenceDraft } from './silence-draft.js';

/**
 * Says what another user has changed since the draft was begun. The draft would replace it, so it is not sent: the user
 * keeps or discards their own changes.
 */
export function Outdated({
  kept: { draft, base },
  present,
  onKeep,
  onDiscard,
}: {
  kept: { draft: SilenceDraft; base: SilenceDraft };
  /** The silence as it is stored. */
  present: SilenceDraft;
  onKeep: () => void;
  onDiscard: () => void;
}): JSX.Element {
  const theirs = changedParts(base, present);
  const mine = changedParts(base, draft);
  const both = theirs.filter((part) => mine.includes(part));
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>This silence has changed since you opened it.</strong>
        {theirs.length > 0 && ` Changed: ${theirs.join(', ')}.`}
      </p>
      {both.length > 0 && <p>You changed {both.join(', ')}, too. If you keep your changes, they replace these.</p>}
      <div class="actions">
        <button type="button" onClick={onKeep}>
          Keep my changes
        </button>
        <button type="button" onClick={onDiscard}>
          Discard my changes
        </button>
      </div>
    </div>
  );
}
