import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';

export interface PlannedRequest extends SeriesRequest<SeriesNeed['query']> {
  datasource: SeriesNeed['datasource'];
  backend: SeriesNeed['backend'];
}

/**
 * All needs as few requests to datasources: one question per key, its window wide enough for every alarm that asks it (rounded up to a power
 * of two, so that few widths occur), and questions over the same window together. An alarm finds its own, narrower window inside unchanged.
 */
export function planRequests(needs: Iterable<SeriesNeed>): PlannedRequest[] {
  const widest = new Map<string, SeriesNeed>();
  for (const need of needs) {
    const known = widest.get(need.key);
    if (known === undefined || known.periods < need.periods) widest.set(need.key, need);
  }
  const groups = new Map<string, PlannedRequest & { questions: { key: string; query: SeriesNeed['query'] }[] }>();
  for (const { datasource, backend, key, query, granularityS, periods, lagS, ownWindow } of widest.values()) {
    const width = ownWindow ? periods : nextPowerOfTwo(periods);
    const groupKey = JSON.stringify([datasource, backend, granularityS, width, lagS]);
    const group = groups.get(groupKey) ?? { datasource, backend, granularityS, periods: width, lagS, questions: [] };
    group.questions.push({ key, query });
    groups.set(groupKey, group);
  }
  return [...groups.values()];
}

function nextPowerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
