import express, { type RequestHandler } from 'express';
import helmet from 'helmet';

import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { ActionPolicy } from './check-actions.js';
import { createErrorHandler } from './error-handler.js';
import type { Authenticator, Credentials } from './identity/identity.js';
import type { Alarms, ComplexQueries, History, MeterStatistics, NotificationAdmin, Samples } from './ports.js';
import type { QuerySlots } from './query-slots.js';
import { assignRequestId } from './request-id.js';
import { IDENTITY, mountRoutes, NOT_FOUND_TEXT, type Route } from './route.js';
import { alarmStateRoutes } from './routes/alarm-state.js';
import { alarmRoutes } from './routes/alarms.js';
import { healthRoutes, type HealthRoutesDeps } from './routes/health.js';
import { historyRoutes } from './routes/history.js';
import { meterRoutes } from './routes/meters.js';
import { notificationRoutes } from './routes/notifications.js';
import { QUERY_ROOT, queryRoutes } from './routes/query.js';
import { versionRoutes } from './routes/versions.js';

export interface ApiDeps extends HealthRoutesDeps {
  alarms: Alarms;
  history: History;
  queries: ComplexQueries;
  querySlots: QuerySlots;
  samples: Samples;
  statistics: MeterStatistics;
  notifications: NotificationAdmin;
  actions: ActionPolicy;
  authenticate: Authenticator;
  /** Refuses requests by where they come from, before anybody asks who makes them. */
  refuse: (request: Pick<Credentials, 'headers'>) => void;
  now: () => Date;
  newId: () => string;
  log: Logger;
  onStored: (samples: number) => void;
  onAnswer: (method: string, status: number) => void;
}

const MAX_URL = 8 * 1024;

/** The whole API as an express application. Nothing listens here. */
export function createApi(deps: ApiDeps): express.Express {
  const routes = [
    ...versionRoutes(),
    ...healthRoutes(deps),
    ...alarmRoutes(deps),
    ...alarmStateRoutes(deps),
    ...historyRoutes(deps),
    ...queryRoutes(deps),
    ...meterRoutes(deps),
    ...notificationRoutes(deps),
  ];
  return assemble(deps, deps.authenticate, { routes, barePaths: [QUERY_ROOT] });
}

/** Health and metrics alone, for processes without the API. */
export function createManagementApi(deps: HealthRoutesDeps & Pick<ApiDeps, 'log' | 'refuse' | 'onAnswer'>): express.Express {
  return assemble(deps, undefined, { routes: healthRoutes(deps), barePaths: [] });
}

function assemble(
  deps: Pick<ApiDeps, 'log' | 'refuse' | 'onAnswer'>,
  authenticate: Authenticator | undefined,
  { routes, barePaths }: { routes: readonly Route[]; barePaths: readonly string[] },
): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', false); // QueryParameters reads the query string; a second reading could differ
  app.set('case sensitive routing', true);
  app.use(assignRequestId, observe(deps.onAnswer), securityHeaders());
  app.use((request, _response, next) => {
    if (request.originalUrl.length > MAX_URL) throw new AppError('uri_too_long', `The URL is longer than ${MAX_URL} characters`);
    deps.refuse(request);
    next();
  });
  if (authenticate) app.use(identify(authenticate, routes));
  mountRoutes(app, routes, barePaths);
  app.use(() => {
    throw new AppError('not_found', NOT_FOUND_TEXT);
  });
  app.use(createErrorHandler(deps));
  return app;
}

/** Who asks is settled before anything of the body is read, also for paths that do not exist. */
function identify(authenticate: Authenticator, routes: readonly Route[]): RequestHandler {
  const open = new Set(routes.filter(({ policy }) => policy === 'public').map(({ path }) => path));
  return async (request, response, next) => {
    if (!open.has(request.path)) {
      const { headers, method, path } = request;
      response.locals[IDENTITY] = await authenticate({ headers, method, path });
    }
    next();
  };
}

function securityHeaders(): RequestHandler {
  const protect = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } },
    strictTransportSecurity: false,
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
