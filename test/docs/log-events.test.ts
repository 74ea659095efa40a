import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { loggedMessages } from '../support/logged-messages.js';
import { plain, tablesOf } from '../support/markdown.js';

const PAGE = readFileSync(new URL('../../../docs/log-events.md', import.meta.url), 'utf8');
/** The heading of the page for the messages of each level. */
const LEVELS = ['error', 'warn', 'info', 'debug'];

const tables = tablesOf(PAGE).filter(({ heading }) => LEVELS.includes(plain(heading)));
const onThePage = tables.flatMap(({ heading, rows }) =>
  rows.map(([message = '']) => `${plain(heading)}: ${plain(message)}`),
);
const inTheProgram = loggedMessages().map(({ level, message, file }) => ({ line: `${level}: ${message}`, file }));

test('docs/log-events.md lists every message that the program logs, at its level', () => {
  const missing = inTheProgram.filter(({ line }) => !onThePage.includes(line));
  expect(missing.map(({ line, file }) => `${line} (${file})`)).toEqual([]);
});

test('docs/log-events.md lists no message that the program does not log', () => {
  const logged = new Set(inTheProgram.map(({ line }) => line));
  expect(onThePage.filter((line) => !logged.has(line))).toEqual([]);
});

test('docs/log-events.md lists no message twice, and says for each what it means and what to do', () => {
  expect(onThePage.filter((line, index) => onThePage.indexOf(line) !== index)).toEqual([]);
  const incomplete = tables.flatMap(({ rows }) => rows).filter((row) => row.length !== 3 || row.includes(''));
  expect(incomplete).toEqual([]);
});

test('the scan finds messages of every level', () => {
  const levels = new Set(loggedMessages().map(({ level }) => level));
  expect([...levels].sort()).toEqual([...LEVELS].sort());
});

test('docs/delivery.md names only messages of docs/log-events.md', () => {
  const delivery = readFileSync(new URL('../../../docs/delivery.md', import.meta.url), 'utf8');
  const rows = tablesOf(delivery)
    .filter(({ heading }) => heading === 'The log')
    .flatMap((table) => table.rows);
  expect(rows.length).toBeGreaterThan(1);
  const named = rows.map(([level = '', message = '']) => `${plain(level)}: ${plain(message)}`);
  expect(named.filter((line) => !onThePage.includes(line))).toEqual([]);
});
