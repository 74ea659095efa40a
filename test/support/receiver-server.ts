import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

import type { CertificateWithKey } from './certificates.js';

export interface ReceivedRequest {
  method: string;
  /** The request target, byte for byte. */
  target: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A real receiver of webhooks on loopback. */
export interface Receiver {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  close(): Promise<void>;
}

export type Answer = (request: ReceivedRequest, response: ServerResponse) => void;

/** Answers 204 unless told otherwise. Every request is kept before it is answered. With a certificate it uses TLS. */
export async function startReceiver(
  answer: Answer = (_, response) => void response.writeHead(204).end(),
  certificate?: CertificateWithKey,
): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void readBody(request).then((body) => {
      const received = { method: request.method ?? '', target: request.url ?? '', headers: request.headers, body };
      requests.push(received);
      answer(received, response);
    });
  };
  const server = certificate ? createSecureServer(certificate, listener) : createServer(listener);
  // On a busy machine Node.js may close an idle connection at the moment when a client reuses it.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
