import { askOnce, type Round } from './ask-once.js';
import type { PlannedQuery } from './plan-queries.js';
import { seriesOf } from './points.js';

/**
 * Which sweeps are worth it: to ask for all series there are costs Prometheus half of what it costs to ask for as many by their names, and one
 * request. So it is worth it only where nearly all are wanted, which is found out by counting, and seen from every answer thereafter.
 */
export interface Sweeps {
  /** Counts the series, if it is not known how many there are. Never rejects. */
  isWorthIt(query: PlannedQuery, round: Round): Promise<boolean>;
  /** So many series came. */
  saw(query: PlannedQuery, series: number, round: Round): void;
  /** Whatever the reason is, it may be one that a query for the members alone does not have. */
  failed(query: PlannedQuery, round: Round): void;
}

export interface Sweeping {
  /** For fewer it is not worth finding out how many series there are. */
  fromMembers: number;
  /** With more, those that nobody wants cost more than is saved. */
  maxSeriesPerMember: number;
}

/** Measured with values of six characters, which are the cheapest to name: for longer ones it would pay with many more series. */
export const SWEEPING: Sweeping = { fromMembers: 500, maxSeriesPerMember: 1.25 };

/** Of an answer: reading it keeps the process from everything else for as long as a third of a second. */
const MAX_SERIES = 100_000;
export const MAX_SWEEP_BYTES = 32 * 1024 * 1024;
/** More would take Prometheus longer to count than a sweep can ever save. */
const COUNT_MS = 1_000;
const COUNT_AGAIN_AFTER_MS = 3_600_000;
const MAX_REMEMBERED = 2_000;

interface Known {
  /** Infinite where it could not be found out, or where a sweep has failed. */
  series: number;
  atMs: number;
}

export function createSweeps({ maxSeriesPerMember }: Sweeping): Sweeps {
  const known = new Map<string, Known>();

  function remember(query: PlannedQuery, series: number, { asking }: Round): void {
    const name = nameOf(query);
    known.delete(name);
    known.set(name, { series, atMs: asking.now.getTime() });
    for (const oldest of known.keys()) {
      if (known.size <= MAX_REMEMBERED) break;
      known.delete(oldest);
    }
  }

  return {
    async isWorthIt(query, round) {
      if (round.moments.stepS !== 0) return false;
      const one = known.get(nameOf(query));
      const isKnown = one && Math.abs(round.asking.now.getTime() - one.atMs) < COUNT_AGAIN_AFTER_MS;
      const series = isKnown ? one.series : await counted(query, round);
      if (!isKnown) remember(query, series, round);
      return series <= Math.min(query.members.length * maxSeriesPerMember, MAX_SERIES);
    },
    saw: remember,
    failed: (query, round) => remember(query, Infinity, round),
  };
}

function nameOf({ tenant, promql }: PlannedQuery): string {
  return JSON.stringify([tenant, promql]);
}

async function counted({ tenant, promql }: PlannedQuery, round: Round): Promise<number> {
  const asked = await askOnce({ tenant, promql: `count(${promql})` }, round, { atMostMs: COUNT_MS });
  if (asked.kind !== 'result' || !asked.isWhole) return Infinity;
  if (asked.entries.length === 0) return 0;
  const answer = seriesOf(asked.entries, round.moments);
  return (answer.kind === 'series' ? answer.series[0]?.[0]?.values['value'] : undefined) ?? Infinity;
}
