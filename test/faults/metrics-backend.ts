import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { listenOnLoopback, LOOPBACK } from './loopback-listener.js';
import { squareWaves } from './oracle.js';

/** What the backend answers to each query. */
export type BackendMode = 'pass' | 'error' | 'slow' | 'garbage' | 'unauthorized' | 'silent';

/** What the backend answers to queries of poison alarms: nothing, more than is allowed, or half a document. */
export const POISON_MODES = ['silent', 'huge', 'garbage'] as const;
type PoisonMode = (typeof POISON_MODES)[number];

/** A metrics backend with Prometheus' protocol that tells the values of the square waves. */
export interface MetricsBackend {
  readonly port: number;
  mode: BackendMode;
  /** Number of requests that were not answered as usual. */
  readonly spoilt: number;
  /** Number of queries of poison alarms. */
  readonly poisoned: number;
  /** Furthest that the time of a query was from the time of this machine, in milliseconds. */
  readonly furthestMs: number;
  close(): Promise<void>;
}

const SLOW_MS = 9_000;
const POISON = new RegExp(`poison_(${POISON_MODES.join('|')})`);
const HUGE_SERIES = 100_001;
const NUMBERS = /n=(~?)"([^"]*)"/;

/** Starts the backend. `numbers` are those of all waves that exist at present. */
export async function startMetricsBackend(
  numbers: () => Iterable<number>,
  address = LOOPBACK,
): Promise<MetricsBackend> {
  const state = { mode: 'pass' as BackendMode, spoilt: 0, poisoned: 0, furthestMs: 0 };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(await textOf(request));
    if (state.mode !== 'pass') {
      state.spoilt += 1;
      await spoil(state.mode, response);
      if (state.mode !== 'slow') return;
    }
    const query = form.get('query') ?? '';
    const poison = POISON.exec(query)?.[1] as PoisonMode | undefined;
    if (poison !== undefined) {
      state.poisoned += 1;
      return spoil(poison, response);
    }
    const atS = Number(form.get('time') ?? NaN);
    // Queries for the number of series, and the health probe, have no time or another metric.
    if (Number.isFinite(atS)) state.furthestMs = Math.max(state.furthestMs, Math.abs(atS * 1_000 - Date.now()));
    const result = query.startsWith('wave') ? series(query, atS, numbers()) : [];
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }));
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  const { port, close } = await listenOnLoopback(server, address);
  return Object.assign(state, { port, close });
}

/** The query of one wave, as in the rule of its alarm. */
export function queryOf(number: number): string {
  return `wave{n="${number}"}`;
}

function series(query: string, atS: number, all: Iterable<number>): unknown[] {
  const [, isPattern = '', text] = NUMBERS.exec(query) ?? [];
  const asked = text === undefined ? all : (isPattern === '' ? [text] : text.split('|')).map(Number);
  return [...asked].map((number) => ({
    metric: { __name__: 'wave', n: String(number) },
    value: [atS, String(squareWaves.valueAt(number, atS * 1_000))],
  }));
}

/** More series than the service accepts of one query. Made once, so that it delays no other answer. */
const HUGE_ANSWER = Buffer.from(
  JSON.stringify({ status: 'success', data: { resultType: 'vector', result: hugeResult() } }),
);

function hugeResult(): unknown[] {
  return Array.from({ length: HUGE_SERIES }, (_, n) => ({ metric: { n: String(n) }, value: [0, '1'] }));
}

async function spoil(mode: Exclude<BackendMode | PoisonMode, 'pass'>, response: ServerResponse): Promise<void> {
  if (mode === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS).unref());
  else if (mode === 'huge') response.writeHead(200, { 'content-type': 'application/json' }).end(HUGE_ANSWER);
  else if (mode === 'garbage') response.writeHead(200, { 'content-type': 'application/json' }).end('{"status":"succ');
  else if (mode !== 'silent') response.writeHead(mode === 'error' ? 500 : 401).end('not now');
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
