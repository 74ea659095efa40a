import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { tiedCommand } from '../dev/servers/tied-command.js';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const DEFAULT_PORT = 8042;
const PEAK_MEMORY = /^VmHWM:\s+(\d+) kB$/m;
const KIB_PER_MIB = 1024;

/** A Tocsin process. */
export interface Service {
  url: string;
  port: number;
  /** A client with an admin's key if `auth.mode` is `apikey`, otherwise without a credential. */
  post(target: string, body?: unknown): Promise<Answer>;
  get(target: string): Promise<Answer>;
  /** Everything that it has logged so far. */
  log(): string;
  /** True while the process runs. */
  isRunning(): boolean;
  /** The most memory that it has had resident since its start or the last call, in MiB. */
  takePeakMemory(): number;
  stop(): Promise<void>;
}

/** An answer of the service with its parsed body. */
export interface Answer {
  status: number;
  body: unknown;
}

/** How to start the service. */
export interface ServiceOptions {
  /** Options as environment variables without their prefix. */
  settings?: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
  port?: number;
}

/** Starts the service. Unless the settings name a database, it has an embedded one of its own. */
export async function startService({
  settings = {},
  environment = {},
  port = DEFAULT_PORT,
}: ServiceOptions = {}): Promise<Service> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-security-'));
  const options = environmentOf(settings);
  const env = { PATH: process.env['PATH'], ...environment, ...options, TOCSIN_DATABASE_DATA_DIR: dir };
  const hasKeys = settings['AUTH_MODE'] === 'apikey';
  const credential = hasKeys ? { authorization: `Bearer ${makeKey(env, { project: 'p', role: 'admin' })}` } : {};
  const { command, args } = tiedCommand(process.execPath, [MAIN, 'serve', '--quiet', '--port', String(port)], 'KILL');
  const child = spawn(command, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  const ask = async (method: string, target: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(url + target, {
      method,
      headers: { ...credential, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (): Promise<void> => {
    if (isRunning()) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await untilReady(url, () => log);
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    url,
    port,
    get: (target) => ask('GET', target),
    post: (target, body) => ask('POST', target, body),
    log: () => log,
    isRunning,
    takePeakMemory: () => takePeakMemory(child.pid ?? 0),
    stop,
  };
}

/** The owner of a new API key. */
interface KeyOwner {
  project: string;
  role: 'reader' | 'member' | 'admin';
}

/** Creates an API key in the database that the settings name. */
export function createKey(settings: Readonly<Record<string, string>>, owner: KeyOwner): string {
  return makeKey({ PATH: process.env['PATH'], ...environmentOf(settings) }, owner);
}

function environmentOf(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TOCSIN_${name}`, value]));
}

function makeKey(env: NodeJS.ProcessEnv, { project, role }: KeyOwner): string {
  const printed = execFileSync(process.execPath, [MAIN, 'apikey', 'create', '--project', project, '--role', role], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const secret = /ak_\S+/.exec(printed)?.[0];
  if (secret === undefined) throw new Error(`no key was printed: ${printed}`);
  return secret;
}

/** Reads the kernel's peak of resident memory and starts it anew. */
function takePeakMemory(pid: number): number {
  const kib = Number(PEAK_MEMORY.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return Math.round(kib / KIB_PER_MIB);
}

async function untilReady(url: string, log: () => string): Promise<void> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (performance.now() > until) throw new Error(`the service is not ready: ${log()}`);
    await pause(POLL_MS);
  }
}
