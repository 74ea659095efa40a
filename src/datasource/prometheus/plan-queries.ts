import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import type { KeyedQuery } from '../datasource.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { groupByMergeParameter, mergeParametersOf, mergedPromql, type MergeParameter } from './promql/merge.js';
import { scopedTo, type Tenancy } from './tenancy.js';

/** One distinct query text, with the keys of the queries that it answers. */
export interface DistinctQuery {
  /** The text that is sent if it is not merged. */
  promql: string;
  /** The text as its author wrote it. */
  written: string;
  /** Its value of the merge parameter; null if it is not merged. */
  value: string | null;
  keys: readonly string[];
  /** The project whose data it reads; null for all projects. */
  project: string | null;
}

/** One request, with the merged queries of its members. */
export interface PlannedQuery {
  /** The tenant of the request, if tenancy is by a header. */
  tenant: string | null;
  /** The text that is sent. */
  promql: string;
  /** The parameter in which the members differ; null for a single member. */
  mergeParameter: MergeParameter | null;
  members: readonly DistinctQuery[];
  /**
   * Only for a select-all query, which reads all values of the label, with and without members: the queries that it
   * replaces.
   */
  replaces?: readonly PlannedQuery[];
}

/** The requests for the queries of one call. */
export interface QueryPlan {
  readonly queries: readonly PlannedQuery[];
  /** Answers to the queries that may not be sent. */
  readonly refused: ReadonlyMap<string, BackendAnswer>;
}

/** Measured: the cost per member falls no further from here on, while more is lost with one request. */
export const QUERIES_PER_REQUEST = 1_000;
/** Most characters of the values of a merged query together: some servers accept no longer queries. */
const MAX_CHARACTERS = 128 * 1024;

/** Queries that are parsed before yielding to the event loop. Parsing one takes a fifth of a millisecond. */
const PARSED_PER_CHUNK = 64;
/** Queries that are planned before yielding to the event loop, once they are parsed. */
const PLANNED_PER_CHUNK = 2_000;

export interface PlanOptions {
  tenancy: Tenancy;
  /** Most queries that are merged into one request; 1 means that none are merged. */
  queriesPerRequest: number;
}

/** Plans the requests for these queries. Equal queries give equal plans. Yields to the event loop after each chunk. */
export async function planQueries(
  queries: readonly KeyedQuery<PrometheusQuery>[],
  { tenancy, queriesPerRequest }: PlanOptions,
): Promise<QueryPlan> {
  const refused = new Map<string, BackendAnswer>();
  const texts = new Map<string | null, Map<string, QueryText>>();
  for (const [index, { key, query }] of queries.entries()) {
    if (index % PARSED_PER_CHUNK === PARSED_PER_CHUNK - 1) await yieldToEventLoop();
    const scoped = scopedTo(query, tenancy);
    if ('problem' in scoped) {
      refused.set(key, { kind: 'refused', reason: scoped.problem });
      continue;
    }
    const ofTenant = getOrAdd(texts, scoped.tenant, () => new Map<string, QueryText>());
    const { promql } = scoped;
    getOrAdd(ofTenant, promql, () => ({
      written: query.promql,
      project: query.project,
      keys: [],
      mergeParameters: mergeParametersIn(promql),
    })).keys.push(key);
  }
  const planned: PlannedQuery[] = [];
  for (const [tenant, queryTexts] of texts)
    for (const query of await mergeQueries(tenant, queryTexts, queriesPerRequest)) planned.push(query);
  return { queries: planned, refused };
}

/** Two queries that cover the members of one; the query itself if it has only one member. */
export function splitInHalves(query: PlannedQuery): PlannedQuery[] {
  const { tenant, mergeParameter: parameter, members } = query;
  if (members.length === 1) return [query];
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)].map((some) => mergedQuery(tenant, parameter, some));
}

/** The query of these members, at least one, which share the merge parameter. */
function mergedQuery(
  tenant: string | null,
  parameter: MergeParameter | null,
  members: readonly DistinctQuery[],
): PlannedQuery {
  const [first] = members as readonly [DistinctQuery];
  if (parameter === null || members.length === 1)
    return { tenant, promql: first.promql, mergeParameter: null, members };
  const values = members.map(({ value }) => value as string);
  return { tenant, promql: mergedPromql(parameter, values), mergeParameter: parameter, members };
}

interface QueryText {
  written: string;
  project: string | null;
  keys: string[];
  mergeParameters: readonly MergeParameter[];
}

function mergeParametersIn(promql: string): readonly MergeParameter[] {
  try {
    return mergeParametersOf(promql);
  } catch {
    return [];
  }
}

async function mergeQueries(
  tenant: string | null,
  queryTexts: ReadonlyMap<string, QueryText>,
  queriesPerRequest: number,
): Promise<PlannedQuery[]> {
  const texts = [...queryTexts].map(([promql, { mergeParameters: parameters }]) => ({
    key: promql,
    promql,
    parameters,
  }));
  const planned: PlannedQuery[] = [];
  let sincePause = 0;
  for (const { parameter, members } of await groupByMergeParameter(texts, queriesPerRequest)) {
    const all = members.map(({ key, value }): DistinctQuery => {
      const { written, project, keys } = queryTexts.get(key) as QueryText;
      return { promql: key, written, value, keys, project };
    });
    for (const some of parameter === null ? [all] : splitByLength(all))
      planned.push(mergedQuery(tenant, parameter, some));
    sincePause += members.length;
    if (sincePause < PLANNED_PER_CHUNK) continue;
    sincePause = 0;
    await yieldToEventLoop();
  }
  return planned;
}

function splitByLength(members: readonly DistinctQuery[]): DistinctQuery[][] {
  const portions: DistinctQuery[][] = [[]];
  let characters = 0;
  for (const member of members) {
    characters += member.value?.length ?? 0;
    if (characters > MAX_CHARACTERS) {
      portions.push([]);
      characters = member.value?.length ?? 0;
    }
    portions.at(-1)?.push(member);
  }
  return portions.filter((portion) => portion.length > 0);
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
