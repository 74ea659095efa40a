import { pythonRepr } from '../../../alarm/wire/python-json.js';
import type { BackendAnswer, Series } from '../../../alarm/series.js';
import type { KeyedQuery } from '../../datasource.js';
import { retrievalFailed } from '../../../alarm/types/threshold-judgement.js';
import { causeOf, failureAnswer, fieldOf, lacksGranularity, type GnocchiFailure } from './requester.js';
import { aggregated, canAggregate, storedMethod } from './local-aggregate.js';
import { memberOf } from '../client/measures.js';
import {
  distinctMetricMethods,
  fetchMetrics,
  metricMethodKey,
  type FetchResult,
  type MetricMethod,
} from './fetch-metrics.js';
import { isVisible, ownerOfMetric, type MetricOwnerCache } from './metric-owners.js';
import { uuidOf } from '../client/resource-id.js';
import { seriesAnswer, type QueryOfKind, type GnocchiCall } from './gnocchi-call.js';

type KeyedMetricsQuery = KeyedQuery<QueryOfKind<'metrics'>>;

/** A query whose answer is computed here from the rows of its metrics. */
interface MetricsQueryPlan {
  keyedQuery: KeyedMetricsQuery;
  metricMethods: readonly MetricMethod[];
}

/**
 * Answers queries for aggregates over metrics named by id. All metrics are fetched together, each once, and aggregated
 * here as Gnocchi would. Queries that Gnocchi would refuse are sent to Gnocchi, for its own words.
 */
export async function answerMetricsQueries(
  queries: readonly KeyedMetricsQuery[],
  call: GnocchiCall,
  owners: MetricOwnerCache,
): Promise<void> {
  const members: MetricsQueryPlan[] = [];
  const refused: KeyedMetricsQuery[] = [];
  for (const keyedQuery of queries) {
    const { metrics, method, project } = keyedQuery.query;
    const ids = metrics.map(uuidOf);
    if (metrics.length === 0 || !canAggregate(method)) refused.push(keyedQuery);
    else if (ids.includes(undefined)) call.setAnswer(keyedQuery, invalidReferences(keyedQuery));
    else if (project === '') call.setAnswer(keyedQuery, noSuchMetric(keyedQuery));
    else
      members.push({
        keyedQuery,
        metricMethods: [...new Set(ids as string[])].map((id) => ({ id, method: storedMethod(method) })),
      });
  }
  const scoped = members.filter(({ keyedQuery }) => keyedQuery.query.project !== null);
  const withOwners = new Set(
    scoped
      .flatMap(({ metricMethods }) => metricMethods.map(({ id }) => id))
      .filter((id) => owners.get(id) === undefined),
  );
  const distinct = distinctMetricMethods(
    members.flatMap(({ keyedQuery, metricMethods }) =>
      metricMethods.map((metricMethod) => [keyedQuery, metricMethod] as const),
    ),
  );
  const [fetched] = await Promise.all([
    fetchMetrics(distinct, { call, owners, withOwners }),
    ...refused.map((keyedQuery) => requestRefusal(keyedQuery, call)),
  ]);
  await Promise.all(members.map((member) => answerOne(member, fetched, { call, owners })));
}

async function answerOne(
  { keyedQuery, metricMethods }: MetricsQueryPlan,
  fetched: ReadonlyMap<string, FetchResult>,
  { call, owners }: { call: GnocchiCall; owners: MetricOwnerCache },
): Promise<void> {
  const { project, method } = keyedQuery.query;
  const found = metricMethods.map((metricMethod) => fetched.get(metricMethodKey(metricMethod))!);
  if (found.some(({ kind }) => kind === 'unknown')) return call.setAnswer(keyedQuery, noSuchMetric(keyedQuery));
  if (project !== null) {
    const hidden = await findInvisible(project, metricMethods, { call, owners });
    if (hidden !== undefined)
      return call.setAnswer(keyedQuery, hidden === 'hidden' ? noSuchMetric(keyedQuery) : failureAnswer(hidden));
  }
  const failures = found.flatMap((each) => (each.kind === 'failed' ? [each.failure] : []));
  if (failures.length > 0) return call.setAnswer(keyedQuery, answerTo(keyedQuery, failures));
  const all: Series[] = [];
  for (const each of found) {
    const answer = each.kind === 'rows' ? seriesAnswer(each.rows, keyedQuery, call) : undefined;
    if (answer?.kind !== 'series') return call.setAnswer(keyedQuery, answer ?? MALFORMED_ANSWER);
    all.push(...answer.series);
  }
  call.setAnswer(keyedQuery, { kind: 'series', series: [aggregated(all, method)] });
}

