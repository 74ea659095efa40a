import { RawJson } from '../../../alarm/wire/python-json.js';
import type { BackendAnswer } from '../../../alarm/series.js';
import type { KeyedQuery } from '../../datasource.js';
import type { RequestOrigin } from '../../gate/queue-ticket.js';
import { requestInParts, MALFORMED, failureAnswer, saysNotFound, type GnocchiFailure } from './requester.js';
import { chunksOf, groupBy } from './chunks.js';
import { aggregated, storedMethod } from './local-aggregate.js';
import type { AggregatesRequest } from '../client/gnocchi-client.js';
import { memberOf } from '../client/measures.js';
import { variantsOf, type Variant } from './mergeable-search.js';
import { seriesAnswer, type QueryOfKind, type GnocchiCall } from './gnocchi-call.js';

/** Most values of one attribute in a merged search. */
const MAX_GROUPS = 100;

type KeyedSearchQuery = KeyedQuery<QueryOfKind<'resources'>>;

interface SearchVariant {
  keyedQuery: KeyedSearchQuery;
  /** How the search differs from others; undefined if it is requested alone. */
  variant: Variant | undefined;
}

/**
 * Answers queries for aggregates over the resources of a search. Searches that differ in one attribute's value share a
 * request.
 */
export async function answerSearchQueries(queries: readonly KeyedSearchQuery[], call: GnocchiCall): Promise<void> {
  const groups = groupBy(withVariants(queries), ({ keyedQuery, variant }) =>
    variant ? shapeOf(keyedQuery, variant) : keyedQuery.key,
  );
  const requests = [...groups.values()].flatMap((group) =>
    withoutAlikeValues(group).flatMap((some) => chunksOf(some, MAX_GROUPS)),
  );
  await Promise.all(
    requests.map((request) =>
      requestInParts(
        request,
        (part) => (part.length === 1 ? requestSingle(part[0]!, call) : requestMerged(part, call)),
        ({ keyedQuery }, failure) => call.setAnswer(keyedQuery, answerTo(keyedQuery, failure)),
      ),
    ),
  );
}

/** Chooses for each search the way to merge it that most other searches share. */
function withVariants(queries: readonly KeyedSearchQuery[]): SearchVariant[] {
  const all = queries.map((keyedQuery) => ({ keyedQuery, variants: variantsOf(keyedQuery.query.search) }));
  const sharing = new Map<string, number>();
  for (const { keyedQuery, variants } of all) {
    for (const variant of variants) {
      const shape = shapeOf(keyedQuery, variant);
      sharing.set(shape, (sharing.get(shape) ?? 0) + 1);
    }
  }
  return all.map(({ keyedQuery, variants }) => {
    const [best] = variants
      .map((variant) => ({ variant, count: sharing.get(shapeOf(keyedQuery, variant))! }))
      .sort((a, b) => b.count - a.count);
    return { keyedQuery, variant: best && best.count > 1 ? best.variant : undefined };
  });
}

function shapeOf({ query: { resourceType, metric, method } }: KeyedSearchQuery, { shape }: Variant): string {
  return JSON.stringify([resourceType, metric, method, shape]);
}

/** Values that some databases take for equal go into different requests. */
function withoutAlikeValues(group: readonly SearchVariant[]): SearchVariant[][] {
  const alike = groupBy(group, ({ variant }) => (variant ? variant.value.normalize('NFKD').toLowerCase().trim() : ''));
  const requests: SearchVariant[][] = [];
  for (const some of alike.values()) for (const [index, one] of some.entries()) (requests[index] ??= []).push(one);
  return requests;
}

async function requestSingle({ keyedQuery }: SearchVariant, call: GnocchiCall): Promise<GnocchiFailure | undefined> {
  const result = await aggregates([{ keyedQuery }], { query: new RawJson(keyedQuery.query.search) }, call);
  if (result.kind !== 'answer') return result;
  const answer = answerFrom(memberOf(result.value, 'measures'), keyedQuery, call);
  if (answer === undefined) return MALFORMED;
  call.setAnswer(keyedQuery, answer);
  return undefined;
}

