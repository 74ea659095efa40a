import { LruMap } from '../../cache/lru-map.js';
import { answeredWith, unavailableAnswer, type AnsweredQuery } from './answered-query.js';
import type { PlannedQuery } from './plan-queries.js';
import { seriesOf } from './points.js';
import { selectAllPromql } from './promql/merge.js';
import { selectorQueriesOf } from './promql/selector-queries.js';
import { sendQuery, type PrometheusCall } from './send-query.js';
import { splitAnswer } from './split-answer.js';

/**
 * Select-all queries. Reading all existing series costs Prometheus half as much per series as selecting them by their
 * names, and one request. So it is worth it only if nearly all series are wanted.
 */
export interface SelectAll {
  /** Replaces queries that share a merge parameter with a select-all query, if they have enough members. */
  plan(queries: readonly PlannedQuery[]): PlannedQuery[];
  /**
   * Sends a select-all query, if it is worth it. Undefined if the queries that it replaces are to be sent now. It can
   * fail where those do not, so it is sent once, and any failure is attributed to it. Never rejects.
   */
  answer(query: PlannedQuery, call: PrometheusCall): Promise<AnsweredQuery | undefined>;
}

/** When a select-all query is worth it. */
export interface SelectAllOptions {
  /** With fewer members, counting the series costs more than is saved. */
  fromMembers: number;
  /** With more series per member, reading the unwanted series costs more than is saved. */
  maxSeriesPerMember: number;
}

/**
 * Measured with values of six characters, which are the cheapest to select by name. For longer values it would be worth
 * it with many more series.
 */
export const SELECT_ALL_DEFAULTS: SelectAllOptions = { fromMembers: 500, maxSeriesPerMember: 1.25 };

/** Most series of an answer: reading more would block the event loop for over a third of a second. */
const MAX_SERIES = 100_000;
const MAX_SELECT_ALL_BYTES = 16 * 1024 * 1024;
/**
 * Timeout of a count. A longer one would cost Prometheus more than a select-all query can save; on a busy machine,
 * counting 100,000 series takes about a second.
 */
const COUNT_MS = 2_000;
const COUNT_AGAIN_AFTER_MS = 3_600_000;
const MAX_COUNTS = 2_000;

/** Creates the select-all queries of one Prometheus. */
export function createSelectAll(options: SelectAllOptions): SelectAll {
  const policy = createPolicy(options);
  return {
    plan: (queries) => withSelectAll(queries, options.fromMembers),
    async answer(query, call) {
      if (!(await policy.isWorthIt(query, call))) return undefined;
      const result = await sendQuery(query, call, { maxBytes: MAX_SELECT_ALL_BYTES, hasFallback: true });
      if (result.kind === 'result' && result.isComplete && (await splitAnswer(query, result.entries, call))) {
        policy.recordSeries(query, result.entries.length, call);
        return { nextQueries: [query], isConclusive: true };
      }
      if (result.kind === 'outage' && result.isUnsent) return answeredWith(unavailableAnswer(result), query, call);
      policy.recordFailure(query, call);
      // An error answer may mean that the query was too much for a proxy. Without any answer, the time is used up.
      if (result.kind === 'outage' && !result.hasAnswered)
        return { ...answeredWith(unavailableAnswer(result), query, call), nextQueries: query.replaces ?? [] };
      return undefined;
    },
  };
}

function withSelectAll(queries: readonly PlannedQuery[], fromMembers: number): PlannedQuery[] {
  const byTemplate = new Map<string, PlannedQuery[]>();
  for (const query of queries) {
    const key = JSON.stringify([query.tenant, query.mergeParameter?.template]);
    const known = byTemplate.get(key);
    if (known) known.push(query);
    else byTemplate.set(key, [query]);
  }
  return [...byTemplate.values()].flatMap((replaces) => {
    const [{ tenant, mergeParameter }] = replaces as [PlannedQuery];
    const members = replaces.flatMap((query) => query.members);
    if (mergeParameter === null || members.length < fromMembers) return replaces;
    const values = members.map(({ value }) => value as string);
    return { tenant, promql: selectAllPromql(mergeParameter, values), mergeParameter, members, replaces };
  });
}

