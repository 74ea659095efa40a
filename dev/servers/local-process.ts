import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

import { createSystemClock } from '../../src/clock.js';
import { StartupError, toError } from '../../src/errors.js';

const clock = createSystemClock();
const POLL_MS = 25;
const TAIL_LINES = 5;

export interface Account {
  uid: number;
  gid: number;
}

export interface LocalProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** Standard output and error are appended to it. */
  logFile: string;
  /** Whom to run as; only root can choose. */
  account?: Account | undefined;
  /** What to write to its standard input. */
  input?: string;
  /** Its own process group: Ctrl-C in the terminal reaches only us, and we stop it when its turn comes. */
  ownGroup?: boolean;
}

/** A program that this process started and that it stops by its process id. */
export interface OwnProcess {
  readonly pid: number;
  /** Resolves, with how it ended, when it has ended. Never rejects. */
  readonly exited: Promise<string>;
  hasExited(): boolean;
  /** Sends each signal in turn, giving it time to work, until the process has ended. Idempotent and bounded. */
  stop(steps: readonly StopStep[]): Promise<void>;
}

export interface LocalProcess extends OwnProcess {
  /**
   * Waits until `ready` holds for what the process has logged. @throws StartupError with its last words when it ends or
   * time is up.
   */
  untilReady(ready: (logged: string) => boolean, timeoutMs: number): Promise<void>;
}

export interface StopStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/** Starts a program. @throws StartupError when it cannot be run at all. */
export async function startLocalProcess(options: LocalProcessOptions): Promise<LocalProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  const logFrom = statSync(options.logFile).size;
  const child = spawn(options.command, options.args, {
    stdio: ['pipe', log, log],
    cwd: '/',
    detached: options.ownGroup ?? false,
    ...(options.account ?? {}),
  });
  closeSync(log);
  const own = await ownProcess(child, options.name);
  child.stdin?.on('error', () => undefined); // it may end before it has read anything; `exited` tells
  child.stdin?.end(options.input ?? '');
  const logged = (): string => readFileSync(options.logFile).subarray(logFrom).toString('utf8');
  return {
    ...own,
    untilReady: (ready, timeoutMs) => untilReady({ name: options.name, logged, own, ready, timeoutMs }),
  };
}

/** Takes charge of a child. @throws StartupError when it could not be started at all. */
export async function ownProcess(child: ChildProcess, name: string): Promise<OwnProcess> {
  const gone = new AbortController();
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      gone.abort();
      resolve(signal === null ? `exit code ${code}` : signal);
    });
  });
  await once(child, 'spawn').catch((cause: unknown) => {
    throw new StartupError(`cannot start ${name}: ${toError(cause).message}`, { cause });
  });
  child.on('error', () => undefined); // a signal that could not be sent; `exited` shows the end
  return {
    pid: child.pid as number,
    exited,
    hasExited: () => gone.signal.aborted,
    stop: (steps) => stop(child, gone.signal, steps),
  };
}

/** A port of the loopback address that was free a moment ago. Whoever binds it must be ready to lose the race. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** The first of these accounts that exists, if we are root and so can and should run servers as somebody else. */
export function unprivilegedAccount(...names: string[]): Account | undefined {
  if (!isRoot()) return undefined;
  for (const name of [...names, 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim() || NaN),
    );
    if (uid && gid) return { uid, gid };
  }
  return undefined;
}

interface Readiness {
  name: string;
  logged: () => string;
  own: OwnProcess;
  ready: (logged: string) => boolean;
  timeoutMs: number;
}

async function untilReady({ name, logged, own, ready, timeoutMs }: Readiness): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  while (!ready(logged())) {
    const late = clock.monotonicMs() > deadline;
    if (own.hasExited() || late) {
      const lastWords = logged().trim().split('\n').slice(-TAIL_LINES).join(' | ');
      throw new StartupError(`${name} ${late ? 'did not become ready in time' : 'ended at once'}: ${lastWords}`);
    }
    await clock.sleep(POLL_MS);
  }
}

async function stop(child: ChildProcess, gone: AbortSignal, steps: readonly StopStep[]): Promise<void> {
  for (const { signal, waitMs } of steps) {
    if (gone.aborted) return;
    child.kill(signal);
    await clock.sleep(waitMs, gone);
  }
}
