import { expect, test } from '@jest/globals';

import { AUDIT_ACTIONS } from '../../src/api/audit/audit-actions.js';
import { AUDIT_OUTCOMES } from '../../src/storage/audit/audit-entry.js';
import { plain, tablesOf } from '../support/markdown.js';
import { sourceOf } from '../support/source-tree.js';

const TABLES = tablesOf(sourceOf('docs/audit.md'));

function namesIn(firstColumn: string): string[] {
  return TABLES.filter(({ columns }) => plain(columns[0] ?? '') === firstColumn)
    .flatMap(({ rows }) => rows)
    .flatMap(([names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}

test('docs/audit.md says when each action is recorded', () => {
  expect(namesIn('action').sort()).toEqual([...AUDIT_ACTIONS].sort());
});

test('docs/audit.md says what each outcome means', () => {
  expect(namesIn('outcome').sort()).toEqual([...AUDIT_OUTCOMES].sort());
});
