import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { isEqual } from '../requests/json-equal.js';
import { warnBeforeLeaving } from '../requests/leave-warning.js';
import type { PageUser } from '../requests/page-user.js';

/** A draft in the storage of the tab. Neither a reload nor another view loses it. */
export interface Kept {
  draft: unknown;
  /** The draft as it was before the user changed it. */
  base: unknown;
}

const PREFIX = 'tocsin draft ';

/** The key of a draft, which belongs to the user who wrote it. `what`: such as `edit` and the id of the alarm. */
export function draftKey({ user_id, project_id }: PageUser, what: string): string {
  return JSON.stringify([user_id, project_id, what]);
}

/** The draft that was kept under this key; undefined if there is none. */
export function keptDraft<Draft extends Kept>(key: string): Draft | undefined {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    return text === null ? undefined : (JSON.parse(text) as Draft);
  } catch {
    return undefined; // the browser has no storage
  }
}

/** Keeps a draft while it differs from its base. The browser then warns before the tab is closed. */
export function useKeptDraft<Draft extends Kept>(
  key: string,
  start: Draft,
): {
  kept: Draft;
  isChanged: boolean;
  /** True until the user discards a draft that was kept when the form was left. */
  isRestored: boolean;
  set: (next: Draft) => void;
  /** Keeps the draft no longer: it was saved, or the user leaves it. */
  forget: () => void;
  discard: () => void;
} {
  const [restored] = useState(() => keptDraft<Draft>(key));
  const [kept, setKept] = useState(restored ?? start);
  const [isRestored, setRestored] = useState(restored !== undefined);
  const isChanged = !isEqual(kept.draft, kept.base);
  useEffect(() => (isChanged ? warnBeforeLeaving() : undefined), [isChanged]);
  const set = (next: Draft): void => {
    setKept(next);
    keep(key, isEqual(next.draft, next.base) ? undefined : next);
  };
  const forget = (): void => {
    setKept({ ...kept, base: kept.draft });
    keep(key, undefined);
  };
  const discard = (): void => {
    set(start);
    setRestored(false);
  };
  return { kept, isChanged, isRestored, set, forget, discard };
}

function keep(key: string, kept: Kept | undefined): void {
  try {
    if (kept === undefined) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(kept));
  } catch {
    // The browser has no storage, or it is full.
  }
}

/** Says that the form has a draft of before. */
export function Restored({ onDiscard }: { onDiscard: () => void }): JSX.Element {
  return (
    <p class="notice" role="status">
      Your unsaved changes were restored.{' '}
      <button type="button" onClick={onDiscard}>
        Discard them
      </button>
    </p>
  );
}

/** Says beside the buttons of a form that leaving it loses nothing. */
export function Unsaved(): JSX.Element {
  return <small class="muted">Not saved yet. This tab keeps your changes if you leave the form.</small>;
}
