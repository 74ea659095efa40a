import type { RequestHandler } from 'express';
import type express from 'express';

import { AppError } from '../../errors.js';
import { FairPermits } from '../../async/fair-permits.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import type { Clock } from '../../clock.js';
import { sendAnswer, type ApiAnswer } from './answer.js';
import { authorize, type Policy } from '../identity/authorize.js';
import { ANONYMOUS, type Identity } from '../identity/identity.js';
import { BodyShares, type BodyShare } from './body-shares.js';
import type { JsonList } from './json-list.js';
import { QueryParameters } from './query-parameters.js';
import type { RateKind, RateLimits } from './rate-limits.js';
import { hasBody, jsonList, jsonValue, readBody, type BodyLimits } from './request-body.js';
import { searchOf } from './request-target.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A request as handlers of routes see it. */
export interface ApiRequest {
  identity: Identity;
  params: Readonly<Record<string, string>>;
  query: QueryParameters;
  /** Parsed JSON; undefined if the request has no body or the route takes none, or takes a list. */
  body: unknown;
  /** The body of a route that takes a list; undefined if the request has none. */
  list: JsonList | undefined;
  /** Scheme and host as the client wrote them, without the default port of the scheme. */
  origin: string;
  /** `If-Match`: the versions of the alarm (`ETag`) that the client is willing to change; undefined: any. */
  ifMatch: string | undefined;
  /** Aborts when the answer is complete or the client has left. */
  signal: AbortSignal;
}

/** One row of the route table: what is checked before the handler runs, and the handler. */
export interface Route {
  method: Method;
  path: string;
  policy: Policy;
  /** Names of known query parameters. Others are refused. */
  query?: readonly string[];
  /** Ignores unknown query parameters, as Aodh does for this route. */
  ignoresOtherQuery?: boolean;
  /** Has webhooks sent, which each project may do a few times a minute only. */
  replays?: boolean;
  /** Limits of the body. A route without them takes no body. */
  body?: BodyLimits;
  /** Runs after the check of the caller's role. */
  handle?(request: ApiRequest): Promise<ApiAnswer> | ApiAnswer;
  /**
   * Replaces `handle` on routes that refuse in Aodh's order: first an invalid body (400), then an alarm that the caller
   * cannot see (404), then a missing role (403). Runs before the check of the role and must change nothing. The
   * function that it returns runs after the check.
   */
  prepare?(request: ApiRequest): Promise<() => Promise<ApiAnswer> | ApiAnswer> | (() => Promise<ApiAnswer> | ApiAnswer);
}

/** The key in `response.locals` under which the authentication middleware stores the identity for this file. */
export const IDENTITY = 'identity';

/** What is mounted. */
export interface MountedRoutes {
  routes: readonly Route[];
  barePaths: readonly string[];
  rateLimits: RateLimits;
  runAs: RunAs;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
}

/** Runs work on behalf of an owner, with whom it shares the database fairly with others: a project, or an address. */
export type RunAs = <T>(owner: string, work: () => Promise<T>) => Promise<T>;

/**
 * Registers a table of routes. Other methods of their paths are answered with 405. Bare paths exist and have no method:
 * 405 for all.
 */
export function mountRoutes(app: express.Express, { routes, barePaths, ...given }: MountedRoutes): void {
  const shares = { ...given, bodies: new BodyShares(), nextTimeSlice: timeSlices() };
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  for (const [path, atPath] of paths) app.all(path, dispatch(atPath, shares));
  for (const path of barePaths) app.all(path, dispatch([], shares));
}

/**
 * Long work on request bodies runs in short pieces: one in each iteration of the event loop, in a round robin of the
 * projects.
 */
function timeSlices(): (owner: string) => Promise<void> {
  const slices = new FairPermits({ inAll: 1, perOwner: 1 });
  return (owner) => slices.run(owner, yieldToEventLoop);
}

interface SharedByRequests extends Pick<MountedRoutes, 'rateLimits' | 'runAs' | 'clock'> {
  bodies: BodyShares;
  nextTimeSlice: (owner: string) => Promise<void>;
}

function dispatch(routes: readonly Route[], shares: SharedByRequests): RequestHandler {
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
    for (const kind of ratesOf(route)) await shares.rateLimits.count(kind, identity.projectId);
    const owner = ownerOf(identity, request);
    const share = shares.bodies.open(owner);
    try {
      const apiRequest = await apiRequestOf(route, { request, response, identity }, { ...shares, owner, share });
      await shares.runAs(owner, async () => sendAnswer(response, await answerOf(route, apiRequest), shares.clock));
    } finally {
      afterAnswer(response, () => share.giveBack());
    }
  };
}

interface Received {
  request: express.Request;
  response: express.Response;
  identity: Identity;
}

async function apiRequestOf(
  route: Route,
  { request, response, identity }: Received,
  { owner, share, nextTimeSlice }: Pick<SharedByRequests, 'nextTimeSlice'> & { owner: string; share: BodyShare },
): Promise<ApiRequest> {
  const query = new QueryParameters(searchOf(request.url), route.ignoresOtherQuery ? 'any' : (route.query ?? []));
  const params = request.params as Record<string, string>;
  refuseNul(params);
  if (!route.body && hasBody(request)) throw new AppError('invalid_request', 'This request takes no body');
  const bytes = route.body && (await readBody(request, route.body, share));
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  return {
    identity,
    params,
    query,
    ...(route.body?.isList
      ? { body: undefined, list: await jsonList(bytes, () => nextTimeSlice(owner)) }
      : { body: jsonValue(bytes), list: undefined }),
    origin: originOf(request),
    ifMatch: request.headers['if-match'],
    signal: closed.signal,
  };
}

/** Calls `done` when the answer is sent or the client has left. */
function afterAnswer(response: express.Response, done: () => void): void {
  if (response.closed) done();
  else response.once('close', done);
}

function ownerOf({ projectId }: Identity, { ip }: express.Request): string {
  return projectId ?? `address ${ip ?? ''}`;
}

/** Requests of readers change nothing. Some of them are POSTs: complex queries. */
function ratesOf({ method, policy, replays }: Route): RateKind[] {
  if (policy === 'public') return [];
  const isWrite = method !== 'GET' && policy !== 'reader';
  return ['requests', ...(isWrite ? (['writes'] as const) : []), ...(replays ? (['replays'] as const) : [])];
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

/** PostgreSQL cannot store NUL, so no object with such an id exists. */
function refuseNul(params: Readonly<Record<string, string>>): void {
  const bad = Object.values(params).find((value) => value.includes('\0'));
  if (bad !== undefined) throw new AppError('not_found', NOT_FOUND_TEXT);
}

/** Aodh's message for an unknown path. */
export const NOT_FOUND_TEXT = '404 Not Found\n\nThe resource could not be found.\n\n   ';
