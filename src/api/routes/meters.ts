import type { PythonValue } from '../../alarm/wire/python-json.js';
import { convertPages, firstRows } from '../../async/pages.js';
import { AppError } from '../../errors.js';
import { GROUP_FIELDS, type GroupField } from '../../storage/meters/statistics-store.js';
import { noteProject } from '../audit/request-audit.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { MeterStatistics, Samples } from '../ports.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import { SAMPLES_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { resourceFilter, sampleFilter } from '../schema/meter-query.js';
import type { Sample } from '../../storage/meters/sample-store.js';
import {
  meterAnswer,
  resourceAnswer,
  sampleAnswer,
  statisticsAnswer,
  type SampleAnswer,
} from '../answers/meter-answer.js';
import { samplesIn } from '../schema/sample-request.js';

export interface MeterRoutesDeps {
  samples: Samples;
  statistics: MeterStatistics;
  now: () => Date;
  newId: () => string;
  onStored: (samples: number) => void;
  readLimit: ConcurrencyLimit;
}

/** Ceilometer's default, which keeps clients from reading a week of samples by accident. `limit` overrides it. */
const DEFAULT_LIMIT = 100;
const MAX_SAMPLES = 10_000;
const MAX_PERIOD_S = 366 * 24 * 3600;
const MAX_METER_NAME = 255;

/** `/v2/meters` and `/v2/resources`, in Ceilometer's form. */
export function meterRoutes(deps: MeterRoutesDeps): Route[] {
  const meter = '/v2/meters/:meter';
  const list = ['q', 'limit'];
  const statistics = ['q', 'period', 'groupby'];
  return [
    {
      method: 'GET',
      path: '/v2/meters',
      policy: 'reader',
      audit: 'meter.list',
      query: list,
      handle: (request) => listMeters(deps, request),
    },
    {
      method: 'GET',
      path: meter,
      policy: 'reader',
      audit: 'sample.list',
      query: list,
      handle: (request) => listSamples(deps, request),
    },
    {
      method: 'POST',
      path: meter,
      policy: 'member',
      audit: 'sample.create',
      keyed: 'transaction',
      body: SAMPLES_BODY,
      handle: (request) => append(deps, request),
    },
    {
      method: 'GET',
      path: `${meter}/statistics`,
      policy: 'reader',
      audit: 'sample.summarise',
      query: statistics,
      handle: (request) => summarise(deps, request),
    },
    {
      method: 'GET',
      path: '/v2/resources',
      policy: 'reader',
      audit: 'resource.list',
      query: list,
      handle: (request) => listResources(deps, request),
    },
    {
      method: 'GET',
      path: '/v2/resources/:resource',
      policy: 'reader',
      audit: 'resource.read',
      handle: (request) => showResource(deps, request),
    },
  ];
}

async function append(
  { samples, now, newId, onStored }: MeterRoutesDeps,
  { identity, list, params, note, write }: ApiRequest,
): Promise<ApiAnswer> {
  const meter = params['meter'] ?? '';
  if (meter.length > MAX_METER_NAME)
    throw invalidInput('meter', `${meter.slice(0, 20)}…`, `at most ${MAX_METER_NAME} characters`);
  const posted = samplesIn(list, { meter, identity, at: now(), newId });
  const projects = new Set<string>();
  // Refuses an invalid sample before any is stored.
  for await (const batch of posted) for (const { projectId } of batch) projects.add(projectId ?? '');
  if (isAdmin(identity)) note({ projects });
  const answer = await write(async () => {
    await samples.append(posted);
    return { status: 201, pages: answersOf(posted) };
  });
  onStored(list?.length ?? 0);
  return answer;
}

async function* answersOf(posted: AsyncIterable<readonly Sample[]>): AsyncIterable<readonly SampleAnswer[]> {
  for await (const batch of posted) yield batch.map(sampleAnswer);
}

function listSamples({ samples, readLimit }: MeterRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query, params } = request;
  const filter = sampleFilter(query, identity);
  noteProject(request, filter.projectId);
  const limit = query.limit() ?? DEFAULT_LIMIT;
  if (limit > MAX_SAMPLES) throw invalidInput('limit', String(limit), `at most ${MAX_SAMPLES}`);
  const found = samples.list(scopeOf(identity), params['meter'] ?? '', filter, limit);
  return listAnswer(readLimit, identity, convertPages(found, sampleAnswer, limit));
}

function summarise({ statistics, readLimit }: MeterRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query, params } = request;
  const filter = sampleFilter(query, identity);
  noteProject(request, filter.projectId);
  const periodS = periodOf(query);
  const groupBy = groupsOf(query);
  const alignedTo = filter.timestamps?.find(({ op }) => op === 'ge' || op === 'gt')?.at;
  const found = statistics.statistics(scopeOf(identity), {
    meter: params['meter'] ?? '',
    filter,
    periodS,
    groupBy,
    alignedTo,
  });
  return listAnswer(
    readLimit,
    identity,
    convertPages(found, (statistic) => statisticsAnswer(statistic, periodS)),
  );
}

function listMeters({ samples, readLimit }: MeterRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query } = request;
  const filter = resourceFilter(query, identity);
  noteProject(request, filter.projectId);
  const limit = query.limit();
  const found = samples.meters(scopeOf(identity), filter, limit);
  return listAnswer(readLimit, identity, convertPages(found, meterAnswer, limit));
}

function listResources({ samples, readLimit }: MeterRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query, origin } = request;
  const filter = resourceFilter(query, identity);
  noteProject(request, filter.projectId);
  const found = samples.resources(scopeOf(identity), filter);
  return listAnswer(
    readLimit,
    identity,
    convertPages(found, (resource) => resourceAnswer(resource, origin), query.limit()),
  );
}

async function showResource({ samples }: MeterRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, params, origin } = request;
  noteProject(request);
  const resourceId = params['resource'] ?? '';
  const [found] = await firstRows(samples.resources(scopeOf(identity), { resourceId }), 1);
  if (!found) throw new AppError('not_found', `Resource ${resourceId} not found`);
  return { status: 200, body: resourceAnswer(found, origin) };
}

/** A list that is counted by the limit of long answers when it has more than one page. */
function listAnswer(
  readLimit: ConcurrencyLimit,
  { projectId }: Identity,
  pages: AsyncIterable<PythonValue[]>,
): ApiAnswer {
  return { status: 200, pages: readLimit.limitLongAnswer(projectId, pages) };
}

function periodOf(query: QueryParameters): number {
  const text = query.one('period');
  if (text === undefined) return 0;
  const period = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(period)) throw invalidInput('period', text, `invalid literal for int() with base 10: '${text}'`);
  if (period > MAX_PERIOD_S) throw invalidInput('period', text, `Value should be lower or equal to ${MAX_PERIOD_S}`);
  return period;
}

function groupsOf(query: QueryParameters): GroupField[] {
  return [...new Set(query.all('groupby'))].map((text) => {
    const field = GROUP_FIELDS.find((known) => known === text);
    if (!field) throw invalidInput('groupby', text, `Value should be one of: ${GROUP_FIELDS.join(', ')}`);
    return field;
  });
}
