import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

import { createSystemClock } from '../../src/clock.js';
import { StartupError, toError } from '../../src/errors.js';
import { tiedCommand, type EndSignal } from './tied-command.js';

const clock = createSystemClock();
const POLL_MS = 25;
const TAIL_LINES = 5;

/** An account of the system. */
export interface Account {
  uid: number;
  gid: number;
}

/** Options of `startLocalProcess`. */
export interface LocalProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** File to which standard output and error are appended. */
  logFile: string;
  /** Account that runs the process; only for root. */
  account?: Account | undefined;
  /** Text for its standard input. */
  input?: string;
  /** Starts a process group, so that Ctrl-C in the terminal does not reach the process directly. */
  ownGroup?: boolean;
  /** Signal at the end of this process. Default: SIGTERM. */
  endSignal?: EndSignal;
}

/** A process that this process has started. */
export interface OwnProcess {
  readonly pid: number;
  /** Resolves at its end to its exit code or signal, as text. Never rejects. */
  readonly exited: Promise<string>;
  hasExited(): boolean;
  /** Sends the signals one after another, each with its waiting time, until the process has ended. Idempotent. */
  stop(steps: readonly StopStep[]): Promise<void>;
}

/** A started process with a log file. */
export interface LocalProcess extends OwnProcess {
  /**
   * Waits until `ready` returns true for the output of the process.
   * @throws StartupError with its last lines if it ends or `timeoutMs` is over.
   */
  untilReady(ready: (logged: string) => boolean, timeoutMs: number): Promise<void>;
}

/** A signal, and the time to wait for its effect. */
export interface StopStep {
  signal: NodeJS.Signals;
  waitMs: number;
}

/** Starts a program, which ends with this process. @throws StartupError if the program cannot be started. */
export async function startLocalProcess(options: LocalProcessOptions): Promise<LocalProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  const logFrom = statSync(options.logFile).size;
  const { command, args } = tiedCommand(options.command, options.args, options.endSignal);
  const child = spawn(command, args, {
    stdio: ['pipe', log, log],
    cwd: '/',
    detached: options.ownGroup ?? false,
    ...(options.account ?? {}),
  });
  closeSync(log);
  const own = await ownProcess(child, options.name);
  child.stdin?.on('error', () => undefined); // the process may end before it reads its input; `exited` shows that
  child.stdin?.end(options.input ?? '');
  const logged = (): string => readFileSync(options.logFile).subarray(logFrom).toString('utf8');
  return {
    ...own,
    untilReady: (ready, timeoutMs) => untilReady({ name: options.name, logged, own, ready, timeoutMs }),
  };
}

/** Wraps a spawned child process. @throws StartupError if it could not be started. */
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
  child.on('error', () => undefined); // the process has ended before a signal was sent; `exited` shows that
  return {
    pid: child.pid as number,
    exited,
    hasExited: () => gone.signal.aborted,
    stop: (steps) => stop(child, gone.signal, steps),
  };
}

/** A free port of the loopback address. Another process may take it before the caller binds it. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** True if this process runs as root. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** For root, the first of these accounts that exists, to run servers without root's rights; undefined for others. */
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
