import type { IncomingHttpHeaders } from 'node:http';

import type { RequestHandler } from 'express';
import type express from 'express';

import { AppError } from '../../errors.js';
import type { AuditAction } from '../audit/audit-actions.js';
import {
  audited,
  entriesToKeep,
  type AuditedRequest,
  type AuditNotes,
  type RequestRecorder,
} from '../audit/request-audit.js';
import { FairPermits } from '../../async/fair-permits.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import type { Clock } from '../../clock.js';
import { sendAnswer, type ApiAnswer } from './answer.js';
import { statusOf } from './error-handler.js';
import { authorize, type Policy } from '../identity/authorize.js';
import { ANONYMOUS, type Credentials, type Identity } from '../identity/identity.js';
import { BodyShares, type BodyShare } from './body-shares.js';
import type { JsonList } from './json-list.js';
import { QueryParameters } from './query-parameters.js';
import type { RateKind, RateLimits } from './rate-limits.js';
import { hasBody, jsonList, jsonValue, readBody, type BodyLimits } from './request-body.js';
import { requestIdOf } from './request-id.js';
import type { KeyedAudit, KeyedRequests, WriteAnswer } from './idempotency.js';
import { requestKey, type KeyedRoute, type RequestKey } from './idempotency-key.js';
import { originOf, searchOf } from './request-target.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** A request as handlers of routes see it. */
export interface ApiRequest {
  identity: Identity;
  params: Readonly<Record<string, string>>;
  query: QueryParameters;
  /** The parts that authentication reads. An answer that lasts authenticates them again now and then. */
  credentials: Credentials;
  /** Parsed JSON; undefined if the request has no body or the route takes none, or takes a list. */
  body: unknown;
  /** The body of a route that takes a list; undefined if the request has none. */
  list: JsonList | undefined;
  /** Scheme and host as the client wrote them, without the default port of the scheme. */
  origin: string;
  /** `If-Match`: the versions (`ETag`) of the object that the client is willing to change; undefined: any. */
  ifMatch: string | undefined;
  /** What the client can read and what it has, for answers that are no data of users. */
  headers: Pick<IncomingHttpHeaders, 'accept' | 'accept-encoding' | 'if-none-match'>;
  /**
   * Aborts when the answer is complete or the client has left. Never for a request with an `Idempotency-Key`: it goes
   * on, so that its repeat gets a whole answer.
   */
  signal: AbortSignal;
  /**
   * Runs the part of a handler that changes something. Routes with `keyed: 'transaction'` or `'once'` change nothing
   * outside of it. With an `Idempotency-Key`, `'transaction'` stores the change and the answer in one transaction, and
   * `'once'` does not repeat the change after a failure. So checks and requests to other services come before it.
   */
  write: WriteAnswer;
  /** Tells the audit trail what the handler knows of the object. */
  note: (notes: AuditNotes) => void;
}

/** One row of the route table: what is checked before the handler runs, and the handler. */
export interface Route extends KeyedRoute {
  method: Method;
  path: string;
  policy: Policy;
  /** Name of the request in the audit trail; null for a request that is never in it. */
  audit: AuditAction | null;
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
  audit: RequestRecorder;
  /** Undefined: `Idempotency-Key` is ignored. */
  keyedRequests?: KeyedRequests | undefined;
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
 * The start of a request, a piece of long work on its body, and a page of its answer are time slices: one runs in each
 * iteration of the event loop, in a round robin of the projects. So a flood of cheap requests, also of refused ones,
 * delays the requests of other projects little.
 */
function timeSlices(): (owner: string) => Promise<void> {
  const slices = new FairPermits({ inAll: 1, perOwner: 1 });
  return (owner) => slices.run(owner, yieldToEventLoop);
}

interface SharedByRequests extends Pick<MountedRoutes, 'rateLimits' | 'runAs' | 'audit' | 'keyedRequests' | 'clock'> {
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
    const owner = ownerOf(identity, request);
    const notes: AuditNotes = {};
    const received = { request, response, identity, notes };
    const run = <T>(work: () => Promise<T>): Promise<T> => shares.runAs(owner, work);
    const share = shares.bodies.open(owner);
    const auditedRequest = auditOf(route, received);
    const keyedAudit: KeyedAudit = {
      entriesOf: (status) => entriesToKeep(shares.audit, auditedRequest, status),
      note: (kept) => void (notes.kept = kept),
    };
    const work = async (): Promise<ApiAnswer> => {
      const given = await admitted(route, received, { ...shares, owner, share });
      return run(() => answerOf(route, given, { keyedRequests: shares.keyedRequests, audit: keyedAudit }));
    };
    try {
      const answer = await audited(shares.audit, auditedRequest, { work, statusOf });
      const nextTimeSlice = (): Promise<void> => shares.nextTimeSlice(owner);
      await run(() => sendAnswer(response, answer, { clock: shares.clock, nextTimeSlice }));
    } finally {
      afterAnswer(response, () => share.giveBack());
    }
  };
}

