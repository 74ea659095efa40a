import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';
import { inChunks } from '../async/event-loop.js';

/** A request to one datasource, with all queries that it can answer together. */
export interface PlannedRequest extends SeriesRequest<SeriesNeed['query']> {
  datasource: SeriesNeed['datasource'];
  backend: SeriesNeed['backend'];
}

/** The ticket of an alarm and the project that its requests count for. */
export interface AlarmTicket {
  ticket: number;
  projectId: string;
}

/**
 * Turns needs into as few requests as possible: one query for each key, with a window wide enough for all alarms that
 * share it, and one request for all queries over the same window. Windows are rounded up to a power of two, so that few
 * widths occur. A narrower window is a part of a wider one. `tickets`: one for each need, of its alarm; absent for API
 * requests and retries.
 */
export async function planRequests(
  needs: readonly SeriesNeed[],
  tickets: readonly AlarmTicket[] = [],
): Promise<PlannedRequest[]> {
  const widest = new Map<string, PlannedNeed>();
  const projectSets = new Map<string, ReadonlySet<string>>();
  let index = 0;
  for await (const piece of inChunks(needs))
    for (const need of piece) widen(widest, need, ticketIn(projectSets, tickets[index++]));
  const groups = new Map<string, RequestGroup>();
  let group: RequestGroup | undefined;
  for await (const piece of inChunks([...widest.values()])) {
    for (const { need, query } of piece) {
      group = groupOf(need, groups, group);
      group.queries.push(query);
    }
  }
  return [...groups.values()];
}

type RequestQuery = PlannedRequest['queries'][number];

interface PlannedNeed {
  need: SeriesNeed;
  query: RequestQuery & { ticket?: number; projects?: ReadonlySet<string> };
}

interface QueryTicket {
  ticket: number;
  projects: ReadonlySet<string>;
}

/** Most queries belong to one project. They share one set for each project. */
function ticketIn(
  projectSets: Map<string, ReadonlySet<string>>,
  alarmTicket: AlarmTicket | undefined,
): QueryTicket | undefined {
  if (alarmTicket === undefined) return undefined;
  const projects = projectSets.get(alarmTicket.projectId) ?? new Set([alarmTicket.projectId]);
  projectSets.set(alarmTicket.projectId, projects);
  return { ticket: alarmTicket.ticket, projects };
}

/** Adds a need to the query of its key. The query has the lowest ticket of its alarms, and all their projects. */
function widen(widest: Map<string, PlannedNeed>, need: SeriesNeed, queryTicket: QueryTicket | undefined): void {
  const known = widest.get(need.key);
  if (known === undefined) {
    widest.set(need.key, { need, query: { key: need.key, query: need.query, ...queryTicket } });
    return;
  }
  const { query } = known;
  if (known.need.periods < need.periods) known.need = need;
  if (queryTicket === undefined || query.ticket === undefined || query.projects === undefined) return;
  if (queryTicket.ticket < query.ticket) query.ticket = queryTicket.ticket;
  if (queryTicket.projects !== query.projects && !isWithin(queryTicket.projects, query.projects))
    query.projects = new Set([...query.projects, ...queryTicket.projects]);
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}

interface RequestGroup extends PlannedRequest {
  queries: RequestQuery[];
}

/**
 * The request for a need. `latest` saves the computation of the key: most needs belong to the same request as the one
 * before.
 */
function groupOf(need: SeriesNeed, groups: Map<string, RequestGroup>, latest: RequestGroup | undefined): RequestGroup {
  const { datasource, backend, granularityS, lagS } = need;
  const periods = need.ownWindow ? need.periods : nextPowerOfTwo(need.periods);
  if (latest !== undefined && isOver(latest, need, periods)) return latest;
  const groupKey = JSON.stringify([datasource, backend, granularityS, periods, lagS]);
  const group = groups.get(groupKey) ?? { datasource, backend, granularityS, periods, lagS, queries: [] };
  groups.set(groupKey, group);
  return group;
}

function isOver(
  group: RequestGroup,
  { datasource, backend, granularityS, lagS }: SeriesNeed,
  periods: number,
): boolean {
  return (
    group.periods === periods &&
    group.granularityS === granularityS &&
    group.lagS === lagS &&
    group.datasource === datasource &&
    group.backend === backend
  );
}

function nextPowerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
