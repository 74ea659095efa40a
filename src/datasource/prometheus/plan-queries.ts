import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { withEnforcedLabel } from './promql/enforce.js';
import {
  groupByMergeParameter,
  mergeParametersOf,
  mergedPromql,
  selectAllPromql,
  type MergeParameter,
} from './promql/merge.js';

/** What keeps projects apart. */
export type Tenancy =
  | { kind: 'label'; label: string }
  | { kind: 'header'; header: string; adminTenant: string | undefined }
  | { kind: 'none' };

export interface KeyedPrometheusQuery {
  key: string;
  query: PrometheusQuery;
}

/** One query text, and the queries that it answers. */
export interface DistinctQuery {
  /** As it would be sent alone. */
  promql: string;
  /** As its author wrote it. */
  written: string;
  /** What it has where the others of its query have something else; null where it stands alone. */
  value: string | null;
  keys: readonly string[];
  /** Whose data it is about; null: everybody's. */
  project: string | null;
}

/** What one request asks: the queries of its members in one. */
export interface PlannedQuery {
  /** In whose name it is sent, where a header says so. */
  tenant: string | null;
  /** What is sent. */
  promql: string;
  /** Where the members differ; null for a single one. */
  mergeParameter: MergeParameter | null;
  members: readonly DistinctQuery[];
  /**
   * Of a sweep, which asks for every value of the label, the members' and others': the queries in whose place it
   * stands.
   */
  replaces?: readonly PlannedQuery[];
}

export interface QueryPlan {
  queries: readonly PlannedQuery[];
  /** Questions that may not be asked. */
  refused: ReadonlyMap<string, BackendAnswer>;
}

/** Measured: the cost per member is flat from here on, while what is lost with one request grows. */
export const MAX_MEMBERS = 1_000;
/** Of all values of a merged query together: there are servers that take no long ones. */
const MAX_CHARACTERS = 128 * 1024;

/** Visible ASCII, without what separates tenants from each other (`|`, and `,` between repeated headers). */
const TENANT = /^[!-+\--{}~]+$/;

/**
 * A query that is read for the first time costs a fifth of a millisecond. So many may keep the process from its other
 * work, such as heartbeats.
 */
const PARSED_PER_CHUNK = 64;
/** Of queries that have been read. */
const PLANNED_PER_CHUNK = 2_000;

/**
 * Which requests it takes to ask all this: the same for the same queries. Where `sweepFrom` queries have a parameter in
 * common, it is a sweep in the first place. Pauses while it reads many.
 */
export async function planQueries(
  queries: readonly KeyedPrometheusQuery[],
  tenancy: Tenancy,
  sweepFrom: number,
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
  for (const [tenant, asked] of texts)
    for (const query of withSelectAll(await mergeQueries(tenant, asked), sweepFrom)) planned.push(query);
  return { queries: planned, refused };
}

/** Two queries that ask between them what one asks; the same one, where there is nothing to halve. */
export function splitInHalves(query: PlannedQuery): PlannedQuery[] {
  const { tenant, mergeParameter: parameter, members } = query;
  if (members.length === 1) return [query];
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)].map((some) => mergedQuery(tenant, parameter, some));
}

/** Of members, at least one, that have the parameter in common. */
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

type Scoped = { promql: string; tenant: string | null } | { problem: string };

/** Fails closed: a project's keyedQuery is either kept to that project or not asked. */
export function scopedTo({ promql, project }: PrometheusQuery, tenancy: Tenancy): Scoped {
  if (project === null) return { promql, tenant: tenancy.kind === 'header' ? (tenancy.adminTenant ?? null) : null };
  if (tenancy.kind === 'none') return { problem: 'only admins may ask Prometheus: nothing keeps its projects apart' };
  // An empty value would match what belongs to nobody.
  if (project === '') return { problem: 'the alarm has no project to keep the query to' };
  if (tenancy.kind === 'header') {
    return TENANT.test(project)
      ? { promql, tenant: project }
      : { problem: "the project's id cannot name a tenant of Prometheus" };
  }
  try {
    const enforced = withEnforcedLabel(promql, tenancy.label, project);
    return 'problem' in enforced ? enforced : { ...enforced, tenant: null };
  } catch {
    return { problem: 'the query cannot be kept to one project' };
  }
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

async function mergeQueries(tenant: string | null, asked: ReadonlyMap<string, QueryText>): Promise<PlannedQuery[]> {
  const texts = [...asked].map(([promql, { mergeParameters: parameters }]) => ({ key: promql, promql, parameters }));
  const planned: PlannedQuery[] = [];
  let sincePause = 0;
  for (const { parameter, members } of await groupByMergeParameter(texts, MAX_MEMBERS)) {
    const all = members.map(({ key, value }): DistinctQuery => {
      const { written, project, keys } = asked.get(key) as QueryText;
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

/** Where many have a parameter in common, a sweep in the place of all of them. */
function withSelectAll(queries: readonly PlannedQuery[], sweepFrom: number): PlannedQuery[] {
  const byTemplate = new Map<string | null, PlannedQuery[]>();
  for (const query of queries) getOrAdd(byTemplate, query.mergeParameter?.template ?? null, () => []).push(query);
  return [...byTemplate.values()].flatMap((some) => {
    const [{ tenant, mergeParameter: parameter }] = some as [PlannedQuery];
    const members = some.flatMap((query) => query.members);
    if (parameter === null || members.length < sweepFrom) return some;
    const values = members.map(({ value }) => value as string);
    return { tenant, promql: selectAllPromql(parameter, values), mergeParameter: parameter, members, replaces: some };
  });
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
