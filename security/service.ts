import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/main.js', import.meta.url));
const PATIENCE_MS = 60_000;
const POLL_MS = 100;
const PORT = 8042;

/** A Tocsin process on an embedded database of its own, and a client with an admin's key. */
export interface Service {
  url: string;
  post(target: string, body?: unknown): Promise<Answer>;
  get(target: string): Promise<Answer>;
  /** Everything that it has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface Answer {
  status: number;
  body: unknown;
}

export interface ServiceOptions {
  /** Options as environment variables without their prefix. */
  settings?: Readonly<Record<string, string>>;
  environment?: Readonly<Record<string, string>>;
}

export async function startService({ settings = {}, environment = {} }: ServiceOptions = {}): Promise<Service> {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-security-'));
  const options = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`TOCSIN_${name}`, value]));
  const env = { PATH: process.env['PATH'], ...environment, ...options, TOCSIN_DATABASE_DATA_DIR: dir };
  const key = execFileSync(process.execPath, [MAIN, 'apikey', 'create', '--project', 'p', '--role', 'admin'], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const secret = /ak_\S+/.exec(key)?.[0];
  if (secret === undefined) throw new Error(`no key was printed: ${key}`);
  const child = spawn(process.execPath, [MAIN, 'serve', '--quiet', '--port', String(PORT)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const url = `http://127.0.0.1:${PORT}`;
  const ask = async (method: string, target: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(url + target, {
      method,
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) };
  };
  const stop = async (): Promise<void> => {
    if (child.exitCode === null) {
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
    get: (target) => ask('GET', target),
    post: (target, body) => ask('POST', target, body),
    log: () => log,
    stop,
  };
}

async function untilReady(url: string, log: () => string): Promise<void> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok === true) return;
    if (performance.now() > until) throw new Error(`the service is not ready: ${log()}`);
    await pause(POLL_MS);
  }
}
