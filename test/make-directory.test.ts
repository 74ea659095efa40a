import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { StartupError } from '../src/errors.js';
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

describe('the error for a directory that cannot be created names the setting, at once', () => {
  test.each([
    '/proc/x',
    '/proc/x/y/z',
    '/proc/self/x',
    '/proc/1/task/x/y',
    '/sys/x',
    '/sys/kernel/x/y',
    '/dev/null/x',
    '/etc/passwd',
    '/etc/passwd/x/y',
  ])('%s', (wanted) => {
    expect(() => make(wanted)).toThrow(StartupError);
    expect(() => make(wanted)).toThrow(new RegExp(`^--data-dir: cannot write to ${wanted}: `));
  });

  test.each(['file', 'file/x', 'dangling', 'dangling/x', 'name\0with a NUL'])('%j in a temporary directory', (name) => {
    expect(() => make(path.join(dir, name))).toThrow(/^--data-dir: cannot write to /);
    expect(existsSync(path.join(dir, 'nowhere'))).toBe(false);
  });
});
