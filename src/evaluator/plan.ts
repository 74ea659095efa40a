import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';
import { inChunks } from '../async/event-loop.js';

export interface PlannedRequest extends SeriesRequest<SeriesNeed['query']> {
  datasource: SeriesNeed['datasource'];
  backend: SeriesNeed['backend'];
}

/** The place of an alarm among the due alarms. */
export interface AlarmPlace {
  ticket: number;
  projectId: string;
}

/**
 * All needs as few requests to datasources: one question per key, its window wide enough for every alarm that asks it
 * (rounded up to a power of two, so that few widths occur), and questions over the same window together. An alarm finds
 * its own, narrower window inside unchanged. `places`: one for each need, of its alarm; absent for API requests.
 */
export async function planRequests(
  needs: readonly SeriesNeed[],
  places: readonly AlarmPlace[] = [],
): Promise<PlannedRequest[]> {
  const widest = new Map<string, Asked>();
  const alone = new Map<string, ReadonlySet<string>>();
  let index = 0;
  for await (const piece of inChunks(needs))
    for (const need of piece) widen(widest, need, placeIn(alone, places[index++]));
  const groups = new Map<string, Group>();
  let group: Group | undefined;
  for await (const piece of inChunks([...widest.values()])) {
    for (const { need, question } of piece) {
      group = groupOf(need, groups, group);
      group.queries.push(question);
    }
  }
  return [...groups.values()];
}

type Question = PlannedRequest['queries'][number];

interface Asked {
  need: SeriesNeed;
  question: Question & { ticket?: number; projects?: ReadonlySet<string> };
}

interface Place {
  ticket: number;
  projects: ReadonlySet<string>;
}

/** Most queries are of one project. They share one set for each project. */
function placeIn(alone: Map<string, ReadonlySet<string>>, place: AlarmPlace | undefined): Place | undefined {
  if (place === undefined) return undefined;
  const projects = alone.get(place.projectId) ?? new Set([place.projectId]);
  alone.set(place.projectId, projects);
  return { ticket: place.ticket, projects };
}

/** The place of a query: the lowest ticket of its alarms, and all their projects. */
function widen(widest: Map<string, Asked>, need: SeriesNeed, place: Place | undefined): void {
  const known = widest.get(need.key);
  if (known === undefined) {
    widest.set(need.key, { need, question: { key: need.key, query: need.query, ...place } });
    return;
  }
  const { question } = known;
  if (known.need.periods < need.periods) known.need = need;
  if (place === undefined || question.ticket === undefined || question.projects === undefined) return;
  if (place.ticket < question.ticket) question.ticket = place.ticket;
  if (place.projects !== question.projects && !isWithin(place.projects, question.projects))
    question.projects = new Set([...question.projects, ...place.projects]);
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}

interface Group extends PlannedRequest {
  queries: Question[];
}

/** Spares most needs the group's key, for they come after another of their group, `latest`. */
function groupOf(need: SeriesNeed, groups: Map<string, Group>, latest: Group | undefined): Group {
  const { datasource, backend, granularityS, lagS } = need;
  const periods = need.ownWindow ? need.periods : nextPowerOfTwo(need.periods);
  if (latest !== undefined && isOver(latest, need, periods)) return latest;
  const groupKey = JSON.stringify([datasource, backend, granularityS, periods, lagS]);
  const group = groups.get(groupKey) ?? { datasource, backend, granularityS, periods, lagS, queries: [] };
  groups.set(groupKey, group);
  return group;
}

function isOver(group: Group, { datasource, backend, granularityS, lagS }: SeriesNeed, periods: number): boolean {
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
