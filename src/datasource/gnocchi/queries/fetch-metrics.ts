import { z } from 'zod';

import type { QueueTicket } from '../../gate/queue-ticket.js';
import {
  MALFORMED,
  causeOf,
  fieldOf,
  lacksGranularity,
  type GnocchiFailure,
  type GnocchiRefusal,
} from './requester.js';
import { chunksOf } from './chunks.js';
import { FoundMetric } from '../client/gnocchi-client.js';
import { memberOf } from '../client/measures.js';
import { cacheOwners, type MetricOwnerCache } from './metric-owners.js';
import { type GnocchiCall } from './gnocchi-call.js';

/** A metric, and one of the aggregation methods that its archive policy has. */
export interface MetricMethod {
  id: string;
  method: string;
}

/** The result for one metric and method; `unknown` if Gnocchi has no such metric. */
export type FetchResult =
  { kind: 'rows'; rows: unknown } | { kind: 'unknown' } | { kind: 'failed'; failure: GnocchiFailure };

/**
 * Gnocchi compares each metric of a request with each other. The cost per metric is lowest with 100: less than half of
 * that with 20 or 1,000.
 */
const MAX_METRICS = 100;

/**
 * Value of the rows that one metric of a request lacks and another one has. No measurement has this number, and every
 * version of Gnocchi writes it in full. Without `fill` Gnocchi leaves out rows that are NaN or infinite, and an older
 * row would be judged instead.
 */
const MISSING_VALUE = -740_216_938_507_413.5;

const References = z.array(FoundMetric);

/** The key of a metric and method in maps. */
export function metricMethodKey({ id, method }: MetricMethod): string {
  return `${id} ${method}`;
}

/** A metric and method, with the tickets of the queries that wait for it. */
export interface RequestedMetricMethod extends MetricMethod {
  tickets: QueueTicket[];
}

/** Each metric and method once. */
export function distinctMetricMethods(wanted: Iterable<readonly [QueueTicket, MetricMethod]>): RequestedMetricMethod[] {
  const distinct = new Map<string, RequestedMetricMethod>();
  for (const [ticket, metricMethod] of wanted) {
    const known = distinct.get(metricMethodKey(metricMethod));
    if (known) known.tickets.push(ticket);
    else distinct.set(metricMethodKey(metricMethod), { ...metricMethod, tickets: [ticket] });
  }
  return [...distinct.values()];
}

interface FetchContext {
  call: GnocchiCall;
  owners: MetricOwnerCache;
  /** Metrics whose owners are read from the same answers. */
  withOwners: ReadonlySet<string>;
}

/** Fetches the rows of all metrics. The results are by `metricMethodKey`. */
export async function fetchMetrics(
  metricMethods: readonly RequestedMetricMethod[],
  context: FetchContext,
): Promise<ReadonlyMap<string, FetchResult>> {
  const fetched = new Map<string, FetchResult>();
  const { withOwners } = context;
  // Metrics that need details go together, since a request describes all its metrics.
  const ordered = [
    ...metricMethods.filter(({ id }) => withOwners.has(id)),
    ...metricMethods.filter(({ id }) => !withOwners.has(id)),
  ];
  await Promise.all(chunksOf(ordered, MAX_METRICS).map((chunk) => fetchTogether(chunk, context, fetched)));
  return fetched;
}

/**
 * Fetches metrics in one request. If Gnocchi refuses it and names the metrics at fault, the others are requested again
 * without them; if it names none, in halves. If Gnocchi is unavailable, there is no further request.
 */
