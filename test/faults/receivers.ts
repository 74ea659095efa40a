import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { listenOnLoopback, LOOPBACK } from './loopback-listener.js';
import type { ReceivedCall } from './records.js';

/** What a receiver does with each request. */
export type ReceiverMode = 'pass' | 'error' | 'hang' | 'reset' | 'retry-after' | 'slow';

/** A receiver of webhooks. Each has a port of its own, so that it is a host of its own. */
export interface FaultyReceiver {
  readonly url: string;
  mode: ReceiverMode;
  /** Number of requests that were not answered as usual. */
  readonly spoilt: number;
}

/** All receivers of a run. */
export interface Receivers {
  readonly each: readonly FaultyReceiver[];
  readonly calls: readonly ReceivedCall[];
  close(): Promise<void>;
}

const SLOW_MS = 2_000;
const RETRY_AFTER_S = 7;
/** A few attempts are in flight at any time. */
const USUAL_MS = 40;

/** Starts receivers. Each request is appended to the file before it is answered, and each complete answer after it. */
export async function startReceivers(count: number, file: string, address = LOOPBACK): Promise<Receivers> {
  const log = openSync(file, 'a');
  const calls: ReceivedCall[] = [];
  const record = (call: ReceivedCall): void => {
    calls.push(call);
    writeSync(log, `${JSON.stringify(call)}\n`);
  };
  const started = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const state: { mode: ReceiverMode; spoilt: number } = { mode: 'pass', spoilt: 0 };
      const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
        const call = await callOf(request, index);
        record(call);
        const { mode } = state;
        if (mode !== 'pass') state.spoilt += 1;
        response.once('close', () => {
          if (!response.writableFinished) call.status = 0;
          writeSync(log, `${JSON.stringify({ id: call.id, status: call.status, answeredMs: call.answeredMs })}\n`);
        });
        await answer(mode, response, (status) => {
          call.status = status;
          call.answeredMs = Date.now();
        });
      };
      // A request that breaks off before its end was not received.
      const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()));
      server.keepAliveTimeout = 0;
      const { port, close } = await listenOnLoopback(server, address);
      return { receiver: Object.assign(state, { url: `http://${address}:${port}` }), close };
    }),
  );
  return {
    each: started.map(({ receiver }) => receiver),
    calls,
    close: async () => void (await Promise.all(started.map(({ close }) => close()))),
  };
}

async function callOf(request: IncomingMessage, receiver: number): Promise<ReceivedCall> {
  const hash = createHash('sha256');
  for await (const chunk of request) hash.update(chunk as Buffer);
  const { headers } = request;
  return {
    atMs: Date.now(),
    id: String(headers['webhook-id']).replace(/^msg_/, ''),
    bodyHash: hash.digest('hex'),
    sequence: Number(headers['tocsin-sequence']),
    queue: `${receiver}${request.url ?? ''}`,
    claimedMs: Number(headers['webhook-timestamp']) * 1_000,
    status: 0,
  };
}

/** Calls `answering` right before it sends the answer, so that the record is there before the answer is read. */
async function answer(
  mode: ReceiverMode,
  response: ServerResponse,
  answering: (status: number) => void,
): Promise<void> {
  if (mode === 'hang') return;
  if (mode === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  const waitMs = mode === 'slow' ? SLOW_MS : USUAL_MS;
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  if (mode === 'retry-after') response.setHeader('retry-after', String(RETRY_AFTER_S));
  if (response.destroyed) return;
  const status = mode === 'error' ? 500 : mode === 'retry-after' ? 503 : 204;
  answering(status);
  response.writeHead(status).end();
}
