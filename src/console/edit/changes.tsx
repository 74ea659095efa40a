import type { JSX } from 'preact';

import { changesBetween, type DraftChange } from './draft.js';

/** The fields that differ, each with its old and its new value. */
export function ChangeList({ changes }: { changes: readonly DraftChange[] }): JSX.Element {
  return (
    <ul class="changes">
      {changes.flatMap(withinLists).map(({ path, before, after }) => (
        <li key={path.join('.')}>
          <code>{path.join('.')}</code> {hasValue(before) && <del>{shown(before)}</del>} →{' '}
          <ins>{hasValue(after) ? shown(after) : '(none)'}</ins>
        </li>
      ))}
    </ul>
  );
}

/** Replaces the change of a list by the changes of its members. */
function withinLists(change: DraftChange): DraftChange[] {
  const { path, before, after } = change;
  const [old, next] = [listIn(before), listIn(after)];
  if (old === undefined || next === undefined) return [change];
  const longest = old.length > next.length ? old : next;
  return longest.flatMap((_, index) => changesBetween(old[index], next[index], [...path, index])).flatMap(withinLists);
}

/** A list that is absent has no members. */
function listIn(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as unknown[];
  return value === undefined || value === null ? [] : undefined;
}

function hasValue(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** Objects as `field resource_id, op eq, value r1`. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value || '(empty)';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value);
  return Object.entries(value)
    .filter(([, member]) => hasValue(member) && member !== '')
    .map(([name, member]) => `${name} ${shown(member)}`)
    .join(', ');
}
