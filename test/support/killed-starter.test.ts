import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { mkdtempSync, chmodSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { eventually } from './eventually.js';
import { descendantsOf, isRunning } from './process-tree.js';
import { describeWith } from './servers.js';

const undo: (() => unknown)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

const moduleAt = (file: string): string => JSON.stringify(new URL(file, import.meta.url).href);

/** Runs a program until it says that all has started, kills it, and resolves to the processes that it had started. */
async function killStarter(program: string): Promise<number[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'tocsin-test-'));
  chmodSync(folder, 0o755); // the servers run as another account
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  const wait = `console.log('started'); setInterval(() => {}, 1000)`;
  const code = `const folder = ${JSON.stringify(folder)}; ${program}; ${wait};`;
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  undo.push(() => starter.kill('SIGKILL'));
  let output = '';
  starter.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await eventually(() => expect(output).toContain('started'));
  const started = descendantsOf(starter.pid ?? 0);
  starter.kill('SIGKILL');
  return started;
}

describeWith(['patroni'], 'Patroni, PostgreSQL and etcd', () => {
  test('end with the process that has started them, also those that are stopped from running', async () => {
    const started = await killStarter(
      `const { startPatroni } = await import(${moduleAt('patroni.js')}); const cluster = await startPatroni(folder);
       (await cluster.untilReplicated()).leader.pause()`,
    );
    expect(started.length).toBeGreaterThan(10);
    await eventually(() => expect(started.filter(isRunning)).toEqual([]));
  });
});

describeWith(['host-network'], 'the network of test hosts', () => {
  test('ends with the process that has started it', async () => {
    const started = await killStarter(
      `const { startHostNetwork } = await import(${moduleAt('../faults/hosts/host-network.js')});
       await startHostNetwork()`,
    );
    expect(started.length).toBeGreaterThan(3);
    await eventually(() => expect(started.filter(isRunning)).toEqual([]));
  });
});
