import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';
import { inPieces } from '../async/in-pieces.js';

export interface PlannedRequest extends SeriesRequest<SeriesNeed['query']> {
  datasource: SeriesNeed['datasource'];
  backend: SeriesNeed['backend'];
}

/** The ticketed of an alarm among the due alarms. */
export interface AlarmTicket {
  ticket: number;
  projectId: string;
}

/**
 * All needs as few requests to datasources: one question per key, its window wide enough for every alarm that asks it
 * (rounded up to a power of two, so that few widths occur), and questions over the same window together. An alarm finds
 * its own, narrower window inside unchanged. `tickets`: one for each need, of its alarm; absent for API requests.
 */
export async function planRequests(
  needs: readonly SeriesNeed[],
  tickets: readonly AlarmTicket[] = [],
): Promise<PlannedRequest[]> {
  const widest = new Map<string, PlannedNeed>();
  const projectSets = new Map<string, ReadonlySet<string>>();
  let index = 0;
  for await (const piece of inPieces(needs))
    for (const need of piece) widen(widest, need, ticketIn(projectSets, tickets[index++]));
  const groups = new Map<string, RequestGroup>();
  let group: RequestGroup | undefined;
  for await (const piece of inPieces([...widest.values()])) {
    for (const { need, question } of piece) {
      group = groupOf(need, groups, group);
      group.questions.push(question);
    }
  }
  return [...groups.values()];
}

type RequestQuery = PlannedRequest['questions'][number];

interface PlannedNeed {
  need: SeriesNeed;
  question: RequestQuery & { ticket?: number; projects?: ReadonlySet<string> };
}

interface QueryTicket {
  ticket: number;
  projects: ReadonlySet<string>;
}

/** Most queries are of one project. They share one set for each project. */
function ticketIn(
  projectSets: Map<string, ReadonlySet<string>>,
  ticketed: AlarmTicket | undefined,
): QueryTicket | undefined {
  if (ticketed === undefined) return undefined;
  const projects = projectSets.get(ticketed.projectId) ?? new Set([ticketed.projectId]);
  projectSets.set(ticketed.projectId, projects);
  return { ticket: ticketed.ticket, projects };
}

/** The ticketed of a query: the lowest ticket of its alarms, and all their projects. */
function widen(widest: Map<string, PlannedNeed>, need: SeriesNeed, ticketed: QueryTicket | undefined): void {
  const known = widest.get(need.key);
  if (known === undefined) {
    widest.set(need.key, { need, question: { key: need.key, query: need.query, ...ticketed } });
    return;
  }
  const { question } = known;
  if (known.need.periods < need.periods) known.need = need;
  if (ticketed === undefined || question.ticket === undefined || question.projects === undefined) return;
  if (ticketed.ticket < question.ticket) question.ticket = ticketed.ticket;
  if (ticketed.projects !== question.projects && !isWithin(ticketed.projects, question.projects))
    question.projects = new Set([...question.projects, ...ticketed.projects]);
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  for (const one of some) if (!all.has(one)) return false;
  return true;
}

interface RequestGroup extends PlannedRequest {
  questions: RequestQuery[];
}

/** Spares most needs the group's key, for they come after another of their group, `latest`. */
function groupOf(need: SeriesNeed, groups: Map<string, RequestGroup>, latest: RequestGroup | undefined): RequestGroup {
  const { datasource, backend, granularityS, lagS } = need;
  const periods = need.ownWindow ? need.periods : nextPowerOfTwo(need.periods);
  if (latest !== undefined && isOver(latest, need, periods)) return latest;
  const groupKey = JSON.stringify([datasource, backend, granularityS, periods, lagS]);
  const group = groups.get(groupKey) ?? { datasource, backend, granularityS, periods, lagS, questions: [] };
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
