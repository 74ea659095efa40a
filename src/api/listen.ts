import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { StartupError, toError } from '../errors.js';

export interface Listener {
  /** Where it really listens: with port 0, the port that the system chose. */
  url: string;
  /** Stops accepting, lets running requests end for a while, then cuts them. A second call waits for the first. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** What to call the port in an error: the setting that chose it. */
  setting?: string;
  /** How long running requests may take to end at `close`. */
  graceMs?: number;
}

const MAX_CONNECTIONS = 1_000;
const TIMEOUTS = {
  requestTimeout: 30_000,
  headersTimeout: 15_000,
  // Longer than a proxy keeps its idle connections, or it would see ours closed under its request.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};
const DEFAULT_GRACE_MS = 5_000;

/** @throws StartupError when the address cannot be had. */
export async function listen(app: RequestListener, host: string, port: number, options: ListenOptions = {}): Promise<Listener> {
  const server = createServer(TIMEOUTS, app);
  server.maxRequestsPerSocket = 1_000;
  server.maxConnections = MAX_CONNECTIONS;
  const running = trackResponses(server);
  server.listen({ host, port });
  await once(server, 'listening').catch((cause: unknown) => {
    throw new StartupError(`${options.setting ?? 'api.port'}: ${problemOf(cause, host, port)}`, { cause });
  });
  let closing: Promise<void> | undefined;
  return {
    url: urlOf(server.address() as AddressInfo, host),
    close: () => (closing ??= close(server, running, options.graceMs ?? DEFAULT_GRACE_MS)),
  };
}

async function close(server: Server, running: ReadonlySet<ServerResponse>, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // Told so, a client does not keep its connection, and the server need not wait for it.
  for (const response of running) if (!response.headersSent) response.setHeader('Connection', 'close');
  server.closeIdleConnections();
  const grace = AbortSignal.timeout(graceMs);
  grace.addEventListener('abort', () => server.closeAllConnections());
  await closed;
}

function trackResponses(server: Server): Set<ServerResponse> {
  const running = new Set<ServerResponse>();
  server.on('request', (_request, response) => {
    running.add(response);
    if (!server.listening) response.setHeader('Connection', 'close');
    response.once('close', () => running.delete(response));
  });
  return running;
}

function problemOf(cause: unknown, host: string, port: number): string {
  const error = toError(cause);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `${port} is in use on ${host}`;
  if (code === 'EACCES') return `${port} on ${host} needs more rights than this process has`;
  return `cannot listen on ${host}:${port}: ${error.message}`;
}

function urlOf({ address, family, port }: AddressInfo, host: string): string {
  const shown = family === 'IPv6' || address.includes(':') ? `[${address}]` : address;
  return `http://${host === 'localhost' ? 'localhost' : shown}:${port}`;
}