const MALFORMED_ANSWER: BackendAnswer = { kind: 'outage', reason: 'its answer is not of the form expected' };

/** Tells why the project may not read all these metrics: one is hidden, or a failure; undefined if it may. */
async function findInvisible(
  project: string,
  metricMethods: readonly MetricMethod[],
  { call, owners }: { call: GnocchiCall; owners: MetricOwnerCache },
): Promise<'hidden' | GnocchiFailure | undefined> {
  const externalOwner = await call.externalOwner();
  if (externalOwner.kind !== 'answer') return externalOwner;
  const found = await Promise.all(metricMethods.map(({ id }) => ownerOfMetric(id, owners, call.requester)));
  const isHidden = found.some(
    (owner) =>
      owner.kind === 'answer' && (owner.value === null || !isVisible(project, owner.value, externalOwner.value)),
  );
  return isHidden ? 'hidden' : found.find((owner) => owner.kind !== 'answer');
}

/**
 * Sends a query that Gnocchi has no operation for, to get Gnocchi's own refusal. Its text does not depend on the
 * metrics.
 */
async function requestRefusal(keyedQuery: KeyedMetricsQuery, call: GnocchiCall): Promise<void> {
  const { method, metrics } = keyedQuery.query;
  const operations = ['aggregate', method, ['metric', ...metrics.map((id) => [id, storedMethod(method)])]];
  const result = await call.requester.request(
    (client, options) => client.aggregates({ operations, neededOverlap: 0, ...call.window }, options),
    { tickets: [keyedQuery] },
  );
  if (result.kind !== 'answer') return call.setAnswer(keyedQuery, answerTo(keyedQuery, [result]));
  // A Gnocchi that can do it after all answers for the metrics of all projects.
  const isOpen = keyedQuery.query.project === null;
  const answer = isOpen
    ? seriesAnswer(memberOf(memberOf(result.value, 'measures'), 'aggregated'), keyedQuery, call)
    : undefined;
  call.setAnswer(keyedQuery, answer ?? (isOpen ? MALFORMED_ANSWER : notForProjects(method)));
}

function notForProjects(method: string): BackendAnswer {
  return { kind: 'refused', reason: retrievalFailed(`metrics cannot be aggregated by ${method}`) };
}

/**
 * Aodh gives the same reason for an unknown metric and an unknown method: both are a 404 with a text that it does not
 * know.
 */
function noSuchMetric(keyedQuery: KeyedMetricsQuery): BackendAnswer {
  return { kind: 'absent', reason: doesNotExist(keyedQuery) };
}

function doesNotExist({ query: { method, metrics } }: KeyedMetricsQuery): string {
  return `aggregation ${method} does not exist for at least one metrics in ${pythonRepr(metrics)}`;
}

/** Gnocchi's own answer to ids that are not UUIDs. Sent to Gnocchi, they would spoil a shared request. */
function invalidReferences({ query: { metrics, method } }: KeyedMetricsQuery): BackendAnswer {
  const description = {
    cause: 'Invalid metric references',
    reason: 'badly formed hexadecimal UUID string',
    detail: metrics.map((id) => [id, storedMethod(method)]),
  };
  return failureAnswer({ kind: 'refusal', status: 400, description });
}

/** The answer that Gnocchi would have given to this query alone: access first, then methods, then granularities. */
function answerTo(keyedQuery: KeyedMetricsQuery, failures: readonly GnocchiFailure[]): BackendAnswer {
  const outage = failures.find(({ kind }) => kind === 'outage');
  if (outage) return failureAnswer(outage);
  const refusals = failures.filter((failure) => failure.kind === 'refusal');
  const forbidden = refusals.find(({ status }) => status === 403);
  if (forbidden) return failureAnswer(forbidden);
  const unknownMethod = refusals.find(({ status }) => status === 404);
  if (unknownMethod) return { kind: 'refused', reason: doesNotExist(keyedQuery) };
  const [first] = failures;
  const coarse = refusals.filter(lacksGranularity);
  if (coarse.length === 0 || coarse.length < failures.length) return failureAnswer(first!);
  const detail = coarse.flatMap(({ description }) => fieldOf(description, 'detail') as unknown[]);
  const cause = causeOf(coarse[0]!);
  return failureAnswer({ ...coarse[0]!, description: { cause, reason: 'Granularities are missing', detail } });
}
