import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { NODE_FLAGS } from '../support/service-process.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

function node(args: readonly string[], { cwd = ROOT, env = {} } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...NODE_FLAGS, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    encoding: 'utf8',
    timeout: 180_000, // for a program that never ends: it must fail its test, and not block all others
    killSignal: 'SIGKILL',
  });
  return { status, stdout, stderr };
}

describe('the program', () => {
  const main = path.join(ROOT, 'build/src/main.js');
  const cluster = path.join(ROOT, 'build/dev/cluster/main.js');

  test('prints mistakes in the configuration as lines without a stack and exits 1', () => {
    expect(node([main, 'serve', '--port', 'x'], { env: { TOCSIN_LOG_LEVEL: 'loud' } })).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'tocsin: the configuration has 2 mistakes:\n' +
        '  api.port: expected a number, got "x" (--port)\n' +
        '  log.level: expected one of debug, info, warn, error, got "loud" (TOCSIN_LOG_LEVEL)\n',
    });
  });

  test.each([
    [['serve', '--data-dir', '/proc/x'], 'database.data_dir: cannot write to /proc/x: ENOENT'],
    [['serve', '--data-dir', '/proc/x/y'], 'database.data_dir: cannot write to /proc/x/y: ENOENT'],
    [['serve', '--data-dir', '/dev/null/x'], 'database.data_dir: cannot write to /dev/null/x: ENOTDIR'],
    [['migrate', '--data-dir', '/proc/x'], 'database.data_dir: cannot write to /proc/x: ENOENT'],
    [['apikey', 'list', '--data-dir', '/proc/x'], 'database.data_dir: cannot write to /proc/x: ENOENT'],
  ])('%j ends at once if its directory cannot be created', (argv, message) => {
    const { status, stderr } = node([main, ...argv], { env: { TOCSIN_API_PORT: '0' } });
    expect([status, stderr]).toEqual([1, expect.stringContaining(`tocsin: ${message}`)]);
  });

  test.each([
    ['/proc/x', 'cannot write to /proc/x: ENOENT'],
    ['/etc/passwd', 'cannot write to /etc/passwd: it is not a directory'],
  ])('the cluster for developers ends at once if its directory %s cannot be created', (directory, message) => {
    const { status, stderr } = node([cluster, '--port', '1', '--data-dir', directory]);
    expect([status, stderr]).toEqual([1, expect.stringContaining(`cluster: --data-dir: ${message}`)]);
  });

  test('reports an unreachable PostgreSQL in one line', () => {
    const { status, stderr } = node([main, 'migrate'], {
      env: { TOCSIN_DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' },
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^tocsin: database\.url: cannot connect to PostgreSQL: .*\n$/);
  });

  test('migrates the embedded database, and does nothing the second time', () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tocsin-migrate-'));
    try {
      expect(node([main, 'migrate', '--data-dir', dataDir]).stdout).toMatch(
        /^applied 0001-schema\.sql\n(applied .*\n)*The schema is up to date: \d+ applied\.\n$/,
      );
      expect(node([main, 'migrate', '--data-dir', dataDir])).toEqual({
        status: 0,
        stdout: 'The schema is up to date.\n',
        stderr: '',
      });
    } finally {
      rmSync(dataDir, { recursive: true });
    }
  });
});

describe('the start script', () => {
  function freshClone(): string {
    const clone = mkdtempSync(path.join(tmpdir(), 'tocsin-clone-'));
    cpSync(path.join(ROOT, 'scripts'), path.join(clone, 'scripts'), { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) cpSync(path.join(ROOT, file), path.join(clone, file));
    return clone;
  }

  test('installs nothing if that is forbidden, and prints the command to run', () => {
    const clone = freshClone();
    try {
      const message =
        'The packages are missing or out of date, and TOCSIN_NO_INSTALL=1 forbids ' +
        'installing them. Run: npm ci --ignore-scripts --no-audit --no-fund\n';
      const env = { TOCSIN_NO_INSTALL: '1' };
      expect(node(['scripts/start.mjs', 'serve'], { cwd: clone, env })).toEqual({
        status: 1,
        stdout: '',
        stderr: message,
      });
      expect(node(['scripts/test.mjs'], { cwd: clone, env })).toEqual({
        status: 1,
        stdout: '0 passed, 1 failed\n',
        stderr: message,
      });
    } finally {
      rmSync(clone, { recursive: true });
    }
  });

  test('runs another compiled program with its arguments and its exit code', () => {
    const clone = freshClone();
    try {
      // A build that counts as fresh, and packages that count as installed: nothing is compiled or fetched.
      mkdirSync(path.join(clone, 'node_modules/typescript/bin'), { recursive: true });
      cpSync(path.join(clone, 'package-lock.json'), path.join(clone, 'node_modules/.package-lock.json'));
      writeFileSync(path.join(clone, 'node_modules/typescript/bin/tsc'), '');
      // The build copies files of this package.
      symlinkSync(path.join(ROOT, 'node_modules/swagger-ui-dist'), path.join(clone, 'node_modules/swagger-ui-dist'));
      mkdirSync(path.join(clone, 'src/console'), { recursive: true });
      mkdirSync(path.join(clone, 'examples'));
      writeFileSync(path.join(clone, 'examples/show.ts'), '');
      mkdirSync(path.join(clone, 'build/examples'), { recursive: true });
      writeFileSync(
        path.join(clone, 'build/examples/show.js'),
        'console.log(process.argv.slice(2).join()); process.exitCode = 3;',
      );
      writeFileSync(path.join(clone, 'build/examples/orphan.js'), '');
      const args = ['scripts/start.mjs', '--script', 'examples/show.js', 'a', '--b'];
      expect(node(args, { cwd: clone })).toEqual({ status: 3, stdout: 'a,--b\n', stderr: 'Building ...\n' });
      expect(node(args, { cwd: clone })).toEqual({ status: 3, stdout: 'a,--b\n', stderr: '' });
      expect(node(['build/examples/orphan.js'], { cwd: clone }).status).toBe(1);
    } finally {
      rmSync(clone, { recursive: true });
    }
  });
});