async function requestMerged(
  members: readonly SearchVariant[],
  call: GnocchiCall,
): Promise<GnocchiFailure | undefined> {
  const { attribute, searchFor } = members[0]!.variant!;
  const query = searchFor(members.map(({ variant: each }) => each!.value));
  const result = await aggregates(members, { query, groupby: attribute }, call);
  if (result.kind === 'refusal' && saysNotFound(result)) {
    for (const each of members) call.setAnswer(each.keyedQuery, noMetric(each.keyedQuery));
    return undefined;
  }
  if (result.kind !== 'answer') return result;
  if (!Array.isArray(result.value)) return MALFORMED;
  const byValue = valuesOf(result.value, attribute, members);
  // Gnocchi does not compare this attribute as text, so its groups cannot be assigned to queries: each is requested
  // alone.
  if (byValue === undefined) {
    const failures = await Promise.all(
      members.map(async (each) => ({ each, failure: await requestSingle(each, call) })),
    );
    for (const { each, failure } of failures)
      if (failure) call.setAnswer(each.keyedQuery, answerTo(each.keyedQuery, failure));
    return undefined;
  }
  for (const each of members) {
    const { value } = each.variant!;
    const answer = byValue.has(value)
      ? answerFrom(byValue.get(value), each.keyedQuery, call)
      : noMetric(each.keyedQuery);
    call.setAnswer(each.keyedQuery, answer ?? failureAnswer(MALFORMED));
  }
  return undefined;
}

function aggregates(
  members: readonly Pick<SearchVariant, 'keyedQuery'>[],
  { query, groupby }: { query: unknown; groupby?: string },
  { requester, window }: GnocchiCall,
): ReturnType<GnocchiCall['requester']['request']> {
  const queries = members.map(({ keyedQuery }) => keyedQuery);
  const first = queries[0]!.query;
  const request = { ...searchRequest(first, query), groupby, ...window };
  return requester.request((client, options) => client.aggregates(request, options), {
    sharedBy: members.length,
    origin: originOf(first),
    tickets: queries,
  });
}

/**
 * The request for an aggregate over the resources of a search, without its window. For a count it requests the rows of
 * each metric.
 */
export function searchRequest(
  { resourceType, metric, method }: Pick<KeyedSearchQuery['query'], 'resourceType' | 'metric' | 'method'>,
  query: unknown,
): Pick<AggregatesRequest, 'operations' | 'search' | 'neededOverlap'> {
  const fetched = ['metric', metric, storedMethod(method)];
  const search = { query, resourceType };
  if (isCount(method)) return { operations: fetched, search };
  return { operations: ['aggregate', method, fetched], search, neededOverlap: 0 };
}

/**
 * The project that the search is limited to, which all queries of a shared request have in common. A search without
 * that limit is an admin's, and counts as a project of its own.
 */
function originOf({ resourceType, metric, method, search }: KeyedSearchQuery['query']): RequestOrigin {
  const query = JSON.stringify([resourceType, metric, method, search]);
  return {
    project: /"created_by_project_id": ?("(?:[^"\\]|\\.)*")/.exec(search)?.[1] ?? query,
    query,
  };
}

/** Gnocchi computes counts and then fails to write them as JSON, so they are computed here. */
function isCount(method: string): boolean {
  return storedMethod(method) === 'count';
}

/** Undefined if the answer is malformed. */
function answerFrom(measures: unknown, keyedQuery: KeyedSearchQuery, call: GnocchiCall): BackendAnswer | undefined {
  const { method } = keyedQuery.query;
  if (!isCount(method)) return seriesAnswer(memberOf(measures, 'aggregated'), keyedQuery, call);
  const all = membersOf(measures)
    .flatMap(membersOf)
    .map((metric) => seriesAnswer(memberOf(metric, storedMethod(method)), keyedQuery, call));
  const other = all.find((answer) => answer?.kind !== 'series');
  if (other !== undefined || all.length === 0) return other;
  const series = all.flatMap((answer) => (answer?.kind === 'series' ? answer.series : []));
  return { kind: 'series', series: [aggregated(series, method)] };
}

function membersOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** The measures of each group by its value; undefined if a group has an unknown value, or a value comes twice. */
function valuesOf(
  groups: readonly unknown[],
  attribute: string,
  members: readonly SearchVariant[],
): Map<string, unknown> | undefined {
  const wanted = new Set(members.map(({ variant }) => variant!.value));
  const byValue = new Map<string, unknown>();
  for (const group of groups) {
    const value = memberOf(memberOf(group, 'group'), attribute);
    if (typeof value !== 'string' || !wanted.has(value) || byValue.has(value)) return undefined;
    byValue.set(value, memberOf(memberOf(group, 'measures'), 'measures'));
  }
  return byValue;
}

function noMetric({ query: { metric } }: KeyedSearchQuery): BackendAnswer {
  return { kind: 'absent', reason: `metric ${metric} does not exists` };
}

function answerTo(keyedQuery: KeyedSearchQuery, failure: GnocchiFailure): BackendAnswer {
  if (failure.kind !== 'refusal') return failureAnswer(failure);
  if (saysNotFound(failure)) return noMetric(keyedQuery);
  if (failure.status !== 404) return failureAnswer(failure);
  return {
    kind: 'refused',
    reason: `aggregation ${keyedQuery.query.method} does not exist for at least one metric of the query`,
  };
}
