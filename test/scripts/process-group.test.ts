import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { eventually } from '../support/eventually.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/process-group.mjs', import.meta.url));

/** Starts three processes, one of them in a session of its own, and prints their ids. */
const SHELL = 'sleep 600 & echo $!; setsid sh -c "echo \\$\\$; exec sleep 600" & echo $$; wait';
const RUN = `
import { runProcessGroup } from ${JSON.stringify(SCRIPT)};
process.exit(await runProcessGroup('sh', ['-c', process.argv[1]], { stdio: 'inherit' }));
`;

interface Run {
  status: Promise<unknown>;
  signal: (name: NodeJS.Signals) => void;
  printed: () => number[];
}

function start(shell: string): Run {
  const child = spawn(process.execPath, ['--input-type=module', '-e', RUN, shell], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    status: once(child, 'exit').then(([status]) => status as unknown),
    signal: (name) => child.kill(name),
    printed: () => output.trim().split('\n').map(Number),
  };
}

/** A zombie has ended: init of a container may never wait for it. */
function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] !== 'Z';
  } catch {
    return false;
  }
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s to a script ends all processes that its program has started, with exit code %i', async (name, code) => {
  const run = start(SHELL);
  await eventually(() => expect(run.printed()).toHaveLength(3));
  run.signal(name);
  expect(await run.status).toBe(code);
  await eventually(() => expect(run.printed().filter(isRunning)).toEqual([]));
});

test(
  'a program that ends by itself gives its exit code, and the ' + 'processes that it leaves behind are ended',
  async () => {
    const run = start('sleep 600 & echo $!; exit 3');
    expect(await run.status).toBe(3);
    await eventually(() => expect(run.printed().filter(isRunning)).toEqual([]));
  },
);
