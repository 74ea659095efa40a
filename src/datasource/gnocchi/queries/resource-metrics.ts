import type { BackendAnswer } from '../../../alarm/series.js';
import type { KeyedQuery } from '../../datasource.js';
import { requestInParts, failureAnswer, type GnocchiFailure } from './requester.js';
import { groupBy } from './chunks.js';
import type { StaggeredCache } from '../../../cache/staggered-cache.js';
import type { FoundResource } from '../client/gnocchi-client.js';
import { projectFilter } from '../project-scope.js';
import { resourceUuid } from '../client/resource-id.js';
import type { QueryOfKind, GnocchiCall } from './gnocchi-call.js';

/** Gnocchi's usual size of a page. */
const MAX_RESOURCES = 500;

export type KeyedResourceQuery = KeyedQuery<QueryOfKind<'resource'>>;

/** Ids of metrics that a project may read, by `metricKey`. */
export type MetricIdCache = StaggeredCache<string>;

/** The key of a query in `MetricIdCache`. */
export function metricKey({ query: { resourceId, metric, project } }: KeyedResourceQuery): string {
  return JSON.stringify([project, resourceId, metric]);
}

/** A query, and the id under which Gnocchi lists its resource; undefined if only Gnocchi knows it. */
interface ResourceLookup {
  keyedQuery: KeyedResourceQuery;
  uuid: string | undefined;
}

/**
 * Looks up the ids of the metrics that the queries name, in one search for many resources, each limited to what the
 * query's project may read. Answers the queries whose resource or metric does not exist.
 */
export async function lookUpMetricIds(
  queries: readonly KeyedResourceQuery[],
  ids: MetricIdCache,
  call: GnocchiCall,
): Promise<void> {
  // Apart, because those of projects fail if Keystone cannot tell the external owner.
  const [unscoped, ofProjects] = [true, false].map((isOpen) =>
    searches(
      queries.filter(({ query: { project } }) => (project === null) === isOpen),
      call,
    ),
  ) as [ResourceLookup[][], ResourceLookup[][]];
  await Promise.all([
    ...unscoped.map((members) => searchFor(members, { ids, call, externalOwner: null })),
    ...(ofProjects.length > 0 ? [searchForProjects(ofProjects, ids, call)] : []),
  ]);
}

async function searchForProjects(
  parts: readonly ResourceLookup[][],
  ids: MetricIdCache,
  call: GnocchiCall,
): Promise<void> {
  const result = await call.externalOwner();
  if (result.kind === 'answer') {
    await Promise.all(parts.map((members) => searchFor(members, { ids, call, externalOwner: result.value })));
  } else for (const { keyedQuery } of parts.flat()) call.setAnswer(keyedQuery, failureAnswer(result));
}

interface SearchContext {
  ids: MetricIdCache;
  call: GnocchiCall;
  externalOwner: string | null;
}

async function searchFor(members: readonly ResourceLookup[], context: SearchContext): Promise<void> {
  await requestInParts(
    members,
    (part) => searchIn(part, context),
    ({ keyedQuery }, failure) => context.call.setAnswer(keyedQuery, failureAnswer(failure)),
  );
}

async function searchIn(
  members: readonly ResourceLookup[],
  { ids, call, externalOwner }: SearchContext,
): Promise<GnocchiFailure | undefined> {
  for (let open = members; open.length > 0;) {
    const filter = filterFor(open, externalOwner);
    const result = await call.requester.request(
      (client, options) => client.searchResources(filter, ['id', 'metrics'], options),
      {
        sharedBy: open.length,
        tickets: open.map(({ keyedQuery }) => keyedQuery),
      },
    );
    if (result.kind !== 'answer') return result;
    const unfound = keepFound(open, result.value, { ids, call });
    // Gnocchi limits the size of a page by its own configuration, so the rest is searched again.
    if (unfound.length === open.length) {
      for (const { keyedQuery } of unfound) call.setAnswer(keyedQuery, noResource(keyedQuery));
      return undefined;
    }
    open = unfound;
  }
  return undefined;
}

/** Stores the ids of the metrics found, and returns the lookups whose resource is not among those found. */
function keepFound(
  members: readonly ResourceLookup[],
  found: readonly FoundResource[],
  { ids, call }: { ids: MetricIdCache; call: GnocchiCall },
): ResourceLookup[] {
  const metricsOf = new Map(found.map(({ id, metrics = {} }) => [id, metrics]));
  return members.filter(({ keyedQuery, uuid = found[0]?.id ?? '' }) => {
    const metrics = metricsOf.get(uuid);
    if (metrics === undefined) return true;
    const { metric } = keyedQuery.query;
    const id = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
    if (typeof id === 'string') ids.set(metricKey(keyedQuery), id);
    else call.setAnswer(keyedQuery, noMetric(keyedQuery));
    return false;
  });
}

/**
 * Groups lookups into searches. A search has no resource for two projects, since the answer does not tell for which of
 * them it was found.
 */
function searches(queries: readonly KeyedResourceQuery[], call: GnocchiCall): ResourceLookup[][] {
  const open: { members: ResourceLookup[]; projects: Map<string, string | null> }[] = [];
  const all: ResourceLookup[][] = [];
  for (const keyedQuery of queries) {
    const { resourceId, project } = keyedQuery.query;
    const uuid = project === '' ? null : resourceUuid(resourceId, call.creator);
    if (uuid === null) call.setAnswer(keyedQuery, noResource(keyedQuery));
    else if (uuid === undefined) all.push([{ keyedQuery, uuid }]);
    else {
      let room = open.find(({ projects }) => !projects.has(uuid) || projects.get(uuid) === project);
      if (room === undefined) {
        room = { members: [], projects: new Map() };
        open.push(room);
        all.push(room.members);
      }
      room.members.push({ keyedQuery, uuid });
      room.projects.set(uuid, project);
      if (room.members.length >= MAX_RESOURCES) open.splice(open.indexOf(room), 1);
    }
  }
  return all;
}

function filterFor(members: readonly ResourceLookup[], externalOwner: string | null): object {
  const byProject = groupBy(members, ({ keyedQuery }) => JSON.stringify(keyedQuery.query.project));
  const branches = [...byProject.values()].map((some) => {
    const found = { in: { id: [...new Set(some.map(({ uuid, keyedQuery }) => uuid ?? keyedQuery.query.resourceId))] } };
    const allowed = projectFilter(some[0]!.keyedQuery.query.project, externalOwner);
    return allowed === undefined ? found : { and: [found, allowed] };
  });
  return branches.length === 1 ? branches[0]! : { or: branches };
}

function noResource({ query: { resourceId } }: KeyedResourceQuery): BackendAnswer {
  return { kind: 'absent', reason: `resource ${resourceId} does not exists` };
}

function noMetric({ query: { metric, resourceId } }: KeyedResourceQuery): BackendAnswer {
  return { kind: 'absent', reason: `metric ${metric} for resource ${resourceId} does not exists` };
}
