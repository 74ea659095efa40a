import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Schemas } from '../../src/client/tocsin-client.js';

/** A received webhook. */
export interface Webhook {
  path: string;
  body: Schemas['WebhookBody'];
}

/** Receives webhooks of alarms. A webhook may arrive more than once with the same id, so duplicates can be dropped. */
export async function listenForWebhooks(
  onWebhook: (webhook: Webhook) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  const seen = new Set<string>();
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      response.writeHead(204).end();
      const id = String(request.headers['webhook-id']);
      if (seen.has(id)) return;
      seen.add(id);
      onWebhook({ path: request.url ?? '/', body: JSON.parse(body) as Webhook['body'] });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
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
