import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { parseSamples } from '../schema/sample-request.js';
import { scopeOf } from '../identity/authorize.js';
import type { MeterStatistics, Samples } from '../ports.js';
import { BULK_BODY } from '../request-body.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import { resourceFilter, sampleFilter, sampleLimit, statisticsQuery } from '../schema/sample-query.js';
import { meterResponse, resourceResponse, sampleResponse, statisticsResponse } from '../schema/sample-response.js';

export interface MeterRoutesDeps {
  samples: Samples;
  statistics: MeterStatistics;
  clock: Clock;
  /** Told how many samples were stored. */
  countStored: (samples: number) => void;
}

export function meterRoutes(deps: MeterRoutesDeps): Route[] {
  const one = '/v2/meters/:name';
  const listed = { policy: 'reader', query: ['q', 'limit'] } as const;
  return [
    { method: 'GET', path: '/v2/meters', ...listed, handle: (request) => listMeters(deps, request) },
    { method: 'GET', path: one, ...listed, handle: (request) => listSamples(deps, request) },
    { method: 'POST', path: one, policy: 'member', body: BULK_BODY, handle: (request) => append(deps, request) },
    {
      method: 'GET',
      path: `${one}/statistics`,
      policy: 'reader',
      query: ['q', 'period', 'groupby'],
      handle: (request) => summarise(deps, request),
    },
    { method: 'GET', path: '/v2/resources', ...listed, handle: (request) => listResources(deps, request) },
    { method: 'GET', path: '/v2/resources/:id', policy: 'reader', handle: (request) => showResource(deps, request) },
  ];
}

async function append(
  { samples, clock, countStored }: MeterRoutesDeps,
  { body, params, identity }: ApiRequest,
): Promise<ApiAnswer> {
  const parsed = parseSamples(body, params['name'] ?? '', { identity, at: clock.now() });
  await samples.append(parsed);
  countStored(parsed.length);
  return { status: 201, body: parsed.map(sampleResponse) };
}

async function listSamples({ samples }: MeterRoutesDeps, { identity, query, params }: ApiRequest): Promise<ApiAnswer> {
  const filter = sampleFilter(query, identity);
  const found = await samples.list(scopeOf(identity), params['name'] ?? '', filter, sampleLimit(query));
  return { status: 200, body: found.map(sampleResponse) };
}

async function summarise({ statistics }: MeterRoutesDeps, { identity, query, params }: ApiRequest): Promise<ApiAnswer> {
  const asked = statisticsQuery(query, identity, params['name'] ?? '');
  const figures = await statistics.statistics(scopeOf(identity), asked);
  return { status: 200, body: figures.map((figure) => statisticsResponse(figure, asked)) };
}

async function listMeters({ samples }: MeterRoutesDeps, { identity, query }: ApiRequest): Promise<ApiAnswer> {
  const meters = await samples.meters(scopeOf(identity), resourceFilter(query, identity), sampleLimit(query));
  return { status: 200, body: meters.map(meterResponse) };
}

async function listResources({ samples }: MeterRoutesDeps, { identity, query, origin }: ApiRequest): Promise<ApiAnswer> {
  const resources = await samples.resources(scopeOf(identity), resourceFilter(query, identity), sampleLimit(query));
  return { status: 200, body: resources.map((resource) => resourceResponse(resource, origin)) };
}

async function showResource({ samples }: MeterRoutesDeps, { identity, params, origin }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  const [resource] = await samples.resources(scopeOf(identity), { resourceId: id }, 1);
  if (!resource) throw new AppError('not_found', `Resource ${id} Not Found`);
  return { status: 200, body: resourceResponse(resource, origin) };
}
