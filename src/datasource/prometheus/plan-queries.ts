import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { withEnforcedLabel } from './promql/enforce.js';
import { groupByHole, holesOf, mergedPromql, sweepingPromql, type Hole } from './promql/merge.js';

/** What keeps projects apart. */
export type Tenancy =
  | { kind: 'label'; label: string }
  | { kind: 'header'; header: string; adminTenant: string | undefined }
  | { kind: 'none' };

export interface Question {
  key: string;
  query: PrometheusQuery;
}

/** One query text, and the questions that it answers. */
export interface Member {
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
  hole: Hole | null;
  members: readonly Member[];
  /**
   * Of a sweep, which asks for every value of the label, the members' and others': the queries in whose place it
   * stands.
   */
  insteadOf?: readonly PlannedQuery[];
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
const READ_AT_ONCE = 64;
/** Of queries that have been read. */
const PLANNED_AT_ONCE = 2_000;

/**
 * Which requests it takes to ask all this: the same for the same questions. Where `sweepFrom` queries have a hole in
 * common, it is a sweep in the first place. Pauses while it reads many.
 */
export async function planQueries(
  questions: readonly Question[],
  tenancy: Tenancy,
  sweepFrom: number,
): Promise<QueryPlan> {
  const refused = new Map<string, BackendAnswer>();
  const texts = new Map<string | null, Map<string, Asked>>();
  for (const [index, { key, query }] of questions.entries()) {
    if (index % READ_AT_ONCE === READ_AT_ONCE - 1) await yieldToEventLoop();
    const scoped = scopedTo(query, tenancy);
    if ('problem' in scoped) {
      refused.set(key, { kind: 'refused', reason: scoped.problem });
      continue;
    }
    const ofTenant = getOrAdd(texts, scoped.tenant, () => new Map<string, Asked>());
    const { promql } = scoped;
    getOrAdd(ofTenant, promql, () => ({
      written: query.promql,
      project: query.project,
      keys: [],
      holes: holesIn(promql),
    })).keys.push(key);
  }
  const queries: PlannedQuery[] = [];
  for (const [tenant, asked] of texts)
    for (const query of sweeping(await merging(tenant, asked), sweepFrom)) queries.push(query);
  return { queries, refused };
}

/** Two queries that ask between them what one asks; the same one, where there is nothing to halve. */
export function halves(query: PlannedQuery): PlannedQuery[] {
  const { tenant, hole, members } = query;
  if (members.length === 1) return [query];
  const middle = Math.ceil(members.length / 2);
  return [members.slice(0, middle), members.slice(middle)].map((some) => together(tenant, hole, some));
}

/** Of members, at least one, that have the hole in common. */
function together(tenant: string | null, hole: Hole | null, members: readonly Member[]): PlannedQuery {
  const [first] = members as readonly [Member];
  if (hole === null || members.length === 1) return { tenant, promql: first.promql, hole: null, members };
  const values = members.map(({ value }) => value as string);
  return { tenant, promql: mergedPromql(hole, values), hole, members };
}

type Scoped = { promql: string; tenant: string | null } | { problem: string };

/** Fails closed: a project's question is either kept to that project or not asked. */
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

interface Asked {
  written: string;
  project: string | null;
  keys: string[];
  holes: readonly Hole[];
}

function holesIn(promql: string): readonly Hole[] {
  try {
    return holesOf(promql);
  } catch {
    return [];
  }
}

async function merging(tenant: string | null, asked: ReadonlyMap<string, Asked>): Promise<PlannedQuery[]> {
  const texts = [...asked].map(([promql, { holes }]) => ({ key: promql, promql, holes }));
  const queries: PlannedQuery[] = [];
  let planned = 0;
  for (const { hole, members } of await groupByHole(texts, MAX_MEMBERS)) {
    const all = members.map(({ key, value }): Member => {
      const { written, project, keys } = asked.get(key) as Asked;
      return { promql: key, written, value, keys, project };
    });
    for (const some of hole === null ? [all] : inPortions(all)) queries.push(together(tenant, hole, some));
    planned += members.length;
    if (planned < PLANNED_AT_ONCE) continue;
    planned = 0;
    await yieldToEventLoop();
  }
  return queries;
}

/** Where many have a hole in common, a sweep in the place of all of them. */
function sweeping(queries: readonly PlannedQuery[], sweepFrom: number): PlannedQuery[] {
  const byTemplate = new Map<string | null, PlannedQuery[]>();
  for (const query of queries) getOrAdd(byTemplate, query.hole?.template ?? null, () => []).push(query);
  return [...byTemplate.values()].flatMap((some) => {
    const [{ tenant, hole }] = some as [PlannedQuery];
    const members = some.flatMap((query) => query.members);
    if (hole === null || members.length < sweepFrom) return some;
    const values = members.map(({ value }) => value as string);
    return { tenant, promql: sweepingPromql(hole, values), hole, members, insteadOf: some };
  });
}

function inPortions(members: readonly Member[]): Member[][] {
  const portions: Member[][] = [[]];
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
