import { planQueries, type QueryPlan, type KeyedPrometheusQuery, type Tenancy } from './plan-queries.js';

/**
 * Caches plans. Parsing PromQL costs more than all the rest, and an evaluator sends the same queries in each interval.
 * A cached plan may be changed after use: a request that had to be divided stays divided for a while.
 */
export interface PlanCache {
  planOf(queries: readonly KeyedPrometheusQuery[]): Promise<QueryPlan>;
}

interface CachedPlan {
  keys: readonly string[];
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
  tenancy: Tenancy;
  selectAllFrom: number;
  maxQueries?: number;
}

export function createPlanCache({
  tenancy,
  selectAllFrom: sweepFrom,
  maxQueries: maxQuestions = MAX_QUERIES,
}: PlanCacheOptions): PlanCache {
  // A query comes at the same phase of each interval, with the same other queries, so its first query identifies a
  // batch.
  const plans = new Map<string, CachedPlan>();
  let remembered = 0;

  function forget(first: string): void {
    remembered -= plans.get(first)?.keys.length ?? 0;
    plans.delete(first);
  }

  /** As the latest; those that were not used for longest give way. */
  function remember(first: string, one: CachedPlan): void {
    forget(first);
    plans.set(first, one);
    remembered += one.keys.length;
    for (const oldest of plans.keys()) {
      if (remembered <= maxQuestions) return;
      forget(oldest);
    }
  }

  return {
    async planOf(queries) {
      const first = queries[0]?.key;
      if (first === undefined || queries.length < MIN_CACHED_QUERIES) return planQueries(queries, tenancy, sweepFrom);
      const known = plans.get(first);
      const isKnown = known !== undefined && known.uses < MAX_USES && isOf(known, queries);
      const one = isKnown
        ? known
        : { keys: queries.map(({ key }) => key), plan: await planQueries(queries, tenancy, sweepFrom), uses: 0 };
      one.uses += 1;
      remember(first, one);
      return one.plan;
    },
  };
}

/** Keys hold all that a query depends on. */
function isOf({ keys }: CachedPlan, queries: readonly KeyedPrometheusQuery[]): boolean {
  return keys.length === queries.length && queries.every(({ key }, index) => keys[index] === key);
}
