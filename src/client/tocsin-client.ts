import createClient, { type Client, type ClientOptions } from 'openapi-fetch';

import type { components, paths } from './openapi-types.js';

/**
 * A client of Tocsin's API: `GET('/v2/alarms/{id}', { params: { path: { id } } })` and so on. Paths, parameters, bodies
 * and answers have the types of `/openapi.json`. It runs in Node.js and in browsers.
 */
export type TocsinClient = Client<paths>;

/** Schemas of `/openapi.json` by their names, such as `Schemas['Alarm']`. */
export type Schemas = components['schemas'];

/** Creates a client. `headers` are sent with each request: a key or a token. */
export function createTocsinClient(options: ClientOptions & { baseUrl: string }): TocsinClient {
  return createClient<paths>(options);
}

/** A request that was answered with an error. */
export class RequestRefused extends Error {
  constructor(
    readonly status: number,
    /** The reason, as the service gives it. */
    readonly fault: string,
    /** The refused field of the body as JSON Pointer, such as `/threshold_rule/period`; undefined if none is named. */
    readonly field?: string,
    /** Seconds after which the request may be sent again (`Retry-After`); undefined if the service does not say. */
    readonly retryAfterS?: number,
  ) {
    super(`${status} ${fault}`);
  }
}

/** The body of the answer; undefined if it has none. @throws RequestRefused for an answer that is an error. */
export async function bodyOf<Body>(
  answering: Promise<{ data?: Body; error?: unknown; response: Pick<Response, 'ok' | 'status' | 'headers'> }>,
): Promise<Body> {
  const { data, error, response } = await answering;
  if (!response.ok) {
    const field = response.headers.get('Tocsin-Field');
    const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
    throw new RequestRefused(
      response.status,
      faultOf(error),
      field === null ? undefined : decodeURIComponent(field),
      Number.isFinite(retryAfter) ? retryAfter : undefined,
    );
  }
  return data as Body;
}

/** The text of an error in Aodh's form or in Keystone's. A proxy may answer with any other text. */
function faultOf(error: unknown): string {
  const { error_message, error: ofKeystone } = (error ?? {}) as {
    error_message?: { faultstring?: unknown };
    error?: { message?: unknown };
  };
  const fault = error_message?.faultstring ?? ofKeystone?.message ?? error;
  return typeof fault === 'string' ? fault : JSON.stringify(fault);
}
