import { z } from 'zod';

import { RawJson } from '../../../alarm/wire/python-json.js';
import { createHttpExchange, type HttpResponse } from '../../../http/http-exchange.js';
import { BackendUnavailable, reasonOf } from '../../../http/backend-unavailable.js';
import type { TokenSource } from '../../token-source.js';
import { refusalOf, type GnocchiAnswer } from './answer.js';
import { parseNanTolerantJson } from './nan-tolerant-json.js';

/**
 * The credentials for Gnocchi: none, a user's name (Gnocchi needs no password), or a Keystone token of this service.
 */
export type GnocchiAuth = { kind: 'none' } | { kind: 'basic'; user: string } | { kind: 'token'; tokens: TokenSource };

export interface GnocchiClientOptions {
  /** Without a slash at its end. */
  url: string;
  auth: GnocchiAuth;
  timeoutMs: number;
}

/** A request for aggregates (`POST /v1/aggregates`). */
export interface AggregatesRequest {
  operations: readonly unknown[];
  /** A search for the resources whose metrics the operations name; absent when they name metrics by id. */
  search?: { query: unknown; resourceType: string } | undefined;
  /** A moment, or one relative to now, such as `-1 day`. */
  start: string;
  stop: string;
  /** Of the rows wanted. Absent for all granularities that the metrics have in common. */
  granularityS?: number;
  /**
   * In percent. Absent for rows that are not aggregated across series: with it, points that a series lacks would be
   * rows without a value.
   */
  neededOverlap?: number;
  /**
   * The value of points that one series lacks and another one has. Without `fill` and `neededOverlap` Gnocchi leaves
   * out NaN and infinite values.
   */
  fill?: number;
  /** An attribute of the resources found. The answer then has one aggregate for each of its values. */
  groupby?: string | undefined;
  /** True to get the metrics (or resources) that were found too, under `references`. */
  details?: boolean;
}

/** Options of one request. */
export interface GnocchiRequestOptions {
  signal?: AbortSignal;
  /** Most bytes of the answer. */
  maxBytes?: number;
  /** Called with each request: method, path with query, and body. */
  onSent?: ((request: string) => void) | undefined;
}

/** The `cause` of `outage` with an answer that was larger than `maxBytes`. */
export class AnswerTooLarge extends BackendUnavailable {}

/**
 * A client of the part of Gnocchi's API that alarms need. No method rejects: an answer, a refusal and `outage` are
 * values.
 */
export interface GnocchiClient {
  /** True if Gnocchi accepts Keystone tokens, so that it can be queried with those of other users too. */
  readonly takesTokens: boolean;
  /** The names of Gnocchi's aggregation methods. */
  capabilities(): Promise<GnocchiAnswer<string[]>>;
  aggregates(request: AggregatesRequest, options?: GnocchiRequestOptions): Promise<GnocchiAnswer<unknown>>;
  /** The resources that a filter finds, at most one page of them, with these attributes only. */
  searchResources(
    filter: unknown,
    attributes: readonly string[],
    options?: GnocchiRequestOptions,
  ): Promise<GnocchiAnswer<FoundResource[]>>;
  /** A metric with the data that tell its owner. */
  metricOwner(id: string, options?: GnocchiRequestOptions): Promise<GnocchiAnswer<FoundMetric>>;
  /**
   * A resource by the id that it was created under; Gnocchi's own id of it, a UUID, may differ. With `token` the
   * request is made with that token instead of this service's credentials.
   */
  resource(id: string, token?: string): Promise<GnocchiAnswer<{ id: string }>>;
  metric(id: string, token?: string): Promise<GnocchiAnswer<{ id: string }>>;
  close(): void;
}

/** Most bytes of the answer to one query. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const Capabilities = z
  .object({ aggregation_methods: z.array(z.string()) })
  .transform(({ aggregation_methods }) => aggregation_methods);
const Identified = z.object({ id: z.string() });
export const FoundResource = z.object({
  id: z.string(),
  metrics: z.record(z.string(), z.unknown()).optional(),
  project_id: z.string().nullish(),
  created_by_project_id: z.string().nullish(),
});
/** A resource as `searchResources` gives it. */
export type FoundResource = z.infer<typeof FoundResource>;
export const FoundMetric = z.object({
  id: z.string(),
  created_by_project_id: z.string().nullish(),
  resource_id: z.string().nullish(),
  resource: FoundResource.nullish(),
});
/** A metric with its resource, as Gnocchi describes it. */
export type FoundMetric = z.infer<typeof FoundMetric>;

interface GnocchiRequest<T> {
  method: 'GET' | 'POST';
  /** With its query, percent-encoded. */
  path: string;
  /** As JSON text. */
  body?: string;
  /** A token to use instead of this service's credentials. */
  token?: string | undefined;
  answer: z.ZodType<T>;
  options?: GnocchiRequestOptions | undefined;
}

/**
 * Creates a client of one Gnocchi. It sends each request once, or once more with a new token if the first is refused.
 * There are no other retries, no redirects and no proxies of the environment.
 */
