import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { lockDirectory } from '../../../src/storage/engine/directory-lock.js';

let dir: string;
const lost: Error[] = [];
const lock = (at = dir): Promise<() => Promise<void>> => lockDirectory(at, (cause) => lost.push(cause));

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'tocsin-lock-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  expect(lost).toEqual([]);
});

/** Makes the files that a killed process leaves. */
function leftBy(owner: { pid: number; startTime: string | null }): void {
  mkdirSync(path.join(dir, 'lock'));
  writeFileSync(path.join(dir, 'lock.owner'), JSON.stringify(owner));
}

test('a locked directory is refused to a second process, with the pid of the first, until it is released', async () => {
  const release = await lock();
  await expect(lock()).rejects.toThrow(
    `database.data_dir: ${dir} is in use by another Tocsin process (pid ${process.pid})`,
  );
  await release();
  expect(existsSync(path.join(dir, 'lock'))).toBe(false);
  await (
    await lock()
  )();
});

test('a missing directory is created, with its parents', async () => {
  await (
    await lock(path.join(dir, 'a', 'b'))
  )();
  expect(existsSync(path.join(dir, 'a', 'b'))).toBe(true);
});

describe('a lock that was not released', () => {
  test('by a process that has ended is taken over at once', async () => {
    leftBy({ pid: spawnSync('true').pid, startTime: '1' });
    await (
      await lock()
    )();
  });

  test('by a process whose pid another process has now is taken over at once', async () => {
    leftBy({ pid: process.pid, startTime: 'long ago' });
    await (
      await lock()
    )();
  });
});

test.each(['/proc/tocsin/data', '/dev/null/data'])(
  '%s, which cannot be created, is refused with a one-line error',
  async (at) => {
    await expect(lock(at)).rejects.toThrow(/^database\.data_dir: cannot write to .*$/);
  },
);
