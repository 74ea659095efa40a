import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';
import { inPieces } from '../in-pieces.js';

export interface PlannedRequest extends SeriesRequest<SeriesNeed['query']> {
  datasource: SeriesNeed['datasource'];
  backend: SeriesNeed['backend'];
}

/**
 * All needs as few requests to datasources: one question per key, its window wide enough for every alarm that asks it (rounded up to a power
 * of two, so that few widths occur), and questions over the same window together. An alarm finds its own, narrower window inside unchanged.
 */
export async function planRequests(needs: readonly SeriesNeed[]): Promise<PlannedRequest[]> {
  const widest = new Map<string, SeriesNeed>();
  for await (const piece of inPieces(needs)) for (const need of piece) widen(widest, need);
  const groups = new Map<string, Group>();
  let group: Group | undefined;
  for await (const piece of inPieces([...widest.values()])) {
    for (const need of piece) {
      group = groupOf(need, groups, group);
      group.questions.push(need);
    }
  }
  return [...groups.values()];
}

function widen(widest: Map<string, SeriesNeed>, need: SeriesNeed): void {
  const known = widest.get(need.key);
  if (known === undefined || known.periods < need.periods) widest.set(need.key, need);
}

interface Group extends PlannedRequest {
  questions: { key: string; query: SeriesNeed['query'] }[];
}

/** Spares most needs the group's key, for they come after another of their group, `latest`. */
function groupOf(need: SeriesNeed, groups: Map<string, Group>, latest: Group | undefined): Group {
  const { datasource, backend, granularityS, lagS } = need;
  const periods = need.ownWindow ? need.periods : nextPowerOfTwo(need.periods);
  if (latest !== undefined && isOver(latest, need, periods)) return latest;
  const groupKey = JSON.stringify([datasource, backend, granularityS, periods, lagS]);
  const group = groups.get(groupKey) ?? { datasource, backend, granularityS, periods, lagS, questions: [] };
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
