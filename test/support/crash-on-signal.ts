/**
 * Loaded into a service before its program (`--import`). A signal makes the process fail as a fault in its code does:
 * SIGUSR2 by an exception, SIGWINCH by a rejected promise. The error has the requests in flight as a property and in
 * its cause, as errors of HTTP libraries have, and repeats a secret of one in its message.
 */
import { subscribe } from 'node:diagnostics_channel';
import { IncomingMessage, type ClientRequest } from 'node:http';
import { inspect } from 'node:util';

const inFlight = new Set<IncomingMessage | ClientRequest>();

for (const channel of ['http.server.request.start', 'http.client.request.start']) {
  subscribe(channel, (message) => {
    const { request } = message as { request: IncomingMessage | ClientRequest };
    inFlight.add(request);
    request.once('close', () => inFlight.delete(request));
  });
}

function fault(): Error {
  const requests = [...inFlight];
  const keys = requests.map((request) =>
    request instanceof IncomingMessage ? request.headers['x-api-key'] : undefined,
  );
  const cause = new Error(inspect(requests, { depth: 3 }));
  const message = `failed on purpose with ${requests.length} requests in flight, of ${keys.join(' ')}`;
  return Object.assign(new Error(message, { cause }), { requests });
}

process.on('SIGUSR2', () => {
  throw fault();
});
process.on('SIGWINCH', () => void Promise.reject(fault()));
