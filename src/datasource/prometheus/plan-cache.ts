import type { PrometheusQuery } from '../../alarm/series.js';
import { LruMap } from '../../cache/lru-map.js';
import type { KeyedQuery } from '../datasource.js';
import type { QueryPlan } from './plan-queries.js';

/**
 * Caches plans. Parsing PromQL costs more than all the rest, and an evaluator sends the same queries in each interval.
 */
export interface PlanCache {
  planOf(queries: readonly KeyedQuery<PrometheusQuery>[]): Promise<QueryPlan>;
  /** Later calls with the same queries get these requests: one that had to be divided stays divided for a while. */
  keepDivided(queries: readonly KeyedQuery<PrometheusQuery>[], divided: QueryPlan['queries']): void;
}

interface CachedPlan {
  readonly keys: readonly string[];
  plan: QueryPlan;
  uses: number;
}

/** Most queries of all plans together; a plan takes about a kilobyte for each query. */
const MAX_QUERIES = 200_000;
/** Batches of fewer queries come from API requests about one alarm, and are not cached. */
const MIN_CACHED_QUERIES = 8;
/** The reason of a division may have passed, so a plan is made anew after this many uses. */
const MAX_USES = 60;

export interface PlanCacheOptions {
  /** Makes a plan. Equal queries give equal plans. */
  plan: (queries: readonly KeyedQuery<PrometheusQuery>[]) => Promise<QueryPlan>;
  maxQueries?: number;
}

export function createPlanCache({ plan: planOf, maxQueries = MAX_QUERIES }: PlanCacheOptions): PlanCache {
  // A query comes at the same phase of each interval, with the same other queries, so its first query identifies a
  // batch.
  const plans = new LruMap<CachedPlan>(maxQueries, ({ keys }) => keys.length);
  const cachedOf = (queries: readonly KeyedQuery<PrometheusQuery>[]): CachedPlan | undefined => {
    const cached = queries[0] && plans.get(queries[0].key);
    return cached && isOf(cached, queries) ? cached : undefined;
  };
  return {
    async planOf(queries) {
      const first = queries[0]?.key;
      if (first === undefined || queries.length < MIN_CACHED_QUERIES) return planOf(queries);
      let cached = cachedOf(queries);
      if (cached === undefined || cached.uses >= MAX_USES) {
        const plan = await planOf(queries);
        cached = { keys: queries.map(({ key }) => key), plan, uses: 0 };
        plans.set(first, cached);
      }
      cached.uses += 1;
      return cached.plan;
    },
    keepDivided(queries, divided) {
      const cached = cachedOf(queries);
      if (cached !== undefined) cached.plan = { ...cached.plan, queries: divided };
    },
  };
}

/** Keys hold all that a query depends on. */
function isOf({ keys }: CachedPlan, queries: readonly KeyedQuery<PrometheusQuery>[]): boolean {
  return keys.length === queries.length && queries.every(({ key }, index) => keys[index] === key);
}
