import type { JSX } from 'preact';

import { countOf } from './numbers.js';

/** Says how far a search is that has found nothing yet. `passed`: pages without a row. */
export function SearchProgress({ passed }: { passed: number }): JSX.Element | null {
  if (passed === 0) return null;
  return (
    <p class="muted" role="status">
      Searching on: nothing on {countOf(passed, 'page')} so far.
    </p>
  );
}
