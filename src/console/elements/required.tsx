import type { JSX } from 'preact';

/** The mark of a mandatory field, behind its label. */
export function Required(): JSX.Element {
  return (
    <span class="required" title="mandatory">
      {' '}
      *
    </span>
  );
}
