import type { JSX } from 'preact';

import { linkTo, type PageAddress } from '../shell/address.js';

/** Links to the first and the next page of the list in an address; nothing if there is one page. */
export function Pages({
  address: { view, id, query },
  cursor,
  next,
  isEmpty = false,
}: {
  address: PageAddress;
  /** Name of the cursor in the address. */
  cursor: string;
  /** The cursor of the next page, if more follow. */
  next: string | null | undefined;
  /** True if this page has no row, although more may follow. */
  isEmpty?: boolean;
}): JSX.Element | null {
  const hasNext = next !== null && next !== undefined;
  if (!query.has(cursor) && !hasNext) return null;
  const at = (page: string | undefined): string => linkTo(view, id, { ...Object.fromEntries(query), [cursor]: page });
  return (
    <nav class="actions" aria-label="Pages">
      {hasNext && isEmpty && <span>Nothing found so far. The list goes on.</span>}
      {query.has(cursor) && (
        <a class="button" href={at(undefined)}>
          First page
        </a>
      )}
      {hasNext && (
        <a class="button" href={at(next)}>
          {isEmpty ? 'Search on' : 'Next page'}
        </a>
      )}
    </nav>
  );
}
