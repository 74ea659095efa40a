import { useEffect, useState } from 'preact/hooks';

import { isEqual, type Draft } from './draft.js';

/** What is kept of a draft while the tab is open, so that a reload loses nothing. */
export interface KeptDraft {
  draft: Draft;
  /** The stored alarm that the draft changes, as it was read, with its `ETag`. */
  base: Draft;
  tag: string | undefined;
}

const PREFIX = 'tocsin draft ';

/** A draft that was kept under this key. */
export function keptDraft(key: string): KeptDraft | undefined {
  try {
    const text = sessionStorage.getItem(PREFIX + key);
    return text === null ? undefined : (JSON.parse(text) as KeptDraft);
  } catch {
    return undefined; // the browser keeps nothing
  }
}

/** A draft that is kept until it is equal to its base, is saved or discarded. Closing the tab asks before. */
export function useKeptDraft(
  key: string,
  start: KeptDraft,
): { kept: KeptDraft; isChanged: boolean; set: (next: KeptDraft) => void; forget: () => void } {
  const [kept, setKept] = useState(start);
  const isChanged = !isEqual(kept.draft, kept.base);
  useEffect(() => {
    if (!isChanged) return undefined;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
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
    // The browser keeps nothing, or no more.
  }
}
