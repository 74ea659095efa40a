import express, { type RequestHandler } from 'express';
import helmet from 'helmet';

import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Telemetry } from '../telemetry.js';
import { createErrorHandler } from './error-handler.js';
import type { Authenticator } from './identity/identity.js';
import { createNoauthAuthenticator, refuseForeignPages } from './identity/noauth.js';
import type { Alarms, History, MeterStatistics, ReadinessCheck, Samples } from './ports.js';
import { assignRequestId } from './request-id.js';
import { IDENTITY, mountRoutes, NOT_FOUND_TEXT, type Route } from './route.js';
import { alarmHistoryRoutes } from './routes/alarm-history.js';
import { alarmStateRoutes } from './routes/alarm-state.js';
import { alarmRoutes } from './routes/alarms.js';
import { healthRoutes, metricsRoutes } from './routes/health.js';
import { meterRoutes } from './routes/meters.js';
import { versionRoutes } from './routes/versions.js';

export interface ManagementApiDeps {
  log: Logger;
  readiness: () => Promise<ReadinessCheck[]>;
  metrics: () => Promise<string>;
}

export interface ApiDeps extends ManagementApiDeps {
  alarms: Alarms;
  history: History;
  samples: Samples;
  statistics: MeterStatistics;
  clock: Clock;
  telemetry: Pick<Telemetry, 'apiRequests' | 'samplesStored'>;
  alarmMaxActions: number;
  /** Whether a Redis for queue actions is configured. */
  queueActions: boolean;
  /** `exposed`: the operator has opened the unauthenticated service to other machines. Absent with an authenticator of one's own. */
  noauth?: { exposed: boolean };
  /** Who a request comes from; without one the identity headers are believed (`noauth`). */
  authenticate?: Authenticator;
  /** Rows for the route table from other rooms. */
  routes?: readonly Route[];
  /** Whole routers from other rooms, public, such as static files. */
  routers?: readonly { path: string; router: express.Router }[];
}

const MAX_URL = 8 * 1024;

/** The HTTP API as an express app. It opens nothing and listens nowhere; see `listen`. */
export function createApi(deps: ApiDeps): express.Express {
  const app = basicApp();
  // An API without an authenticator of its own is guarded as noauth, whatever else is left out.
  const noauth = deps.authenticate ? deps.noauth : (deps.noauth ?? { exposed: false });
  app.use(countRequests(deps.telemetry));
  if (noauth) app.use(guardAgainstPages(noauth));
  app.use('/v2', authentication(deps.authenticate ?? createNoauthAuthenticator()));
  const auth = noauth ? (noauth.exposed ? 'noauth-exposed' : 'noauth') : 'required';
  mountRoutes(app, [
    ...versionRoutes(),
    ...healthRoutes({ ...deps, auth }),
    // Figures are for whoever runs the machine: here only while nobody else can reach us.
    ...(noauth && !noauth.exposed ? metricsRoutes(deps) : []),
    ...alarmRoutes({ ...deps, actions: deps }),
    ...alarmStateRoutes(deps),
    ...alarmHistoryRoutes(deps),
    ...meterRoutes({ ...deps, countStored: (count) => deps.telemetry.samplesStored.inc(count) }),
    ...(deps.routes ?? []),
  ]);
  for (const { path, router } of deps.routers ?? []) app.use(path, router);
  return finish(app, deps.log);
}

/** Health and figures only: for the management listener, and for processes without the API. */
export function createManagementApi(deps: ManagementApiDeps): express.Express {
  const app = basicApp();
  mountRoutes(app, [...healthRoutes({ ...deps, auth: 'none' }), ...metricsRoutes(deps)]);
  return finish(app, deps.log);
}

function basicApp(): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.set('query parser', false);
  app.enable('case sensitive routing');
  app.use(assignRequestId);
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"] } },
      strictTransportSecurity: false, // we speak plain HTTP; whoever terminates TLS says this
    }),
  );
  app.use(refuseLongUrls);
  return app;
}

function finish(app: express.Express, log: Logger): express.Express {
  app.use(() => {
    throw new AppError('not_found', NOT_FOUND_TEXT);
  });
  app.use(createErrorHandler({ log }));
  return app;
}

const refuseLongUrls: RequestHandler = (request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  if (request.originalUrl.length > MAX_URL) throw new AppError('uri_too_long', `The URL is longer than ${MAX_URL} bytes`);
  next();
};

function guardAgainstPages(noauth: { exposed: boolean }): RequestHandler {
  return (request, _response, next) => {
    refuseForeignPages(request, noauth);
    next();
  };
}

/** Before anything else of a request is looked at, its body above all. Unknown paths are refused here too. */
function authentication(authenticate: Authenticator): RequestHandler {
  return async (request, response, next) => {
    const { headers, method } = request;
    response.locals[IDENTITY] = await authenticate({ headers, method, path: request.originalUrl.split('?')[0] ?? '' });
    next();
  };
}

function countRequests({ apiRequests }: Pick<Telemetry, 'apiRequests'>): RequestHandler {
  const known = new Set(['GET', 'POST', 'PUT', 'DELETE']);
  return (request, response, next) => {
    response.once('finish', () => {
      const method = known.has(request.method) ? request.method : 'other';
      apiRequests.inc({ method, status: String(response.statusCode) });
    });
    next();
  };
}
