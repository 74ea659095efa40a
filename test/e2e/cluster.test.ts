import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';
import { freePort, startCluster } from '../support/service-process.js';

describeWith(['postgres', 'redis'], 'npm run cluster', () => {
  test('shares the partitions, survives the kill of an evaluator, and stops everything it started', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-cluster-'));
    const port = await freePort();
    const cluster = startCluster(['--port', String(port), '--data-dir', dir, '--interval', '2s']);
    try {
      await eventually(async () => expectAllShared(cluster.log(), 3));
      const pid = Number(/evaluator-1 is (\d+)/.exec(cluster.log())?.[1]);
      process.kill(pid, 'SIGKILL');
      await eventually(async () => expectAllShared(cluster.log(), 2));
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200);
    } finally {
      expect(await cluster.stop()).toBe(0);
      rmSync(dir, { recursive: true, force: true });
    }
    await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow();
  });
});

function expectAllShared(log: string, evaluators: number): void {
  const found = shares(log);
  expect(found).toHaveLength(evaluators);
  expect(found.reduce((sum, share) => sum + share, 0)).toBe(256);
}

/** Partitions of each live evaluator, from the table printed last. */
function shares(log: string): number[] {
  const table = log.slice(log.lastIndexOf('┌'));
  return [...table.matchAll(/│ evaluator-\d+ +│ \d+ +│ (\d+) /g)].map(([, share]) => Number(share));
}
