import { useEffect, useState } from 'preact/hooks';

import { isEqual, type Draft } from './draft.js';

/** A draft in the storage of the tab, so that a reload loses nothing. */
export interface KeptDraft {
  draft: Draft;
  /** The alarm as it was read, with its `ETag`; for a new alarm the draft at the start. */
  base: Draft;
  tag: string | undefined;
}

const PREFIX = 'tocsin draft ';

/** The draft that was kept under this key; undefined if there is none. */
export function keptDraft(key: string): KeptDraft | undefined {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    return text === null ? undefined : (JSON.parse(text) as KeptDraft);
  } catch {
    return undefined; // the browser has no storage
  }
}

/** Keeps a draft while it differs from its base. The browser then warns before the tab is closed. */
export function useKeptDraft(
  key: string,
  start: KeptDraft,
): { kept: KeptDraft; isChanged: boolean; set: (next: KeptDraft) => void; forget: () => void } {
  const [kept, setKept] = useState(start);
  const isChanged = !isEqual(kept.draft, kept.base);
  useEffect(() => {
    if (!isChanged) return undefined;
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', warn);
    return () => removeEventListener('beforeunload', warn);
  }, [isChanged]);
  const set = (next: KeptDraft): void => {
    setKept(next);
    keep(key, isEqual(next.draft, next.base) ? undefined : next);
  };
  const forget = (): void => {
    setKept({ ...kept, base: kept.draft });
    keep(key, undefined);
  };
  return { kept, isChanged, set, forget };
}

function keep(key: string, kept: KeptDraft | undefined): void {
  try {
    if (kept === undefined) sessionStorage.removeItem(PREFIX + key);
    else sessionStorage.setItem(PREFIX + key, JSON.stringify(kept));
  } catch {
    // The browser has no storage, or it is full.
  }
}
