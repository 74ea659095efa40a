import type { SeriesNeed } from '../alarm/series.js';
import type { SeriesRequest } from '../datasource/datasource.js';

/** More questions than this do not go into one request: an answer must stay digestible, and a failure must not take too many alarms along. */
export const MAX_QUESTIONS = 500;

export interface PlannedRequest extends SeriesRequest {
  datasource: SeriesNeed['datasource'];
}

/**
 * The fewest requests that answer all needs: one question per key, its window wide enough for every alarm that asks it
 * (rounded up to a power of two, so that few widths occur), and questions over the same periods merged.
 * Windows end at one moment and are whole periods long, so an alarm finds its own, narrower window inside unchanged.
 */
export function planRequests(needs: Iterable<SeriesNeed>): PlannedRequest[] {
  const widest = new Map<string, SeriesNeed>();
  for (const need of needs) {
    const known = widest.get(need.key);
    if (known === undefined || known.periods < need.periods) widest.set(need.key, need);
  }
  const groups = new Map<string, PlannedRequest & { questions: { key: string; query: SeriesNeed['query'] }[] }>();
  const full: PlannedRequest[] = [];
  for (const { datasource, key, query, granularityS, periods } of widest.values()) {
    const width = nextPowerOfTwo(periods);
    const groupKey = `${datasource} ${granularityS} ${width}`;
    const group = groups.get(groupKey) ?? { datasource, granularityS, periods: width, questions: [] };
    group.questions.push({ key, query });
    groups.set(groupKey, group);
    if (group.questions.length === MAX_QUESTIONS) {
      full.push(group);
      groups.delete(groupKey);
    }
  }
  return [...full, ...groups.values()];
}

function nextPowerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(n));
}
