import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { makeDirectory } from '../src/make-directory.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'tocsin-directory-'));
  writeFileSync(path.join(dir, 'file'), '');
  symlinkSync(path.join(dir, 'nowhere'), path.join(dir, 'dangling'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const make = (wanted: string): void => makeDirectory(wanted, { setting: '--data-dir', mode: 0o700 });

test('a directory is created with its parents, and not changed by a second call', () => {
  const wanted = path.join(dir, 'a/b/c');
  make(wanted);
  make(wanted);
  for (const level of ['a', 'a/b', 'a/b/c']) expect(statSync(path.join(dir, level)).mode & 0o777).toBe(0o700);
  make(path.join(dir, 'a/../a//b/'));
});

const IMPOSSIBLE = [
  '/proc/x',
  '/proc/x/y/z',
  '/proc/self/x',
  '/proc/1/task/x/y',
  '/sys/x',
  '/sys/kernel/x/y',
  '/dev/null/x',
  '/etc/passwd',
  '/etc/passwd/x/y',
];

/** Prints the error of each argument. A process of its own, since a call that never returns would block all tests. */
const PRINT_ERRORS = `
const { makeDirectory } = await import(${JSON.stringify(new URL('../src/make-directory.js', import.meta.url))});
for (const dir of process.argv.slice(1)) {
  try {
    makeDirectory(dir, { setting: '--data-dir', mode: 0o700 });
  } catch (error) {
    console.log(dir + ' ' + error.name + ' ' + error.message);
  }
}`;

describe('the error for a directory that cannot be created names the setting, at once', () => {
  let errors: string[];
  beforeAll(() => {
    const argv = ['--input-type=module', '-e', PRINT_ERRORS, '--', ...IMPOSSIBLE];
    const { stdout } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 120_000, killSignal: 'SIGKILL' });
    errors = stdout.split('\n');
  });

  test.each(IMPOSSIBLE)('%s', (wanted) => {
    const start = `${wanted} StartupError --data-dir: cannot write to ${wanted}: `;
    expect(errors.filter((error) => error.startsWith(start))).toHaveLength(1);
  });

  test.each(['file', 'file/x', 'dangling', 'dangling/x', 'name\0with a NUL'])('%j in a temporary directory', (name) => {
    expect(() => make(path.join(dir, name))).toThrow(/^--data-dir: cannot write to /);
    expect(existsSync(path.join(dir, 'nowhere'))).toBe(false);
  });
});
