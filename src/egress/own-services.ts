import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

import { parseAddress } from './address.js';
import { ownServiceKey } from './egress-policy.js';

/** Where a service of this installation listens. `host` is a name or an address; `0.0.0.0` and `::` are all of them. */
export interface ServiceEndpoint {
  host: string;
  port: number;
}

export interface OwnServicesDeps {
  endpoints: readonly ServiceEndpoint[];
  monotonicMs: () => number;
}

const FRESH_MS = 60_000;
const WILDCARDS = new Set(['0.0.0.0', '::', '']);

/**
 * The addresses of this installation's services as keys of `KnownServices.own`. Names are resolved again when the
 * answer is older than a minute; one that cannot be resolved keeps its last addresses.
 */
export function createOwnServices({ endpoints, monotonicMs }: OwnServicesDeps): () => Promise<ReadonlySet<string>> {
  const lastOf = new Map<string, readonly string[]>();
  let current: Promise<ReadonlySet<string>> | undefined;
  let resolvedAt = 0;
  const addressesOf = async (host: string): Promise<readonly string[]> => {
    if (WILDCARDS.has(host)) return localAddresses();
    if (isIP(host) !== 0) return [host];
    const found = await lookup(host, { all: true }).catch(() => undefined);
    if (found)
      lastOf.set(
        host,
        found.map(({ address }) => address),
      );
    return lastOf.get(host) ?? [];
  };
  const resolve = async (): Promise<ReadonlySet<string>> => {
    const keys = endpoints.map(async ({ host, port }) =>
      (await addressesOf(host)).map((address) => ownServiceKey(parseAddress(address), port)),
    );
    return new Set((await Promise.all(keys)).flat());
  };
  return () => {
    if (current === undefined || monotonicMs() - resolvedAt > FRESH_MS) {
      resolvedAt = monotonicMs();
      current = resolve();
    }
    return current;
  };
}

function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}

/** The endpoint of a URL; undefined if it names no host, as one of a socket file does. */
export function endpointOf(url: string, defaultPort: number): ServiceEndpoint | undefined {
  if (!URL.canParse(url)) return undefined;
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return host === '' ? undefined : { host, port: port === '' ? defaultPort : Number(port) };
}
