import { connect, createServer, type Socket } from 'node:net';

import { listenOnLoopback } from './loopback-listener.js';
import type { ReadStatements } from './statement-reader.js';

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

/**
 * A moment in what a client asks of PostgreSQL. It executes statements that contain these texts, one after the other on
 * one connection, and the last of them is not passed on (`asking`), was passed on (`asked`), or was answered and the
 * answer is not passed on (`answered`).
 */
export interface ProxyMoment {
  statements: readonly string[];
  when: 'asking' | 'asked' | 'answered';
}

/** A TCP proxy between one process and one server. */
export interface FaultProxy {
  readonly port: number;
  /** Bytes that were not passed on. */
  readonly swallowed: number;
  /** Connections that were refused or reset. */
  readonly broken: number;
  set(mode: ProxyMode): void;
  /** Calls `act` once, at the first such moment of any connection. Returns a function that ends the wait for it. */
  once(moment: ProxyMoment, act: () => void): () => void;
  close(): Promise<void>;
}

interface Pair {
  client: Socket;
  server: Socket;
  /** True once bytes were lost: the connection cannot go on. */
  isTorn: boolean;
  /** How many statements of the awaited moment it has executed. */
  seen: number;
  read: ReadStatements;
}

interface AwaitedMoment extends ProxyMoment {
  act: () => void;
}

/** Starts a proxy to a port of the loopback address. `read` makes a reader for each connection. Default: none. */
export async function startProxy(targetPort: number, read: () => ReadStatements = () => () => []): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  const state = { swallowed: 0, broken: 0 };
  let mode: ProxyMode = { kind: 'pass' };
  let awaited: AwaitedMoment | undefined;

  /** True if this is the awaited moment; then it has acted. */
  const isReached = (pair: Pair, when: ProxyMoment['when']): boolean => {
    if (awaited?.when !== when || pair.seen < awaited.statements.length) return false;
    const { act } = awaited;
    awaited = undefined;
    act();
    return true;
  };
  const receiveAnswer = (pair: Pair, chunk: Buffer): void => {
    if (!isReached(pair, 'answered')) forward(pair, 'answers', chunk);
  };
  const receiveRequest = (pair: Pair, chunk: Buffer): void => {
    for (const statement of pair.read(chunk)) {
      const text = awaited?.statements[pair.seen];
      if (text !== undefined && statement.includes(text)) pair.seen += 1;
    }
    if (isReached(pair, 'asking')) return;
    forward(pair, 'requests', chunk);
    isReached(pair, 'asked');
  };
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
    const pair: Pair = { client, server, isTorn: false, seen: 0, read: read() };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => receiveRequest(pair, chunk));
    server.on('data', (chunk: Buffer) => receiveAnswer(pair, chunk));
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
    once(moment: ProxyMoment, act: () => void) {
      for (const pair of pairs) pair.seen = 0;
      const own = { ...moment, act };
      awaited = own;
      return () => {
        if (awaited === own) awaited = undefined;
      };
    },
    async close() {
      mode = { kind: 'reset' };
      for (const pair of pairs) destroy(pair);
      await close();
    },
  });
}
