import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

import { tiedCommand } from '../../dev/servers/tied-command.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const CLUSTER = fileURLToPath(new URL('../../dev/cluster/main.js', import.meta.url));

/** The embedded database is a large WASM module: with optimization a process takes twice the CPU time to start. */
export const NODE_FLAGS = ['--liftoff-only'];

/** A Tocsin process as an operator would start it. */
export interface ServiceProcess {
  readonly pid: number;
  /** Everything it has written to its log so far. */
  log(): string;
  isRunning(): boolean;
  /** Ends it at once, without a chance to tidy up. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Asks it to stop; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts `tocsin serve` with these settings (names of environment variables without their prefix). */
export function startService(settings: Record<string, string>, nodeFlags: readonly string[] = []): ServiceProcess {
  return startProgram(MAIN, ['serve', '--quiet'], settings, nodeFlags);
}

export function startTocsin(args: readonly string[], settings: Record<string, string> = {}): ServiceProcess {
  return startProgram(MAIN, args, settings);
}

/** Starts `npm run cluster` with these arguments. */
export function startCluster(args: readonly string[]): ServiceProcess {
  return startProgram(CLUSTER, args, {});
}

function startProgram(
  program: string,
  args: readonly string[],
  settings: Record<string, string>,
  nodeFlags: readonly string[] = [],
): ServiceProcess {
  const environment = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TOCSIN_${name}`, value]));
  const tied = tiedCommand(process.execPath, [...NODE_FLAGS, ...nodeFlags, program, ...args], 'KILL');
  const child = spawn(tied.command, tied.args, {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return {
    pid: child.pid as number,
    log: () => log,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill: async () => void (await end(child, 'SIGKILL')),
    stop: () => end(child, 'SIGTERM'),
  };
}

async function end(child: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
  return child.exitCode;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
