import express, { type RequestHandler } from 'express';
import helmet from 'helmet';
import { AppError } from '../errors.js';
import { NO_AUDIT, recordAuthenticationFailure } from './audit/request-audit.js';
import { createErrorHandler, statusOf } from './http/error-handler.js';
import { deleteIdentityHeaders } from './identity/identity-headers.js';
import { NO_RATE_LIMITS } from './http/rate-limits.js';
import { assignRequestId, requestIdOf } from './http/request-id.js';
import { hasDotSegment, originOf, requestTarget } from './http/request-target.js';
import { credentialsOf, IDENTITY, mountRoutes, NOT_FOUND_TEXT, type Route } from './http/route.js';
import { healthRoutes, type HealthRoutesDeps } from './routes/health.js';
import { QUERY_ROOT } from './routes/query.js';
import { apiRoutes, type ApiDeps } from './api-routes.js';

const MAX_URL = 8 * 1024;
const MAX_HEADER = 8 * 1024;

/** The complete API as an express application. Does not listen. */
export function createApi(deps: ApiDeps): express.Express {
  return assemble(deps, deps, { routes: apiRoutes(deps), barePaths: [QUERY_ROOT] });
}

/** Health and metrics only, for the management listener. */
export function createManagementApi(
  deps: HealthRoutesDeps & Pick<ApiDeps, 'log' | 'refuse' | 'onAnswer' | 'trustedProxies' | 'hasTls' | 'clock'>,
): express.Express {
  return assemble(deps, undefined, { routes: healthRoutes(deps), barePaths: [] });
}

function assemble(
  deps: Pick<ApiDeps, 'log' | 'refuse' | 'onAnswer' | 'challenge' | 'trustedProxies' | 'hasTls' | 'clock'>,
  authentication:
    | Pick<ApiDeps, 'authenticate' | 'trustsIdentityHeaders' | 'rateLimits' | 'runAs' | 'audit' | 'keyedRequests'>
    | undefined,
  { routes, barePaths }: { routes: readonly Route[]; barePaths: readonly string[] },
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', [...deps.trustedProxies]);
  app.set('query parser', false); // QueryParameters is the only parser, since two could differ
  app.set('case sensitive routing', true);
  app.use(assignRequestId, observe(deps.onAnswer), securityHeaders(deps));
  app.use((request, _response, next) => {
    normaliseTarget(request);
    refuseLargeHeaders(request);
    refuseAmbiguousHeaders(request);
    deps.refuse({ headers: request.headers, origin: originOf(request) });
    next();
  });
  app.use(answerPreflights());
  if (authentication) {
    if (!authentication.trustsIdentityHeaders) app.use(stripIdentityHeaders);
    app.use(identify(authentication, routes));
  }
  app.use((request, _response, next) => {
    if (hasDotSegment(request.path)) throw new AppError('not_found', NOT_FOUND_TEXT);
    next();
  });
  mountRoutes(app, {
    routes,
    barePaths,
    rateLimits: authentication?.rateLimits ?? NO_RATE_LIMITS,
    runAs: authentication?.runAs ?? ((_, work) => work()),
    audit: authentication?.audit ?? NO_AUDIT,
    keyedRequests: authentication?.keyedRequests,
    clock: deps.clock,
  });
  app.use(() => {
    throw new AppError('not_found', NOT_FOUND_TEXT);
  });
  app.use(createErrorHandler(deps));
  return app;
}

/** Normalises the target before all other middleware, so that all of it sees the same path. */
function normaliseTarget(request: express.Request): void {
  const sent = request.url;
  request.url = '/'; // for the log and metrics of a refused target
  if (sent.length > MAX_URL) throw new AppError('uri_too_long', `The URL is longer than ${MAX_URL} characters`);
  const { path, search, authority } = requestTarget(sent);
  request.url = path + search;
  if (authority !== undefined) request.headers.host = authority;
}

/** Limits each header. The parser limits only the sum of all headers. */
function refuseLargeHeaders({ rawHeaders }: express.Request): void {
  // `rawHeaders` has names at even indexes, and their values at odd ones.
  const at = rawHeaders.findIndex((text) => text.length > MAX_HEADER);
  if (at < 0) return;
  const name = at % 2 === 0 ? 'A header' : `The header ${rawHeaders[at - 1]?.toLowerCase()}`;
  throw new AppError('header_too_large', `${name} is longer than ${MAX_HEADER} characters`);
}

/** Headers of which Node.js silently keeps only the first one. */
const SINGLE_HEADERS = ['host', 'authorization', 'content-type'];

/** A request without a Host header is refused, even if its target is in absolute form (RFC 9112, 3.2). */
function refuseAmbiguousHeaders({ headersDistinct, httpVersion }: express.Request): void {
  if (headersDistinct['host'] === undefined && httpVersion === '1.1')
    throw new AppError('invalid_request', 'The request has no host header');
  const repeated = SINGLE_HEADERS.find((name) => (headersDistinct[name]?.length ?? 0) > 1);
  if (repeated !== undefined) throw new AppError('invalid_request', `The request has more than one ${repeated} header`);
}

/** Authenticates every request before its body is read, except for public routes. Unknown paths need it too. */
function identify(
  { authenticate, runAs, audit }: Pick<ApiDeps, 'authenticate' | 'runAs' | 'audit'>,
  routes: readonly Route[],
): RequestHandler {
  const isPublic = publicRequests(routes);
  return async (request, response, next) => {
    if (!isPublic(request)) {
      const credentials = credentialsOf(request);
      const { remoteAddress } = credentials;
      response.locals[IDENTITY] = await runAs(`address ${remoteAddress}`, async () => authenticate(credentials)).catch(
        (thrown: unknown) => {
          const failure = { thrown, requestId: requestIdOf(response), address: remoteAddress };
          recordAuthenticationFailure(audit, failure, statusOf(thrown));
          throw thrown;
        },
      );
    }
    next();
  };
}

/** True for requests of public routes, and for methods that paths with public routes only do not have. */
function publicRequests(routes: readonly Route[]): (request: Pick<express.Request, 'method' | 'path'>) => boolean {
  const others = routes.filter(({ policy }) => policy !== 'public').map(({ path }) => path);
  const patterns = routes
    .filter(({ policy }) => policy === 'public')
    .map(({ method, path }) => ({
      method: others.includes(path) ? method : undefined,
      pattern: new RegExp(`^${path.replaceAll('.', '[.]').replace(/:\w+/g, '[^/]+')}$`),
    }));
  return (request) =>
    patterns.some(({ method, pattern }) => (method ?? request.method) === request.method && pattern.test(request.path));
}

/** Answers CORS preflight requests without the headers that would allow requests of other origins. */
function answerPreflights(): RequestHandler {
  return (request, response, next) => {
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) next();
    else response.status(200).end();
  };
}

const stripIdentityHeaders: RequestHandler = (request, _response, next) => {
  deleteIdentityHeaders(request.headers);
  next();
};

function securityHeaders({ hasTls }: Pick<ApiDeps, 'hasTls'>): RequestHandler {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } },
    // Subdomains of the host may belong to other services.
    strictTransportSecurity: hasTls && { includeSubDomains: false },
  });
  return (request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    protect(request, response, next);
  };
}

function observe(onAnswer: ApiDeps['onAnswer']): RequestHandler {
  return (request, response, next) => {
    response.once('finish', () => onAnswer(request.method, response.statusCode));
    next();
  };
}