export function createGnocchiClient({ url, auth, timeoutMs }: GnocchiClientOptions): GnocchiClient {
  const exchange = createHttpExchange({ timeoutMs });

  async function send(
    { method, path, body, options = {} }: GnocchiRequest<unknown>,
    identity: Record<string, string>,
  ): Promise<HttpResponse> {
    const { signal, maxBytes = MAX_ANSWER_BYTES, onSent } = options;
    const headers = {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...identity,
    };
    onSent?.(body === undefined ? `${method} ${path}` : `${method} ${path} ${body}`);
    const response = await exchange.send({ method, url: url + path, headers, body, signal, maxBytes });
    if (response.isCutOff) throw new AnswerTooLarge(`its answer is larger than ${maxBytes} bytes`);
    return response;
  }

  async function fetchAnswer<T>(request: GnocchiRequest<T>): Promise<GnocchiAnswer<T>> {
    const { token, answer } = request;
    try {
      const identity = token === undefined ? await ourIdentity(auth) : bearing(token);
      const response = await send(request, identity);
      if (response.status !== 401 || auth.kind !== 'token' || token !== undefined) return read(response, answer);
      return read(await send(request, bearing(await auth.tokens.renew())), answer);
    } catch (thrown) {
      return { kind: 'outage', reason: reasonOf(thrown), cause: thrown };
    }
  }

  return {
    takesTokens: auth.kind === 'token',
    capabilities: () => fetchAnswer({ method: 'GET', path: '/v1/capabilities/', answer: Capabilities }),
    aggregates: (request, options) =>
      fetchAnswer({
        method: 'POST',
        path: aggregatesPath(request),
        body: aggregatesBody(request),
        answer: z.unknown(),
        options,
      }),
    searchResources: (filter, attributes, options) => {
      const path = `/v1/search/resource/generic?${attributes.map((each) => `attrs=${each}`).join('&')}`;
      return fetchAnswer({
        method: 'POST',
        path,
        body: JSON.stringify(filter),
        answer: z.array(FoundResource),
        options,
      });
    },
    metricOwner: (id, options) =>
      find(id, 'Metric', (name) =>
        fetchAnswer({ method: 'GET', path: `/v1/metric/${name}`, answer: FoundMetric, options }),
      ),
    resource: (id, token) =>
      find(id, 'Resource', (name) => fetchAnswer({ ...getOf(`/v1/resource/generic/${name}`), token })),
    metric: (id, token) => find(id, 'Metric', (name) => fetchAnswer({ ...getOf(`/v1/metric/${name}`), token })),
    close: () => exchange.close(),
  };
}

function aggregatesPath({
  start,
  stop,
  granularityS,
  neededOverlap,
  fill,
  groupby,
  details,
}: AggregatesRequest): string {
  const query = [
    `details=${details ? 'True' : 'False'}`,
    ...(granularityS === undefined ? [] : [`granularity=${granularityS}`]),
    ...(fill === undefined ? [] : [`fill=${fill}`]),
    ...(groupby === undefined ? [] : [`groupby=${encodeURIComponent(groupby)}`]),
    ...(neededOverlap === undefined ? [] : [`needed_overlap=${neededOverlap}`]),
    `start=${encodeURIComponent(start)}&stop=${encodeURIComponent(stop)}`,
  ];
  return `/v1/aggregates?${query.join('&')}`;
}

/** A search that is JSON text already is sent as it is, so that large numbers stay as they are. */
function aggregatesBody({ operations, search }: AggregatesRequest): string {
  const fields = `"operations":${JSON.stringify(operations)}`;
  if (search === undefined) return `{${fields}}`;
  const query = search.query instanceof RawJson ? search.query.text : JSON.stringify(search.query);
  return `{${fields},"search":${query},"resource_type":${JSON.stringify(search.resourceType)}}`;
}

function getOf(path: string): GnocchiRequest<{ id: string }> {
  return { method: 'GET', path, answer: Identified };
}

/** Ids that cannot be one segment of a path would address something else. Nothing can have such an id. */
function find<T>(
  id: string,
  what: string,
  request: (segment: string) => Promise<GnocchiAnswer<T>>,
): Promise<GnocchiAnswer<T>> {
  if (id !== '' && id !== '.' && id !== '..') return request(encodeURIComponent(id));
  return Promise.resolve({ kind: 'refusal', status: 404, description: `${what} ${id} does not exist` });
}

async function ourIdentity(auth: GnocchiAuth): Promise<Record<string, string>> {
  if (auth.kind === 'token') return bearing(await auth.tokens.token());
  if (auth.kind === 'none') return {};
  return { authorization: `Basic ${Buffer.from(`${auth.user}:`).toString('base64')}` };
}

function bearing(token: string): Record<string, string> {
  return { 'x-auth-token': token };
}

function read<T>({ status, text }: HttpResponse, answer: z.ZodType<T>): GnocchiAnswer<T> {
  if (status >= 400) return refusalOf(status, text);
  if (status < 200 || status > 299) throw new BackendUnavailable(`it answered with status ${status}`);
  const parsed = answer.safeParse(parseNanTolerantJson(text));
  if (!parsed.success) throw new BackendUnavailable('its answer is not of the form expected');
  return { kind: 'answer', value: parsed.data };
}
