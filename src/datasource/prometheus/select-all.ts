import { sendQuery, type PrometheusCall } from './send-query.js';
import type { PlannedQuery } from './plan-queries.js';
import { seriesOf } from './points.js';
import { selectorQueriesOf } from './promql/selector-queries.js';

/**
 * Which sweeps are worth it: to ask for all series there are costs Prometheus half of what it costs to ask for as many
 * by their names, and one request. So it is worth it only where nearly all are wanted, which is found out by counting
 * once an hour, and seen from every answer in between.
 */
export interface SelectAllPolicy {
  /** Counts the series, if it is not known how many there are. Never rejects. */
  isWorthIt(query: PlannedQuery, call: PrometheusCall): Promise<boolean>;
  /** So many series came. */
  recordSeries(query: PlannedQuery, series: number, call: PrometheusCall): void;
  /** Whatever the reason is, it may be one that a query for the members alone does not have. */
  recordFailure(query: PlannedQuery, call: PrometheusCall): void;
}

export interface SelectAllOptions {
  /** For fewer it is not worth finding out how many series there are. */
  fromMembers: number;
  /** With more, those that nobody wants cost more than is saved. */
  maxSeriesPerMember: number;
}

/**
 * Measured with values of six characters, which are the cheapest to name: for longer ones it would pay with many more
 * series.
 */
export const SELECT_ALL_DEFAULTS: SelectAllOptions = { fromMembers: 500, maxSeriesPerMember: 1.25 };

/** Of an answer: reading it keeps the process from everything else for as long as a third of a second. */
const MAX_SERIES = 100_000;
export const MAX_SELECT_ALL_BYTES = 16 * 1024 * 1024;
/**
 * More would take Prometheus longer to count than a sweep can ever save; on a busy machine, 100,000 take it about a
 * second.
 */
const COUNT_MS = 2_000;
const COUNT_AGAIN_AFTER_MS = 3_600_000;
const MAX_REMEMBERED = 2_000;

interface SeriesCount {
  /** Infinite where it could not be found out, or where a sweep has failed. */
  series: number;
  /** For fewer, it reads too much that nobody wants; NaN where that could not be found out. */
  leastMembers: number;
  /** When it was counted, or failed. */
  atMs: number;
}

export function createSelectAllPolicy({ maxSeriesPerMember }: SelectAllOptions): SelectAllPolicy {
  const known = new Map<string, SeriesCount>();

  function remember(query: PlannedQuery, one: SeriesCount): void {
    const name = nameOf(query);
    known.delete(name);
    known.set(name, one);
    for (const oldest of known.keys()) {
      if (known.size <= MAX_REMEMBERED) break;
      known.delete(oldest);
    }
  }

  function isFew(query: PlannedQuery, series: number): boolean {
    return series <= Math.min(query.members.length * maxSeriesPerMember, MAX_SERIES);
  }

  /**
   * Where a comparison or an aggregation leaves few, an answer says little of what it takes: so what is read is
   * compared, too.
   */
  async function find(query: PlannedQuery, call: PrometheusCall): Promise<Omit<SeriesCount, 'atMs'>> {
    const { promql, members, replaces: insteadOf = [] } = query;
    const series = await countSeries(query, call);
    if (!isFew(query, series) || selectorQueriesOf(promql)[0] === promql) return { series, leastMembers: 0 };
    const read = await countSelected([query], call);
    if (isFew(query, read)) return { series, leastMembers: read / maxSeriesPerMember };
    const readByMember = (await countSelected(insteadOf, call)) / members.length;
    return { series, leastMembers: read / (readByMember * maxSeriesPerMember) };
  }

  return {
    async isWorthIt(query, call) {
      if (call.times.stepS !== 0) return false;
      const one = known.get(nameOf(query));
      const now = call.context.now.getTime();
      const isKnown = one && Math.abs(now - one.atMs) < COUNT_AGAIN_AFTER_MS;
      const { series, leastMembers } = isKnown ? one : await find(query, call);
      // A request that was not sent in time says nothing about the series.
      if (!isKnown && call.context.sendBy?.aborted) return false;
      if (!isKnown) remember(query, { series, leastMembers, atMs: now });
      return isFew(query, series) && query.members.length >= leastMembers;
    },
    recordSeries: (query, series, { context }) =>
      remember(query, { leastMembers: 0, atMs: context.now.getTime(), ...known.get(nameOf(query)), series }),
    recordFailure: (query, { context }) =>
      remember(query, { series: Infinity, leastMembers: 0, atMs: context.now.getTime() }),
  };
}

/** NaN, with which nothing compares, if one of them could not be counted. */
async function countSelected(queries: readonly PlannedQuery[], call: PrometheusCall): Promise<number> {
  const readings = queries.flatMap(({ tenant, promql }) =>
    selectorQueriesOf(promql).map((reading) => ({ tenant, promql: reading })),
  );
  const counts = await Promise.all(readings.map((reading) => countSeries(reading, call)));
  return counts.every(Number.isFinite) ? counts.reduce((sum, count) => sum + count, 0) : NaN;
}

function nameOf({ tenant, promql }: PlannedQuery): string {
  return JSON.stringify([tenant, promql]);
}

async function countSeries(
  { tenant, promql }: Pick<PlannedQuery, 'tenant' | 'promql'>,
  call: PrometheusCall,
): Promise<number> {
  const asked = await sendQuery({ tenant, promql: `count(${promql})` }, call, {
    atMostMs: COUNT_MS,
    hasFallback: true,
  });
  if (asked.kind !== 'result' || !asked.isComplete) return Infinity;
  if (asked.entries.length === 0) return 0;
  const answer = seriesOf(asked.entries, call.times);
  return (answer.kind === 'series' ? answer.series[0]?.[0]?.values['value'] : undefined) ?? Infinity;
}