/** Decides when a select-all query is worth it: series are counted once an hour, and each answer updates the count. */
interface SelectAllPolicy {
  /** Counts the series if their number is unknown. Never rejects. */
  isWorthIt(query: PlannedQuery, call: PrometheusCall): Promise<boolean>;
  /** Records how many series an answer had. */
  recordSeries(query: PlannedQuery, series: number, call: PrometheusCall): void;
  /** Records a failure. A query that names its series might not fail for the same reason. */
  recordFailure(query: PlannedQuery, call: PrometheusCall): void;
}

interface SeriesCount {
  /** Infinite if counting or a select-all query failed. */
  series: number;
  /** With fewer members, the query reads too many unwanted series; NaN if they could not be counted. */
  leastMembers: number;
  /** The moment of the count or failure, in milliseconds. */
  atMs: number;
}

function createPolicy({ maxSeriesPerMember }: SelectAllOptions): SelectAllPolicy {
  const counts = new LruMap<SeriesCount>(MAX_COUNTS);

  function isFew(query: PlannedQuery, series: number): boolean {
    return series <= Math.min(query.members.length * maxSeriesPerMember, MAX_SERIES);
  }

  /**
   * If a comparison or an aggregation leaves few series, the size of the answer says little about its cost. So the
   * series that the query reads are compared too.
   */
  async function measure(query: PlannedQuery, call: PrometheusCall): Promise<Omit<SeriesCount, 'atMs'>> {
    const { promql, members, replaces = [] } = query;
    const series = await countSeries(query, call);
    if (!isFew(query, series) || selectorQueriesOf(promql)[0] === promql) return { series, leastMembers: 0 };
    const read = await countSelected([query], call);
    if (isFew(query, read)) return { series, leastMembers: read / maxSeriesPerMember };
    const readByMember = (await countSelected(replaces, call)) / members.length;
    return { series, leastMembers: read / (readByMember * maxSeriesPerMember) };
  }

  return {
    async isWorthIt(query, call) {
      if (call.times.stepS !== 0) return false;
      const one = counts.get(nameOf(query));
      const now = call.context.now.getTime();
      const isKnown = one && Math.abs(now - one.atMs) < COUNT_AGAIN_AFTER_MS;
      const { series, leastMembers } = isKnown ? one : await measure(query, call);
      // A request that was not sent in time says nothing about the series.
      if (!isKnown && call.context.sendBy?.aborted) return false;
      if (!isKnown) counts.set(nameOf(query), { series, leastMembers, atMs: now });
      return isFew(query, series) && query.members.length >= leastMembers;
    },
    recordSeries: (query, series, { context }) =>
      counts.set(nameOf(query), { leastMembers: 0, atMs: context.now.getTime(), ...counts.get(nameOf(query)), series }),
    recordFailure: (query, { context }) =>
      counts.set(nameOf(query), { series: Infinity, leastMembers: 0, atMs: context.now.getTime() }),
  };
}

/**
 * The number of series that the selectors of these queries read. NaN if one of them could not be counted, for which all
 * comparisons are false.
 */
async function countSelected(queries: readonly PlannedQuery[], call: PrometheusCall): Promise<number> {
  const selected = queries.flatMap(({ tenant, promql }) =>
    selectorQueriesOf(promql).map((selector) => ({ tenant, promql: selector })),
  );
  const counts = await Promise.all(selected.map((query) => countSeries(query, call)));
  return counts.every(Number.isFinite) ? counts.reduce((sum, count) => sum + count, 0) : NaN;
}

function nameOf({ tenant, promql }: PlannedQuery): string {
  return JSON.stringify([tenant, promql]);
}

async function countSeries(
  { tenant, promql }: Pick<PlannedQuery, 'tenant' | 'promql'>,
  call: PrometheusCall,
): Promise<number> {
  const result = await sendQuery({ tenant, promql: `count(${promql})` }, call, {
    atMostMs: COUNT_MS,
    hasFallback: true,
  });
  if (result.kind !== 'result' || !result.isComplete) return Infinity;
  if (result.entries.length === 0) return 0;
  const answer = seriesOf(result.entries, call.times);
  return (answer.kind === 'series' ? answer.series[0]?.[0]?.values['value'] : undefined) ?? Infinity;
}
