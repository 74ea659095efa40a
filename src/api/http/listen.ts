import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import { StartupError, toError } from '../../errors.js';
import { limitConnections, type ConnectionLimits } from './connections.js';
import type { ServerCertificate } from './server-certificate.js';
import { answerUnreadableRequests } from './unreadable-request.js';

/** A listening HTTP server. */
export interface Listener {
  url: string;
  certificate?: ServerCertificate | undefined;
  /** Stops accepting, closes idle connections and lets requests finish. When `grace` resolves, closes the rest. */
  close(grace: Promise<void>): Promise<void>;
}

/** Where to listen, and for whom. */
export interface ListenOptions extends Omit<ConnectionLimits, 'max'> {
  host: string;
  port: number;
  /** The option that an unusable port is blamed on. */
  setting: string;
  /** Most open connections. */
  maxConnections?: number | undefined;
  /** How long a request may take to arrive, however its bytes trickle in. Its headers may take half of that. */
  requestTimeoutMs?: number | undefined;
  /** If set, the listener accepts only TLS. */
  certificate?: ServerCertificate | undefined;
}

const KIB = 1024;
/** Most connections of a listener, besides those of streams. */
export const MAX_CONNECTIONS = 1_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Starts an HTTP server. Its limits protect the process from slow and greedy clients.
 * @throws StartupError that names `setting` if the address cannot be used.
 */
export async function listen(
  app: RequestListener,
  { host, port, setting, maxConnections = MAX_CONNECTIONS, requestTimeoutMs, certificate, ...limits }: ListenOptions,
): Promise<Listener> {
  const server = serverOf(app, certificate, requestTimeoutMs);
  answerUnreadableRequests(server);
  server.maxRequestsPerSocket = 1_000;
  const connections = limitConnections(server, { ...limits, max: maxConnections });
  server.timeout = 120_000; // a client that stops reading its answer must not hold a database connection for ever
  let isClosing = false;
  // During shutdown each answer is the last one of its connection, so that a busy client cannot keep the process alive.
  server.prependListener('request', (_, response) => {
    if (isClosing) response.setHeader('Connection', 'close');
  });
  await once(server.listen(port, host), 'listening').catch((cause: unknown) => {
    throw refusal(cause as NodeJS.ErrnoException, { host, port, setting });
  });
  const address = server.address() as AddressInfo;
  const shownHost = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `${certificate ? 'https' : 'http'}://${shownHost}:${address.port}`,
    certificate,
    async close(grace) {
      isClosing = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await Promise.race([closed, grace]);
      connections.closeAll();
      await closed;
    },
  };
}

function serverOf(
  app: RequestListener,
  certificate: ServerCertificate | undefined,
  requestTimeout = REQUEST_TIMEOUT_MS,
): Server {
  const options: ServerOptions = {
    maxHeaderSize: 16 * KIB,
    requestTimeout,
    headersTimeout: requestTimeout / 2,
    connectionsCheckingInterval: requestTimeout / 6, // how often the two timeouts above are checked
    keepAliveTimeout: 75_000,
    requireHostHeader: false, // the API refuses such requests itself, with a body
  };
  if (certificate === undefined) return createServer(options, app);
  const server = createTlsServer({ ...options, ...certificate.options }, app);
  // Otherwise Node.js reports a failed handshake as an unreadable request, to which no answer can be sent.
  server.prependListener('tlsClientError', (_, socket) => socket.destroy());
  certificate.follow(server);
  return server;
}

function refusal(
  cause: NodeJS.ErrnoException,
  { host, port, setting }: Pick<ListenOptions, 'host' | 'port' | 'setting'>,
): StartupError {
  const problem =
    cause.code === 'EADDRINUSE'
      ? `${port} is in use on ${host}`
      : cause.code === 'EACCES'
        ? `${port} on ${host} needs more rights than this process has`
        : `cannot listen on ${host}:${port}: ${toError(cause).message}`;
  return new StartupError(`${setting}: ${problem}`, { cause });
}
