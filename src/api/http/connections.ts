import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { Clock } from '../../clock.js';
import { IDENTITY } from './route.js';

export interface ConnectionLimits {
  /** Most open connections. */
  max: number;
  /** True for a reverse proxy, whose one address stands for many clients. */
  isTrustedProxy: (address: string) => boolean;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** The open connections of a server. */
export interface OpenConnections {
  /** Closes them at once, those that have not finished their TLS handshake too. */
  closeAll(): void;
}

interface OpenConnection {
  /** The connection itself, without the TLS in it. */
  socket: Socket;
  address: string;
  /** When it was opened, or its last request began or was answered. */
  activeAt: number;
  /** The answer that is being made; undefined between requests. */
  response: (ServerResponse & { locals?: Record<string, unknown> }) | undefined;
  /** True after a request with a valid identity. */
  hasIdentity: boolean;
}

/**
 * Keeps a server reachable when clients open more connections than it can hold: for each new one above `max` another is
 * closed. First the one that has been idle for longest of those that never carried an authenticated request, then the
 * one idle for longest of the address that has most. Connections of trusted proxies count as many addresses.
 */
export function limitConnections(server: Server, limits: ConnectionLimits): OpenConnections {
  const open = new Map<string, OpenConnection>();
  server.on('connection', (socket) => {
    const key = keyOf(socket);
    open.set(key, {
      socket,
      address: socket.remoteAddress ?? '',
      activeAt: limits.clock.monotonicMs(),
      response: undefined,
      hasIdentity: false,
    });
    socket.once('close', () => {
      if (open.get(key)?.socket === socket) open.delete(key);
    });
    if (open.size > limits.max) spare([...open.values()], limits)?.socket.destroy();
  });
  server.prependListener('request', ({ socket }, response: NonNullable<OpenConnection['response']>) => {
    const connection = open.get(keyOf(socket));
    if (connection === undefined) return;
    Object.assign(connection, { activeAt: limits.clock.monotonicMs(), response });
    response.once('close', () => {
      connection.hasIdentity = isAuthenticated(connection);
      Object.assign(connection, { activeAt: limits.clock.monotonicMs(), response: undefined });
    });
  });
  return {
    closeAll() {
      for (const { socket } of open.values()) socket.destroy();
    },
  };
}

/** Node.js represents a connection and the TLS in it as two sockets. Both have the same key. */
function keyOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join(' ');
}

function isAuthenticated({ hasIdentity, response }: OpenConnection): boolean {
  return hasIdentity || response?.locals?.[IDENTITY] !== undefined;
}

/** The connection that is missed least. `connections` are in the order in which they were opened. */
function spare(
  connections: readonly OpenConnection[],
  { isTrustedProxy }: ConnectionLimits,
): OpenConnection | undefined {
  const strangers = connections.filter((connection) => !isAuthenticated(connection));
  if (strangers.length > 1) return longestIdle(strangers); // the new one is one of them
  const counts = new Map<string, number>();
  for (const { address } of connections) {
    if (!isTrustedProxy(address)) counts.set(address, (counts.get(address) ?? 0) + 1);
  }
  const [busiest] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  const its = busiest === undefined ? connections : connections.filter(({ address }) => address === busiest);
  return longestIdle(its.filter(({ response }) => response === undefined)) ?? longestIdle(its);
}

function longestIdle(connections: readonly OpenConnection[]): OpenConnection | undefined {
  return connections.reduce<OpenConnection | undefined>(
    (oldest, each) => (oldest === undefined || each.activeAt < oldest.activeAt ? each : oldest),
    undefined,
  );
}
