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

/** What a process leaves behind that was killed. */
function leftBy(owner: { pid: number; startTime: string | null }): void {
  mkdirSync(path.join(dir, 'lock'));
  writeFileSync(path.join(dir, 'lock.owner'), JSON.stringify(owner));
}

test('a directory has one owner, who is named to whoever comes next, until it is given back', async () => {
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

test('a directory that is not there is made, with all above it', async () => {
  await (
    await lock(path.join(dir, 'a', 'b'))
  )();
  expect(existsSync(path.join(dir, 'a', 'b'))).toBe(true);
});

describe('a lock left behind', () => {
  test('by a process that is gone is taken over at once', async () => {
    leftBy({ pid: spawnSync('true').pid, startTime: '1' });
    await (
      await lock()
    )();
  });

  test('by a process whose number another one has now is taken over at once', async () => {
    leftBy({ pid: process.pid, startTime: 'long ago' });
    await (
      await lock()
    )();
  });
});

test.each(['/proc/tocsin/data', '/dev/null/data'])('%s, which cannot be made, is refused in one line', async (at) => {
  await expect(lock(at)).rejects.toThrow(/^database\.data_dir: cannot write to .*$/);
});
