import type { JSX } from 'preact';

import type { DraftChange } from './draft.js';

/** Fields that differ, with both values. */
export function ChangeList({ changes }: { changes: readonly DraftChange[] }): JSX.Element {
  return (
    <ul class="changes">
      {changes.map(({ path, before, after }) => (
        <li key={path.join('.')}>
          <code>{path.join('.')}</code> {hasValue(before) && <del>{shown(before)}</del>} →{' '}
          <ins>{hasValue(after) ? shown(after) : '(default)'}</ins>
        </li>
      ))}
    </ul>
  );
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value || '(empty)' : JSON.stringify(value);
}
