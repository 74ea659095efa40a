import { connect, createServer, type Socket } from 'node:net';

import { listenOnLoopback } from './loopback-listener.js';

/** What a proxy does with connections, those that are open included. */
export type ProxyMode =
  | { kind: 'pass' }
  /** Closes connections at once. */
  | { kind: 'refuse' }
  /** Resets connections, open ones too. */
  | { kind: 'reset' }
  /** Passes nothing on and tells no one: both directions, or one. Connections stay open on both sides. */
  | { kind: 'blackhole'; direction: 'both' | 'requests' | 'answers' }
  /** Passes everything on later. */
  | { kind: 'delay'; ms: number };

/** A TCP proxy between one process and one server. */
export interface FaultProxy {
  readonly port: number;
  /** Bytes that were not passed on. */
  readonly swallowed: number;
  /** Connections that were refused or reset. */
  readonly broken: number;
  set(mode: ProxyMode): void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  /** True once bytes were lost: the connection cannot go on. */
  isTorn: boolean;
}

/** Starts a proxy to a port of the loopback address. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const state = { swallowed: 0, broken: 0 };
  let mode: ProxyMode = { kind: 'pass' };

  const forward = (pair: Pair, direction: 'requests' | 'answers', chunk: Buffer): void => {
    const to = direction === 'requests' ? pair.server : pair.client;
    if (mode.kind === 'blackhole' && (mode.direction === 'both' || mode.direction === direction)) {
      state.swallowed += chunk.length;
      pair.isTorn = true;
    } else if (mode.kind === 'delay') {
      setTimeout(() => to.write(chunk), mode.ms);
    } else to.write(chunk);
  };
  const end = (pair: Pair, direction: 'requests' | 'answers'): void => {
    // In a black hole the other side does not learn of the end either.
    if (mode.kind === 'blackhole') return void (pair.isTorn = true);
    (direction === 'requests' ? pair.server : pair.client).destroy();
    pairs.delete(pair);
  };

  const accept = (client: Socket): void => {
    client.on('error', () => undefined);
    if (mode.kind === 'refuse' || mode.kind === 'reset') {
      state.broken += 1;
      client.resetAndDestroy();
      return;
    }
    const server = connect(targetPort, '127.0.0.1');
    server.on('error', () => undefined);
    for (const socket of [client, server]) socket.setNoDelay(true);
    const pair: Pair = { client, server, isTorn: false };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => forward(pair, 'requests', chunk));
    server.on('data', (chunk: Buffer) => forward(pair, 'answers', chunk));
    client.on('close', () => end(pair, 'requests'));
    server.on('close', () => end(pair, 'answers'));
  };

  const listener = createServer({ noDelay: true }, accept);
  const { port, close } = await listenOnLoopback(listener);
  const destroy = (pair: Pair): void => {
    pair.client.resetAndDestroy();
    pair.server.destroy();
    pairs.delete(pair);
  };
  return Object.assign(state, {
    port,
    set(next: ProxyMode) {
      mode = next;
      for (const pair of pairs) {
        if (next.kind === 'reset') {
          state.broken += 1;
          destroy(pair);
        } else if (next.kind === 'pass' && pair.isTorn) destroy(pair); // bytes are missing: as after a real cut
      }
    },
    async close() {
      mode = { kind: 'reset' };
      for (const pair of pairs) destroy(pair);
      await close();
    },
  });
}