interface Received {
  request: express.Request;
  response: express.Response;
  identity: Identity;
  /** Filled by the handler. */
  notes: AuditNotes;
}

interface RequestShares extends Pick<SharedByRequests, 'rateLimits' | 'nextTimeSlice'> {
  owner: string;
  share: BodyShare;
}

function auditOf(route: Route, { request, response, identity, notes }: Received): AuditedRequest {
  return {
    action: route.audit,
    isWrite: isWrite(route),
    identity,
    params: request.params as Record<string, string>,
    notes,
    requestId: requestIdOf(response),
    address: request.ip ?? '',
  };
}

/** A request as the handler of its route sees it, and its key if it has one. */
interface Admitted {
  request: ApiRequest;
  key: RequestKey | undefined;
}

/** Reads a request. @throws AppError if it is refused before its handler runs. */
async function admitted(
  route: Route,
  { request, response, identity, notes }: Received,
  { rateLimits, owner, share, nextTimeSlice }: RequestShares,
): Promise<Admitted> {
  const nextSlice = (): Promise<void> => nextTimeSlice(owner);
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  await nextSlice();
  if (!route.prepare) authorize(identity, route.policy);
  for (const kind of ratesOf(route)) await rateLimits.count(kind, identity.projectId);
  const query = new QueryParameters(searchOf(request.url), route.ignoresOtherQuery ? 'any' : (route.query ?? []));
  const params = request.params as Record<string, string>;
  refuseNul(params);
  if (!route.body && hasBody(request)) throw new AppError('invalid_request', 'This request takes no body');
  const bytes = route.body && (await readBody(request, route.body, share));
  const key = requestKey(route, { request, identity, body: bytes });
  const admittedRequest: ApiRequest = {
    identity,
    credentials: credentialsOf(request),
    params,
    query,
    ...(route.body?.isList
      ? { body: undefined, list: await jsonList(bytes, route.body, nextSlice) }
      : { body: await jsonValue(bytes, nextSlice), list: undefined }),
    origin: originOf(request),
    ifMatch: request.headers['if-match'],
    headers: request.headers,
    signal: closed.signal,
    write: (change) => change(),
    note: (more) => void Object.assign(notes, more),
  };
  return { request: admittedRequest, key };
}

/** The parts of a request that authentication reads. */
export function credentialsOf(request: express.Request): Credentials {
  const { headers, method, path, ip: remoteAddress = '' } = request;
  return { headers, method, path, origin: originOf(request), remoteAddress };
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
function isWrite({ method, policy }: Route): boolean {
  return method !== 'GET' && policy !== 'reader';
}

function ratesOf(route: Route): RateKind[] {
  if (route.policy === 'public') return [];
  return [
    'requests',
    ...(isWrite(route) ? (['writes'] as const) : []),
    ...(route.replays ? (['replays'] as const) : []),
  ];
}

async function answerOf(
  route: Route,
  { request, key }: Admitted,
  { keyedRequests, audit }: { keyedRequests: KeyedRequests | undefined; audit: KeyedAudit },
): Promise<ApiAnswer> {
  if (!key || !keyedRequests) return handled(route, request);
  authorize(request.identity, route.policy); // also for the answer to an earlier request
  const { signal } = new AbortController();
  return keyedRequests.answer(key, (write) => handled(route, { ...request, signal, write }), audit);
}

async function handled(route: Route, request: ApiRequest): Promise<ApiAnswer> {
  const { prepare, handle } = route;
  if (prepare) {
    const proceed = await prepare(request);
    authorize(request.identity, route.policy);
    return proceed();
  }
  if (!handle) throw new Error(`${route.method} ${route.path} has no handler`);
  return handle(request);
}

/** PostgreSQL cannot store NUL, so no object with such an id exists. */
function refuseNul(params: Readonly<Record<string, string>>): void {
  const bad = Object.values(params).find((value) => value.includes('\0'));
  if (bad !== undefined) throw new AppError('not_found', NOT_FOUND_TEXT);
}

/** Aodh's message for an unknown path. */
export const NOT_FOUND_TEXT = '404 Not Found\n\nThe resource could not be found.\n\n   ';
