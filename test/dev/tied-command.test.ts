import { afterEach, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { eventually } from '../support/eventually.js';

const MODULES = {
  postgres: new URL('../../dev/servers/postgres.js', import.meta.url).href,
  redis: new URL('../../dev/servers/redis.js', import.meta.url).href,
  cluster: new URL('../../dev/cluster/service-process.js', import.meta.url).href,
  service: new URL('../support/service-process.js', import.meta.url).href,
  localProcess: new URL('../../dev/servers/local-process.js', import.meta.url).href,
} as const;

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

function temporaryFolder(): string {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  chmodSync(dir, 0o777); // servers run as other accounts
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Those of these pids whose processes still run. */
function running(pids: readonly number[]): number[] {
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] !== 'Z';
    } catch {
      return false;
    }
  });
}

function withChildren(pid: number): number[] {
  const { stdout } = spawnSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' });
  return [pid, ...stdout.split('\n').filter(Boolean).map(Number)];
}

const SERVICE = "{ DATABASE_DATA_DIR: dir + '/data', API_PORT: '0', MANAGEMENT_PORT: '0', ROLES: 'api' }";

test.each([
  ['PostgreSQL', 'postgres', 'startPostgres({ dir, durable: false })'],
  ['Redis', 'redis', 'startRedis({ dir })'],
  ['a service of a test', 'service', `startService(${SERVICE})`],
  [
    'a service of the cluster',
    'cluster',
    "startProgram('x', ['serve'], { environment: { PATH: process.env.PATH, TOCSIN_API_PORT: '0', " +
      "TOCSIN_MANAGEMENT_PORT: '0', TOCSIN_DATABASE_DATA_DIR: dir + '/data' }, say() {} })",
  ],
  [
    'another program',
    'localProcess',
    "startLocalProcess({ name: 'x', command: 'sleep', args: ['600'], logFile: dir + '/log' })",
  ],
] as const)('%s ends with the process that started it, killed by SIGKILL', async (_name, module, call) => {
  const program = `
    const dir = process.argv[1];
    const { ${/^\w+/.exec(call)?.[0]} } = await import(${JSON.stringify(MODULES[module])});
    const { pid } = await ${call};
    console.log('pid ' + pid);
    setInterval(() => undefined, 1_000);`;
  const runner = spawn(process.execPath, ['--input-type=module', '-e', program, temporaryFolder()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  undo.push(() => runner.kill('SIGKILL'));
  let printed = '';
  runner.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const pid = await eventually(() => {
    const found = Number(/^pid (\d+)$/m.exec(printed)?.[1]);
    expect(found).toBeGreaterThan(0);
    return found;
  });
  const all = withChildren(pid);
  expect(running(all)).toContain(pid);
  runner.kill('SIGKILL');
  await eventually(() => expect(running(all)).toEqual([]));
});
