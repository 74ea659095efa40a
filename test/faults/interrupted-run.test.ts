import { afterEach, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';

const COMMAND = fileURLToPath(new URL('main.js', import.meta.url));
/** PostgreSQL, Redis, and six processes of the service. */
const PROCESSES = 8;

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

/** Starts a run below a parent that waits for it, as npm does, and waits until all processes run. */
async function startRun(): Promise<{ parent: ChildProcess; rig: number; folder: string; pids: number[] }> {
  const parent = spawn(
    'sh',
    ['-c', `"$0" "$1" --minutes 30 --alarms 1 & echo "rig $!"; wait`, process.execPath, COMMAND],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  started.push(parent);
  let output = '';
  for (const stream of [parent.stdout, parent.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const folder = await eventually(() => expectText(/folder of this run: (\S+)/.exec(output)?.[1]));
  const pids = await eventually(() => {
    const lines = readFileSync(path.join(folder, 'started.jsonl'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(PROCESSES);
    return lines.map((line) => (JSON.parse(line) as { pid: number }).pid);
  });
  return { parent, rig: Number(expectText(/rig (\d+)/.exec(output)?.[1])), folder, pids };
}

function expectText(text: string | undefined): string {
  expect(text).toBeDefined();
  return text ?? '';
}

describeWith(['postgres', 'redis'], 'a run of the fault tests that ends early', () => {
  test.each<{ how: string; end: (run: { parent: ChildProcess; rig: number }) => void }>([
    { how: 'by SIGTERM', end: ({ rig }) => process.kill(rig, 'SIGTERM') },
    { how: 'by SIGKILL', end: ({ rig }) => process.kill(rig, 'SIGKILL') },
    { how: 'since its parent has died', end: ({ parent }) => parent.kill('SIGKILL') },
  ])('$how leaves no process behind', async ({ end }) => {
    const run = await startRun();
    end(run);
    await eventually(() => expect([run.rig, ...run.pids].filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]));
    rmSync(run.folder, { recursive: true, force: true });
  });
});
