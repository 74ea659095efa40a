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
import { learnOwners, type MetricOwnerCache } from './metric-owners.js';
import { type GnocchiCall } from './gnocchi-call.js';

/** The rows of one metric by one of the methods that it is stored by. */
export interface MetricMethod {
  id: string;
  method: string;
}

export type FetchResult =
  { kind: 'rows'; rows: unknown } | { kind: 'unknown' } | { kind: 'failed'; failure: GnocchiFailure };

/**
 * Gnocchi compares each metric of a request with each other; with 100 it needs least for each of them, less than half
 * of what it needs with 20 or 1,000.
 */
const MAX_METRICS = 100;

/**
 * Value of the rows that one metric of a request lacks and another one has. No measurement has this number, and every
 * version of Gnocchi writes it in full. Without `fill` Gnocchi leaves out rows that are NaN or infinite, and an older
 * row would be judged instead.
 */
const GAP = -740_216_938_507_413.5;

const References = z.array(FoundMetric);

export function metricMethodKey({ id, method }: MetricMethod): string {
  return `${id} ${method}`;
}

/** A metricMethod of metric and method, and the queries that wait for it. */
export interface RequestedMetricMethod extends MetricMethod {
  tickets: QueueTicket[];
}

/** Each metricMethod once. */
export function distinctMetricMethods(asked: Iterable<readonly [QueueTicket, MetricMethod]>): RequestedMetricMethod[] {
  const distinct = new Map<string, RequestedMetricMethod>();
  for (const [keyedQuery, metricMethod] of asked) {
    const known = distinct.get(metricMethodKey(metricMethod));
    if (known) known.tickets.push(keyedQuery);
    else distinct.set(metricMethodKey(metricMethod), { ...metricMethod, tickets: [keyedQuery] });
  }
  return [...distinct.values()];
}

interface FetchContext {
  call: GnocchiCall;
  owners: MetricOwnerCache;
  /** Metrics whose owners are to be learnt on the way. */
  withOwners: ReadonlySet<string>;
}

/** What became of each metricMethod, by `pairKey`. */
export async function fetchMetrics(
  metricMethods: readonly RequestedMetricMethod[],
  fetching: FetchContext,
): Promise<ReadonlyMap<string, FetchResult>> {
  const fetched = new Map<string, FetchResult>();
  const { withOwners } = fetching;
  // Those to be described go together: a request describes all its metrics.
  const ordered = [
    ...metricMethods.filter(({ id }) => withOwners.has(id)),
    ...metricMethods.filter(({ id }) => !withOwners.has(id)),
  ];
  await Promise.all(chunksOf(ordered, MAX_METRICS).map((chunk) => fetchTogether(chunk, fetching, fetched)));
  return fetched;
}

/**
 * Drops what Gnocchi names as the reason of a refusal, halves what it refuses without a name, and gives up on trouble.
 */
async function fetchTogether(
  metricMethods: readonly RequestedMetricMethod[],
  fetching: FetchContext,
  fetched: Map<string, FetchResult>,
): Promise<void> {
  const { call, owners, withOwners } = fetching;
  const details = metricMethods.some(({ id }) => withOwners.has(id));
  const operations = ['metric', ...metricMethods.map(({ id, method }) => [id, method])];
  const asked = await call.requester.request(
    (client, options) => client.aggregates({ operations, details, fill: GAP, ...call.window }, options),
    { sharedBy: metricMethods.length, tickets: metricMethods.flatMap(({ tickets: queries }) => queries) },
  );
  if (asked.kind === 'answer') {
    keepRows(asked.value, metricMethods, fetched);
    const described = References.safeParse(memberOf(asked.value, 'references'));
    if (described.success) await learnOwners(described.data, owners, call.requester);
    return;
  }
  const named = asked.kind === 'refusal' ? namedBy(asked) : new Set<string>();
  const spoilers = metricMethods.filter(
    (metricMethod) => named.has(metricMethod.id) || named.has(metricMethodKey(metricMethod)),
  );
  if (asked.kind === 'refusal' && spoilers.length > 0) {
    for (const metricMethod of spoilers) fetched.set(metricMethodKey(metricMethod), dropped(metricMethod, asked));
    const rest = metricMethods.filter((metricMethod) => !spoilers.includes(metricMethod));
    // A missing method is named one metric at a time, and that may be the first of many.
    const parts = causeOf(asked) === UNKNOWN_METHOD ? chunksOf(rest, Math.ceil(rest.length / 2)) : [rest];
    if (rest.length > 0) await Promise.all(parts.map((part) => fetchTogether(part, fetching, fetched)));
  } else if (asked.kind === 'trouble' || metricMethods.length === 1) {
    for (const metricMethod of metricMethods)
      fetched.set(metricMethodKey(metricMethod), { kind: 'failed', failure: asked });
  } else {
    const middle = metricMethods.length >> 1;
    const halves = [metricMethods.slice(0, middle), metricMethods.slice(middle)];
    await Promise.all(halves.map((half) => fetchTogether(half, fetching, fetched)));
  }
}

function keepRows(answer: unknown, metricMethods: readonly MetricMethod[], fetched: Map<string, FetchResult>): void {
  const measures = memberOf(answer, 'measures');
  for (const metricMethod of metricMethods) {
    const rows = memberOf(memberOf(measures, metricMethod.id), metricMethod.method);
    fetched.set(
      metricMethodKey(metricMethod),
      rows === undefined ? { kind: 'failed', failure: MALFORMED } : { kind: 'rows', rows: withoutGaps(rows) },
    );
  }
}

function withoutGaps(rows: unknown): unknown {
  if (!Array.isArray(rows)) return rows;
  const isGap = (row: unknown): boolean => Array.isArray(row) && row[2] === GAP;
  return rows.some(isGap) ? rows.filter((row) => !isGap(row)) : rows;
}

/** The metrics that a refusal names: ids, or ids with methods as `pairKey` has them. */
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

/** The refusal as it would have been for this metric by this method alone. */
function dropped(metricMethod: MetricMethod, refusal: GnocchiRefusal): FetchResult {
  if (isAboutUnknown(refusal)) return { kind: 'unknown' };
  const detail = (fieldOf(refusal.description, 'detail') as unknown[]).filter(
    (one) => isNamed(one) && one[0] === metricMethod.id && one[1] === metricMethod.method,
  );
  const description = { ...(refusal.description as object), detail };
  return { kind: 'failed', failure: { ...refusal, description } };
}
