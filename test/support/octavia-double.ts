import type { ServerResponse } from 'node:http';

import { startReceiver, type Receiver, type ReceivedRequest } from './receiver-server.js';

/** What a request is answered with: a status and a body, which is sent as JSON unless it is text; or by hand. */
export type OctaviaReply = [status: number, body?: unknown] | ((response: ServerResponse) => void);

/** A server that speaks as much of Octavia's API as lists the members of pools. Change what it says while it runs. */
export interface OctaviaDouble extends Receiver {
  /** Members by the id of their pool. */
  readonly pools: Map<string, readonly object[]>;
  /** The tokens that it takes; any request if undefined. */
  tokens: ReadonlySet<string> | undefined;
  pageSize: number;
  /** Answers instead of the usual when it returns something. */
  override: (request: ReceivedRequest) => OctaviaReply | undefined;
  targets(): string[];
}

const MEMBERS = /^\/v2\.0\/lbaas\/pools\/([^/?]+)\/members(?:\?(.*))?$/;

export async function startOctaviaDouble(): Promise<OctaviaDouble> {
  const double: Pick<OctaviaDouble, 'pools' | 'tokens' | 'pageSize' | 'override'> = {
    pools: new Map(),
    tokens: undefined,
    pageSize: 1000,
    override: () => undefined,
  };

  function usual({ target, headers }: ReceivedRequest): OctaviaReply {
    if (double.tokens && !double.tokens.has(String(headers['x-auth-token']))) return [401, 'Authentication required'];
    const [, name = '', query = ''] = MEMBERS.exec(target) ?? [];
    const id = decodeURIComponent(name);
    const members = double.pools.get(id);
    if (members === undefined)
      return [404, { faultcode: 'Client', faultstring: `Pool ${id} not found.`, debuginfo: null }];
    const from = Number(new URLSearchParams(query).get('marker') ?? 0);
    const to = from + double.pageSize;
    // Its own idea of its address, as behind a proxy.
    const href = `http://octavia.internal:9876/v2.0/lbaas/pools/${id}/members?limit=${double.pageSize}&marker=${to}`;
    const links = to < members.length ? { members_links: [{ rel: 'next', href }] } : {};
    return [200, { members: members.slice(from, to), ...links }];
  }

  const receiver = await startReceiver((request, response) => {
    const reply = double.override(request) ?? usual(request);
    if (typeof reply === 'function') return reply(response);
    const [status, body = {}] = reply;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  return Object.assign(double, { ...receiver, targets: () => receiver.requests.map(({ target }) => target) });
}

/** A member as Octavia lists it, of the project `p1`. */
export function aPoolMember(given: object = {}): object {
  return {
    id: '957a1ace-1bd2-449b-8455-820b6e4b63f3',
    name: 'web-server-1',
    operating_status: 'ONLINE',
    provisioning_status: 'ACTIVE',
    admin_state_up: true,
    address: '192.0.2.16',
    protocol_port: 80,
    weight: 20,
    backup: false,
    subnet_id: 'bbb35f84-35cc-4b2f-84c2-a6a29bba68aa',
    project_id: 'p1',
    created_at: '2026-01-01T11:00:00',
    updated_at: null,
    monitor_address: null,
    monitor_port: null,
    tags: ['web'],
    ...given,
  };
}
