import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface KeystoneCall {
  method: string;
  /** Below /v3, with its query. */
  target: string;
  headers: IncomingHttpHeaders;
  body: unknown;
}

export type KeystoneReply = { status: number; body?: unknown; headers?: Record<string, string> } | 'break off' | 'hang';

/** Stands in for Keystone where a test wants an answer that a real one gives rarely. */
export interface KeystoneDouble {
  /** With its /v3. */
  readonly url: string;
  readonly calls: readonly KeystoneCall[];
  /** What a token stands for, as Keystone would say; the others are unknown to it. */
  readonly tokens: Map<string, unknown>;
  /** Answers instead of the usual when it returns something. */
  override: (call: KeystoneCall) => KeystoneReply | Promise<KeystoneReply> | undefined;
  /** Requests about the tokens of others. */
  validations(): KeystoneCall[];
  /** Requests for a token of the service's own. */
  logins(): KeystoneCall[];
  close(): Promise<void>;
}

export const SERVICE_USER = 'id-of-tocsin';
export const SERVICE_TOKEN_LIFE_MS = 3_600_000;

/**
 * Logs the service in with `own-1`, `own-2` and so on, tells about the tokens in `tokens`, and knows the project
 * `service`.
 */
export async function startKeystoneDouble(): Promise<KeystoneDouble> {
  const calls: KeystoneCall[] = [];
  let issued = 0;
  const double: Pick<KeystoneDouble, 'tokens' | 'override'> = { tokens: new Map(), override: () => undefined };
  const usual = (call: KeystoneCall): KeystoneReply => {
    if (call.method === 'POST')
      return { status: 201, body: ownToken(), headers: { 'x-subject-token': `own-${(issued += 1)}` } };
    if (call.target.startsWith('/auth/tokens')) {
      const found = double.tokens.get(String(call.headers['x-subject-token']));
      return found === undefined ? { status: 404, body: {} } : { status: 200, body: { token: found } };
    }
    return { status: 404, body: {} };
  };
  const server = createServer((request, response) => {
    void readCall(request).then(async (call) => {
      calls.push(call);
      send(response, (await double.override(call)) ?? usual(call));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(double, {
    url: `http://127.0.0.1:${port}/v3`,
    calls,
    validations: () => calls.filter(({ method, target }) => method === 'GET' && target.startsWith('/auth/tokens')),
    logins: () => calls.filter(({ method, target }) => method === 'POST' && target === '/auth/tokens'),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** What Keystone says about a member's token for a project. Fields given replace its own. */
export function tokenBody(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    user: { id: 'u1', name: 'user one', domain: { id: 'default', name: 'Default' } },
    project: { id: 'p1', name: 'project one', domain: { id: 'default', name: 'Default' } },
    roles: [
      { id: 'r1', name: 'member' },
      { id: 'r2', name: 'reader' },
    ],
    methods: ['password'],
    issued_at: '2026-01-01T11:00:00.000000Z',
    expires_at: '2026-01-01T13:00:00.000000Z',
    ...fields,
  };
}

/** What Keystone says about the service's own token. */
export function ownToken(moreServices: readonly unknown[] = []): unknown {
  const endpoint = (url: string, fields: Record<string, string> = {}) => ({
    interface: 'public',
    region_id: 'one',
    url,
    ...fields,
  });
  const domain = { id: 'default', name: 'Default' };
  return {
    token: {
      ...tokenBody({ user: { id: SERVICE_USER }, project: { id: 'id-of-service', name: 'service', domain } }),
      expires_at: new Date(Date.parse('2026-01-01T11:00:00Z') + SERVICE_TOKEN_LIFE_MS).toISOString(),
      catalog: [
        { type: 'identity', endpoints: [] },
        {
          type: 'metric',
          endpoints: [
            endpoint('http://internal.example', { interface: 'internal' }),
            endpoint('http://two.example/', { region_id: 'two' }),
            endpoint('http://one.example/metric/'),
          ],
        },
        ...moreServices,
      ],
    },
  };
}

async function readCall(request: IncomingMessage): Promise<KeystoneCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return {
    method: request.method ?? '',
    target: (request.url ?? '').replace(/^\/v3/, ''),
    headers: request.headers,
    body: text === '' ? undefined : JSON.parse(text),
  };
}

function send(response: ServerResponse, reply: KeystoneReply): void {
  if (reply === 'hang') return;
  if (reply === 'break off') return void response.destroy();
  response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
  response.end(
    reply.body === undefined ? undefined : typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body),
  );
}
