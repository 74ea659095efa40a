import type { RequestHandler } from 'express';
import type express from 'express';

import { AppError } from '../../errors.js';
import { sendAnswer, type ApiAnswer } from './answer.js';
import { authorize, type Policy } from '../identity/authorize.js';
import { ANONYMOUS, type Identity } from '../identity/identity.js';
import { QueryParameters } from './query-parameters.js';
import { hasBody, readJsonBody, type BodyLimits } from './request-body.js';
import { searchOf } from './request-target.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface ApiRequest {
  identity: Identity;
  params: Readonly<Record<string, string>>;
  query: QueryParameters;
  /** Parsed JSON; undefined when the request has no body or the route takes none. */
  body: unknown;
  /** Scheme and host as the client wrote them, without the port that the scheme implies. */
  origin: string;
  /** Versions of the alarm that the client is willing to change, as it got them in `ETag`; undefined: any. */
  ifMatch: string | undefined;
  /** Aborted when the answer is over, or nobody waits for it any more. */
  signal: AbortSignal;
}

/** One row of the route table: everything that is true of a request before its handler sees it. */
export interface Route {
  method: Method;
  path: string;
  policy: Policy;
  /** Query parameters it knows; others are refused. */
  query?: readonly string[];
  /** Others are ignored, where Aodh ignores them. */
  ignoresOtherQuery?: boolean;
  body?: BodyLimits;
  /** For most routes: runs once the caller's role is known to be enough. */
  handle?(request: ApiRequest): Promise<ApiAnswer> | ApiAnswer;
  /**
   * Instead of `handle`, where Aodh's clients see another order of refusals: first what is wrong with the body (400),
   * then what the caller cannot see (404), and only then what the caller may not do (403). Runs before the role is
   * checked and must change nothing; what it returns runs after.
   */
  prepare?(request: ApiRequest): Promise<() => Promise<ApiAnswer> | ApiAnswer> | (() => Promise<ApiAnswer> | ApiAnswer);
}

/** Where the authenticator leaves the identity, for this file only. */
export const IDENTITY = 'identity';

/** Registers a table of routes; a path's other methods are answered with 405, and so is any method of a bare path. */
export function mountRoutes(app: express.Express, routes: readonly Route[], barePaths: readonly string[] = []): void {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  for (const [path, atPath] of paths) app.all(path, dispatch(atPath));
  for (const path of barePaths) app.all(path, dispatch([]));
}

function dispatch(routes: readonly Route[]): RequestHandler {
  const allow = routes.map(({ method }) => method).join(', ');
  return async (request, response) => {
    const route = routes.find(({ method }) => method === request.method);
    if (!route) {
      response.setHeader('Allow', allow);
      throw new AppError(
        'method_not_allowed',
        `405 Method Not Allowed\n\nThe method ${request.method} is not allowed for this resource. \n\n `,
      );
    }
    const identity = (response.locals[IDENTITY] as Identity | undefined) ?? ANONYMOUS;
    if (!route.prepare) authorize(identity, route.policy);
    const query = new QueryParameters(searchOf(request.url), route.ignoresOtherQuery ? 'any' : (route.query ?? []));
    refuseNul(request.params as Record<string, string>);
    if (!route.body && hasBody(request)) throw new AppError('invalid_request', 'This request takes no body');
    const body = route.body && (await readJsonBody(request, response, route.body));
    const params = request.params as Record<string, string>;
    const over = new AbortController();
    response.once('close', () => over.abort());
    const asked = {
      identity,
      params,
      query,
      body,
      origin: originOf(request),
      ifMatch: request.headers['if-match'],
      signal: over.signal,
    };
    await sendAnswer(response, await answerOf(route, asked));
  };
}

async function answerOf(route: Route, request: ApiRequest): Promise<ApiAnswer> {
  if (route.prepare) {
    const proceed = await route.prepare(request);
    authorize(request.identity, route.policy);
    return proceed();
  }
  if (!route.handle) throw new Error(`${route.method} ${route.path} has no handler`);
  return route.handle(request);
}

const DEFAULT_PORT: Readonly<Record<string, RegExp>> = { http: /:(?:0*80)?$/, https: /:(?:0*443)?$/ };

function originOf({ protocol, host }: express.Request): string {
  const named = host || 'localhost'; // HTTP/1.0 needs no Host header
  return `${protocol}://${named.replace(DEFAULT_PORT[protocol] ?? '', '')}`;
}

/** PostgreSQL cannot hold a NUL, so nothing of that name exists. */
function refuseNul(params: Readonly<Record<string, string>>): void {
  const bad = Object.values(params).find((value) => value.includes('\0'));
  if (bad !== undefined) throw new AppError('not_found', NOT_FOUND_TEXT);
}

export const NOT_FOUND_TEXT = '404 Not Found\n\nThe resource could not be found.\n\n   ';
