import { useState } from 'preact/hooks';

import { useAnswer, type Answer } from './use-answer.js';

/** Most pages without a row that are read one after the other. Then the user decides whether to search on. */
const MOST_PAGES = 20;

/** A page of a list whose pages read a bounded number of rows: it can be empty although another one follows. */
interface CursorPage {
  next: string | null;
}

/** How the pages of a list are read. */
export interface PageReader<Page extends CursorPage> {
  /** The place in the list at which to begin; undefined for its start. */
  cursor: string | undefined;
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page>;
  isEmpty: (page: Page) => boolean;
}

/** The first page with a row, and how many pages without one have been passed over while it is searched for. */
export interface PageAnswer<Page> extends Answer<Page> {
  passed: number;
}

/** Reads pages from the cursor on until one has a row. As `useAnswer`, with its key. */
export function useListPage<Page extends CursorPage>(
  key: string | undefined,
  { cursor, read, isEmpty }: PageReader<Page>,
): PageAnswer<Page> {
  const [passed, setPassed] = useState(0);
  const answer = useAnswer(key, async (signal) => {
    setPassed(0);
    for (let [at, pages] = [cursor, 1]; ; pages += 1) {
      const page = await read(at, signal);
      if (!isEmpty(page) || page.next === null || pages === MOST_PAGES) return page;
      if (!signal.aborted) setPassed(pages);
      at = page.next;
    }
  });
  return { ...answer, passed: answer.isWaiting ? passed : 0 };
}
