import { z } from 'zod';

import type { PoolMember } from '../../alarm/series.js';
import { createHttpExchange, type HttpResponse } from '../../http/http-exchange.js';
import { jsonOf } from '../../http/json-answer.js';
import { BackendUnavailable, isTemporaryStatus } from '../../http/backend-unavailable.js';
import type { TokenSource } from '../token-source.js';

export interface OctaviaClientOptions {
  /** Octavia's address, which may have to be looked up first. */
  url: () => Promise<string>;
  /** Undefined if Octavia needs no token. */
  tokens: TokenSource | undefined;
  /** Certificates to trust besides the system's, as PEM. */
  ca: string | undefined;
  /** Of each page. */
  timeoutMs: number;
}

/** Octavia's answer about a pool: its members; a refusal, which it would repeat; or more than is read. */
export type PoolAnswer =
  { kind: 'members'; members: readonly PoolMember[] } | { kind: 'refusal'; status: number } | { kind: 'too large' };

export interface PoolRequestOptions {
  signal?: AbortSignal | undefined;
  /** Called with each request: method and path with query. */
  onSend?: ((request: string) => void) | undefined;
}

export interface OctaviaClient {
  /**
   * All members of a pool, page after page. Each page is requested once, or once more with a new token if the first is
   * refused. There are no other retries and no redirects.
   * @throws BackendUnavailable, or an error of Keystone, if Octavia could not be queried.
   */
  members(poolId: string, options: PoolRequestOptions): Promise<PoolAnswer>;
  close(): void;
}

const MAX_PAGES = 100;
/** Most bytes of all pages of a pool. */
const MAX_BYTES = 8 * 1024 * 1024;
/** Octavia's members hold lists of tags, and nothing deeper. */
const MAX_DEPTH = 4;

const Page = z.object({
  members: z.array(z.record(z.string(), z.unknown())),
  members_links: z.array(z.object({ rel: z.string(), href: z.string() })).optional(),
});

/** A client of Octavia's API v2, for the members of pools only. */
export function createOctaviaClient({ url, tokens, ca, timeoutMs }: OctaviaClientOptions): OctaviaClient {
  const exchange = createHttpExchange({ timeoutMs, tls: { ca } });

  function get(
    address: string,
    token: string | undefined,
    maxBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<HttpResponse> {
    const headers = { accept: 'application/json', ...(token === undefined ? {} : { 'x-auth-token': token }) };
    return exchange.send({ method: 'GET', url: address, headers, maxBytes, signal });
  }

  async function page(path: string, maxBytes: number, { signal, onSend }: PoolRequestOptions): Promise<HttpResponse> {
    const address = withoutApiVersion(await url()) + path;
    const token = await tokens?.token();
    onSend?.(`GET ${path}`);
    const answer = await get(address, token, maxBytes, signal);
    if (answer.status !== 401 || tokens === undefined) return answer;
    const renewed = await tokens.renew();
    return renewed === token ? answer : get(address, renewed, maxBytes, signal);
  }

  return {
    async members(poolId, options) {
      const path = `/v2.0/lbaas/pools/${encodeURIComponent(poolId)}/members`;
      const members: PoolMember[] = [];
      let bytes = 0;
      let query = '';
      for (let pages = 1; pages <= MAX_PAGES; pages += 1) {
        if (options.signal?.aborted) throw new BackendUnavailable('no answer in time');
        const { status, text, isCutOff } = await page(path + query, MAX_BYTES - bytes, options);
        if (isRefusal(status, text)) return { kind: 'refusal', status };
        if (status !== 200) throw new BackendUnavailable(`it answered with status ${status}`);
        if (isCutOff) return { kind: 'too large' };
        const { members: some, next } = read(text);
        members.push(...some);
        if (next === undefined) return { kind: 'members', members };
        bytes += Buffer.byteLength(text);
        query = next;
      }
      return { kind: 'too large' };
    },
    close: () => exchange.close(),
  };
}

/**
 * True for a refusal by Octavia, which is JSON. Any other page comes from a proxy that does not reach Octavia, and says
 * nothing about the pool.
 */
function isRefusal(status: number, text: string): boolean {
  return status >= 400 && !isTemporaryStatus(status) && /^\s*\{/.test(text);
}

/** Catalogues name Octavia with or without the version of its API. */
function withoutApiVersion(url: string): string {
  return url.replace(/(?<!\/)\/+$/, '').replace(/\/v2(?:\.0)?$/, '');
}

function read(text: string): { members: readonly PoolMember[]; next: string | undefined } {
  const parsed = Page.safeParse(jsonOf(text));
  if (!parsed.success || !isShallow(parsed.data.members, MAX_DEPTH)) {
    throw new BackendUnavailable('its answer is not of the form expected');
  }
  const { members, members_links: links = [] } = parsed.data;
  const next = links.find(({ rel }) => rel === 'next')?.href;
  return { members, next: next === undefined ? undefined : queryOf(next) };
}

/**
 * The query of a link to the next page. The address of the link is not used, so that the token is sent to no other
 * server.
 */
function queryOf(href: string): string {
  const at = href.indexOf('?');
  if (at === -1) throw new BackendUnavailable('its answer is not of the form expected');
  return `?${new URLSearchParams(href.slice(at + 1)).toString()}`;
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((member) => isShallow(member, levels - 1));
}
