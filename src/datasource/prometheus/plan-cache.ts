import { planQueries, type QueryPlan, type Question, type Tenancy } from './plan-queries.js';

/**
 * Remembers plans, because parsing PromQL costs more than all the rest: an evaluator asks the same questions in each
 * interval. A plan found here may have been changed by whoever asked with it: a request that had to be divided stays so
 * for a while.
 */
export interface PlanCache {
  planOf(questions: readonly Question[]): Promise<QueryPlan>;
}

interface Remembered {
  keys: readonly string[];
  plan: QueryPlan;
  uses: number;
}

/** Of all plans together; a plan takes about a kilobyte for each. */
const MAX_QUESTIONS = 200_000;
/** Single questions come from people who look at one alarm. */
const WORTH_REMEMBERING = 8;
/** What made a division necessary may have gone. */
const MAX_USES = 60;

export interface PlanCacheOptions {
  tenancy: Tenancy;
  sweepFrom: number;
  maxQuestions?: number;
}

export function createPlanCache({ tenancy, sweepFrom, maxQuestions = MAX_QUESTIONS }: PlanCacheOptions): PlanCache {
  // A question comes at the same moment of each interval, with the same others: its batch can be known by the first.
  const plans = new Map<string, Remembered>();
  let remembered = 0;

  function forget(first: string): void {
    remembered -= plans.get(first)?.keys.length ?? 0;
    plans.delete(first);
  }

  /** As the latest; those that were not used for longest give way. */
  function remember(first: string, one: Remembered): void {
    forget(first);
    plans.set(first, one);
    remembered += one.keys.length;
    for (const oldest of plans.keys()) {
      if (remembered <= maxQuestions) return;
      forget(oldest);
    }
  }

  return {
    async planOf(questions) {
      const first = questions[0]?.key;
      if (first === undefined || questions.length < WORTH_REMEMBERING)
        return planQueries(questions, tenancy, sweepFrom);
      const known = plans.get(first);
      const isKnown = known !== undefined && known.uses < MAX_USES && isOf(known, questions);
      const one = isKnown
        ? known
        : { keys: questions.map(({ key }) => key), plan: await planQueries(questions, tenancy, sweepFrom), uses: 0 };
      one.uses += 1;
      remember(first, one);
      return one.plan;
    },
  };
}

/** Keys hold everything that is asked. */
function isOf({ keys }: Remembered, questions: readonly Question[]): boolean {
  return keys.length === questions.length && questions.every(({ key }, index) => keys[index] === key);
}