async function fetchTogether(
  metricMethods: readonly RequestedMetricMethod[],
  context: FetchContext,
  fetched: Map<string, FetchResult>,
): Promise<void> {
  const { call, owners, withOwners } = context;
  const details = metricMethods.some(({ id }) => withOwners.has(id));
  const operations = ['metric', ...metricMethods.map(({ id, method }) => [id, method])];
  const result = await call.requester.request(
    (client, options) => client.aggregates({ operations, details, fill: MISSING_VALUE, ...call.window }, options),
    { sharedBy: metricMethods.length, tickets: metricMethods.flatMap(({ tickets: queries }) => queries) },
  );
  if (result.kind === 'answer') {
    keepRows(result.value, metricMethods, fetched);
    const described = References.safeParse(memberOf(result.value, 'references'));
    if (described.success) await cacheOwners(described.data, owners, call.requester);
    return;
  }
  const namedKeys = result.kind === 'refusal' ? namedBy(result) : new Set<string>();
  const named = metricMethods.filter(
    (metricMethod) => namedKeys.has(metricMethod.id) || namedKeys.has(metricMethodKey(metricMethod)),
  );
  if (result.kind === 'refusal' && named.length > 0) {
    for (const metricMethod of named) fetched.set(metricMethodKey(metricMethod), refusalFor(metricMethod, result));
    const rest = metricMethods.filter((metricMethod) => !named.includes(metricMethod));
    // Gnocchi names only one metric with a missing method at a time, and there may be many.
    const parts = causeOf(result) === UNKNOWN_METHOD ? chunksOf(rest, Math.ceil(rest.length / 2)) : [rest];
    if (rest.length > 0) await Promise.all(parts.map((part) => fetchTogether(part, context, fetched)));
  } else if (result.kind === 'outage' || metricMethods.length === 1) {
    for (const metricMethod of metricMethods)
      fetched.set(metricMethodKey(metricMethod), { kind: 'failed', failure: result });
  } else {
    const middle = metricMethods.length >> 1;
    const halves = [metricMethods.slice(0, middle), metricMethods.slice(middle)];
    await Promise.all(halves.map((half) => fetchTogether(half, context, fetched)));
  }
}

function keepRows(answer: unknown, metricMethods: readonly MetricMethod[], fetched: Map<string, FetchResult>): void {
  const measures = memberOf(answer, 'measures');
  for (const metricMethod of metricMethods) {
    const rows = memberOf(memberOf(measures, metricMethod.id), metricMethod.method);
    fetched.set(
      metricMethodKey(metricMethod),
      rows === undefined ? { kind: 'failed', failure: MALFORMED } : { kind: 'rows', rows: withoutMissing(rows) },
    );
  }
}

function withoutMissing(rows: unknown): unknown {
  if (!Array.isArray(rows)) return rows;
  const isGap = (row: unknown): boolean => Array.isArray(row) && row[2] === MISSING_VALUE;
  return rows.some(isGap) ? rows.filter((row) => !isGap(row)) : rows;
}

/** The metrics that a refusal names: ids, or ids with methods as by `metricMethodKey`. */
function namedBy(refusal: GnocchiRefusal): ReadonlySet<string> {
  const detail = fieldOf(refusal.description, 'detail');
  if (!Array.isArray(detail)) return new Set();
  if (isAboutUnknown(refusal)) return new Set(detail.filter((id) => typeof id === 'string'));
  if (causeOf(refusal) !== UNKNOWN_METHOD && !lacksGranularity(refusal)) return new Set();
  return new Set(detail.flatMap((one) => (isNamed(one) ? [metricMethodKey({ id: one[0], method: one[1] })] : [])));
}

const UNKNOWN_METHOD = 'Metrics with unknown aggregation';

function isAboutUnknown(refusal: GnocchiRefusal): boolean {
  return causeOf(refusal) === 'Unknown metrics';
}

function isNamed(one: unknown): one is [id: string, method: string] {
  return Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'string';
}

/** The refusal that a request for this metric and method alone would have had. */
function refusalFor(metricMethod: MetricMethod, refusal: GnocchiRefusal): FetchResult {
  if (isAboutUnknown(refusal)) return { kind: 'unknown' };
  const detail = (fieldOf(refusal.description, 'detail') as unknown[]).filter(
    (one) => isNamed(one) && one[0] === metricMethod.id && one[1] === metricMethod.method,
  );
  const description = { ...(refusal.description as object), detail };
  return { kind: 'failed', failure: { ...refusal, description } };
}
