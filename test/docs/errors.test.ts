import { expect, test } from '@jest/globals';
import express from 'express';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';

import { createErrorHandler } from '../../src/api/http/error-handler.js';
import { AppError, type ErrorCode } from '../../src/errors.js';
import { silentLogger } from '../../src/logger.js';
import { REJECTED } from '../../src/notifier/receivers/receiver.js';
import { ACTION_REMOVED } from '../../src/storage/notifications/removed-action-store.js';
import { plain, tablesOf } from '../support/markdown.js';

import { TOO_LATE } from '../../src/storage/notifications/short-lived.js';
import { filesOf, sourceOf } from '../support/source-tree.js';

const PAGE = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

function rowsOf(firstColumn: string): string[][] {
  return tablesOf(PAGE)
    .filter(({ columns }) => plain(columns[0] ?? '') === firstColumn)
    .flatMap(({ rows }) => rows);
}

const documented = rowsOf('code').filter(([, status = '']) => /^\d{3}$/.test(status));

/** The members of the union type `ErrorCode`. */
function codesInTheProgram(): string[] {
  const [, union = ''] = /export type ErrorCode =([^;]*);/.exec(sourceOf('src/errors.ts')) ?? [];
  return [...union.matchAll(/'([a-z_]+)'/g)].map(([, code = '']) => code);
}

/** The status with which the API answers an error with this code. */
async function statusOf(code: string): Promise<number> {
  const app = express();
  app.get('/', () => {
    throw new AppError(code as ErrorCode, 'text');
  });
  app.use(createErrorHandler({ log: silentLogger }));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return (await fetch(`http://127.0.0.1:${port}/`)).status;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

const WRITTEN_BY_SQL =
  /last_error = '([^'$]+)'|\bcancel\w*\(\w+, [\w.]+, '([^']+)'|\bsupersede\(\s*(?:"[^"]*"|`[^`]*`),\s*'([^']+)'/g;

/** Errors that receivers return, that attempts end with, and that SQL statements write. */
function lastErrorsInTheProgram(): string[] {
  const inNotifier = filesOf('src/notifier', '.ts').flatMap((file) =>
    [...sourceOf(file).matchAll(/\berror: ['`]([^'`$]+?):? ?['`$]/g)].map(([, error = '']) => error),
  );
  const inStorage = filesOf('src/storage', '.ts').flatMap((file) =>
    [...sourceOf(file).matchAll(WRITTEN_BY_SQL)].map(
      ([, written, cancelled, superseded]) => written ?? cancelled ?? superseded ?? '',
    ),
  );
  return [...new Set([...inNotifier, ...inStorage, REJECTED, ACTION_REMOVED, TOO_LATE])].sort();
}

test('docs/errors.md lists every error code of the program, and no other', () => {
  expect(codesInTheProgram().length).toBeGreaterThan(10);
  expect(documented.map(([code = '']) => plain(code)).sort()).toEqual(codesInTheProgram().sort());
});

test.each(documented)('%s of docs/errors.md is answered with the status %s', async (code, status) => {
  expect(await statusOf(plain(code))).toBe(Number(status));
});

test('docs/errors.md lists every last_error of a notification that the program writes, and no other', () => {
  const listed = rowsOf('last_error').map(([error = '']) => plain(error));
  expect(listed.sort()).toEqual(lastErrorsInTheProgram());
});
