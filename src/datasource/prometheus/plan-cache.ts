import { planQueries, type QueryPlan, type KeyedPrometheusQuery, type Tenancy } from './plan-queries.js';

/**
 * Remembers plans, because parsing PromQL costs more than all the rest: an evaluator asks the same queries in each
 * interval. A plan found here may have been changed by whoever asked with it: a request that had to be divided stays so
 * for a while.
 */
export interface PlanCache {
  planOf(queries: readonly KeyedPrometheusQuery[]): Promise<QueryPlan>;
}

interface CachedPlan {
  keys: readonly string[];
  plan: QueryPlan;
  uses: number;
}

/** Of all plans together; a plan takes about a kilobyte for each. */
const MAX_QUERIES = 200_000;
/** Single queries come from people who look at one alarm. */
const MIN_CACHED_QUERIES = 8;
/** What made a division necessary may have gone. */
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
  // A keyedQuery comes at the same moment of each interval, with the same others: its batch can be known by the first.
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

/** Keys hold everything that is asked. */
function isOf({ keys }: CachedPlan, queries: readonly KeyedPrometheusQuery[]): boolean {
  return keys.length === queries.length && queries.every(({ key }, index) => keys[index] === key);
}
