import { planQueries, type QueryPlan, type Question, type Tenancy } from './plan-queries.js';

/**
 * Remembers plans, because parsing PromQL costs more than all the rest: an evaluator asks the same questions in each interval. A plan found here
 * may have been changed by whoever asked with it: a request that had to be divided stays so for a while.
 */
export interface PlanCache {
  planOf(questions: readonly Question[]): QueryPlan;
}

interface Remembered {
  keys: readonly string[];
  plan: QueryPlan;
  uses: number;
}

const MAX_PLANS = 256;
/** Single questions come from people who look at one alarm. */
const WORTH_REMEMBERING = 8;
/** What made a division necessary may have gone. */
const MAX_USES = 60;

export function createPlanCache(tenancy: Tenancy): PlanCache {
  // A question comes at the same moment of each interval, with the same others: its batch can be known by the first.
  const plans = new Map<string, Remembered>();
  return {
    planOf(questions) {
      const first = questions[0]?.key;
      if (first === undefined || questions.length < WORTH_REMEMBERING) return planQueries(questions, tenancy);
      const known = plans.get(first);
      plans.delete(first);
      const isKnown = known !== undefined && known.uses < MAX_USES && isOf(known, questions);
      const remembered = isKnown
        ? known
        : { keys: questions.map(({ key }) => key), plan: planQueries(questions, tenancy), uses: 0 };
      remembered.uses += 1;
      plans.set(first, remembered);
      if (plans.size > MAX_PLANS) plans.delete(plans.keys().next().value as string);
      return remembered.plan;
    },
  };
}

/** Keys hold everything that is asked. */
function isOf({ keys }: Remembered, questions: readonly Question[]): boolean {
  return keys.length === questions.length && questions.every(({ key }, index) => keys[index] === key);
}
