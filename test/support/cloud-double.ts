import { silentLogger } from '../../src/logger.js';
import { createKeystoneSession } from '../../src/keystone/session.js';
import { createTrusts, type KeystoneTrusts } from '../../src/keystone/trusts.js';
import { createSystemClock } from '../../src/clock.js';
import { Secret } from '../../src/config/secret.js';
import { PATIENCE_MS } from './patience.js';
import { startReceiver, type ReceivedRequest } from './receiver-server.js';

/** Found in no answer, log or row unless it leaked. */
export const CANARY = 'canary';

export interface CloudReply {
  status: number;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** Keystone, Zaqar and Heat on one loopback port, each as much as trusts and actions need. */
export interface CloudDouble {
  readonly url: string;
  readonly requests: readonly ReceivedRequest[];
  /** Trusts that exist, by id, as they were asked for. */
  readonly trusts: Map<string, unknown>;
  /** As the service's own user. */
  readonly keystone: KeystoneTrusts;
  /** Answers instead of the usual when it returns something. */
  override: (request: ReceivedRequest) => CloudReply | undefined;
  /** `METHOD target` of the requests below a path. */
  asked(path: string): string[];
  close(): Promise<void>;
}

/** Tokens are `own-1`, `own-2`, and for a trust `by-<trust>-3`; trusts are `canary-1`, `canary-2` and so on. */
export async function startCloud(): Promise<CloudDouble> {
  const trusts = new Map<string, unknown>();
  const double: Pick<CloudDouble, 'override'> = { override: () => undefined };
  let [tokens, made] = [0, 0];

  function login(request: ReceivedRequest): CloudReply {
    const { auth } = JSON.parse(request.body) as { auth: { scope?: Record<string, { id: string }> } };
    const trust = auth.scope?.['OS-TRUST:trust']?.id;
    if (trust !== undefined && !trusts.has(trust))
      return { status: 404, body: { error: { message: `no trust ${trust}` } } };
    tokens += 1;
    const headers = { 'x-subject-token': trust === undefined ? `own-${tokens}` : `by-${trust}-${tokens}` };
    return { status: 201, headers, body: tokenBody(url, trust === undefined ? 'service' : 'owner') };
  }

  function usual(request: ReceivedRequest): CloudReply {
    const { method, target } = request;
    if (method === 'POST' && target === '/v3/auth/tokens') return login(request);
    if (method === 'POST' && target === '/v3/OS-TRUST/trusts') {
      const id = `${CANARY}-${(made += 1)}`;
      trusts.set(id, JSON.parse(request.body));
      return { status: 201, body: { trust: { id } } };
    }
    if (method === 'DELETE' && target.startsWith('/v3/OS-TRUST/trusts/')) {
      return { status: trusts.delete(target.split('/').at(-1) ?? '') ? 204 : 404 };
    }
    if (target.startsWith('/zaqar/')) return { status: 201, body: {} };
    return { status: 404, body: {} };
  }

  const server = await startReceiver((request, response) => {
    const { status, body, headers = {} } = double.override(request) ?? usual(request);
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? undefined : JSON.stringify(body));
  });
  const { url } = server;
  const deps = { clock: createSystemClock(), log: silentLogger };
  const keystone = createTrusts(createKeystoneSession({ ...LOGIN, authUrl: `${url}/v3` }, deps));
  return Object.assign(double, {
    url,
    requests: server.requests,
    trusts,
    keystone,
    asked: (path: string) =>
      server.requests
        .filter(({ target }) => target.startsWith(path))
        .map(({ method, target }) => `${method} ${target}`),
    close: () => server.close(),
  });
}

const LOGIN = {
  timeoutMs: PATIENCE_MS,
  deadlineMs: PATIENCE_MS,
  interface: 'public',
  login: {
    kind: 'password',
    username: 'tocsin',
    password: new Secret('s3cret'),
    userDomainName: 'Default',
    projectName: 'service',
    projectDomainName: 'Default',
  },
} as const;

function tokenBody(url: string, project: string): unknown {
  const service = (type: string, address: string) => ({
    type,
    endpoints: [{ interface: 'public', url: address, region: 'one', region_id: 'one' }],
  });
  return {
    token: {
      user: { id: 'tocsin-id' },
      project: { id: `${project}-id`, name: project, domain: { name: 'Default' } },
      issued_at: '2026-01-01T12:00:00.000000Z',
      expires_at: '2026-01-01T13:00:00.000000Z',
      catalog: [service('messaging', `${url}/zaqar`), service('orchestration', `${url}/heat/v1/${project}-id`)],
    },
  };
}
