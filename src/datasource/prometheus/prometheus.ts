import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import { createSystemClock, type Clock } from '../../clock.js';
import { createBackendGate } from '../gate/gate.js';
import type { BackendObserver, Datasource } from '../datasource.js';
import { answeredWith, TOO_LARGE, unavailableAnswer, type AnsweredQuery } from './answered-query.js';
import { sendQuery, type PrometheusCall } from './send-query.js';
import { splitAnswer } from './split-answer.js';
import { createPrometheusProbe } from './probe.js';
import { createPlanCache } from './plan-cache.js';
import {
  planQueries,
  QUERIES_PER_REQUEST,
  splitInHalves,
  type DistinctQuery,
  type PlannedQuery,
} from './plan-queries.js';
import type { Tenancy } from './tenancy.js';
import { queryTimesOf } from './points.js';
import type { PrometheusClient } from './prometheus-client.js';
import type { PrometheusAnswer } from './parse-answer.js';
import { isFaultOfQuery, refusalText } from './refusal-text.js';
import { createSelectAll, SELECT_ALL_DEFAULTS, type SelectAll, type SelectAllOptions } from './select-all.js';

export interface PrometheusDatasourceDeps {
  client: PrometheusClient;
  tenancy: Tenancy;
  observer: BackendObserver;
  clock?: Pick<Clock, 'monotonicMs'>;
  /** Most queries that are merged into one request; 1 means that none are merged. */
  queriesPerRequest?: number;
  /** When to send select-all queries; null means never. */
  selectAll?: SelectAllOptions | null;
}

const CONCURRENCY = 8;
/** Most divisions of a request for a reason that may be Prometheus' and not a member's. */
const MAX_DIVISIONS = 64;
/**
 * Most requests of a call that are halved because they took too long. If there are more, Prometheus is overloaded, and
 * more requests would not help.
 */
const MAX_SLOW_DIVISIONS = 2;

/**
 * The datasource of Prometheus and of servers with its API. Queries that differ in the value of one label are merged
 * into one request, whose answer is split by that label. A refused request is divided until each query at fault is
 * alone, and stays divided in the next calls.
 */
export function createPrometheusDatasource({
  client,
  tenancy,
  observer,
  clock = createSystemClock(),
  queriesPerRequest = QUERIES_PER_REQUEST,
  selectAll: selectAllOptions = SELECT_ALL_DEFAULTS,
}: PrometheusDatasourceDeps): Datasource<PrometheusQuery> {
  const probe = createPrometheusProbe({ client, tenancy });
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, probe: () => probe.send(), clock });
  const selectAll = selectAllOptions && createSelectAll(selectAllOptions);
  const plans = createPlanCache({
    async plan(some) {
      const { queries, refused } = await planQueries(some, { tenancy, queriesPerRequest });
      return { queries: selectAll?.plan(queries) ?? queries, refused };
    },
  });
  return {
    async answers(request, context) {
      const plan = await plans.planOf(request.queries);
      const call: AnsweringCall = {
        client,
        gate,
        probe,
        tenancy,
        context,
        times: queryTimesOf(request, context.now),
        answers: new Map(plan.refused),
        tickets: new Map(request.queries.map((query) => [query.key, query])),
        selectAll,
        slowDivisionsLeft: MAX_SLOW_DIVISIONS,
      };
      const { nextQueries } = await answerQueries(plan.queries, call);
      plans.keepDivided(request.queries, nextQueries);
      return call.answers;
    },
    close: () => client.close(),
  };
}

interface AnsweringCall extends PrometheusCall {
  selectAll: SelectAll | null;
}

interface DivisionBudget {
  divisionsLeft: number;
}

/** Stores an answer for each member. Never rejects. */
async function answerQuery(query: PlannedQuery, call: AnsweringCall, budget: DivisionBudget): Promise<AnsweredQuery> {
  if (query.replaces === undefined) return answerByDividing(query, call, budget);
  return (await call.selectAll?.answer(query, call)) ?? answerQueries(query.replaces, call);
}

async function answerByDividing(
  query: PlannedQuery,
  call: AnsweringCall,
  budget: DivisionBudget,
): Promise<AnsweredQuery> {
  const result = await sendQuery(query, call);
  if (result.kind === 'outage') return answeredWith(unavailableAnswer(result), query, call);
  // Smaller requests now would take as long again. In the next call, slow queries delay fewer others.
  if (result.kind === 'slow') {
    const pieces = (call.slowDivisionsLeft -= 1) < 0 ? [query] : splitInHalves(query);
    return { ...answeredWith(unavailableAnswer(result), query, call), nextQueries: pieces };
  }
  if (result.kind === 'result') {
    if (await splitAnswer(query, result.entries, call)) return { nextQueries: [query], isConclusive: true };
  } else if (query.mergeParameter === null) {
    return answeredWith(answerOfSingle(query.members[0] as DistinctQuery, result), query, call);
  }
  if (result.kind !== 'refusal' && (budget.divisionsLeft -= 1) < 0)
    return answeredWith(unavailableAnswer(result), query, call);
  const halved = await answerQueries(splitInHalves(query), call, budget);
  return halved.isConclusive ? halved : { nextQueries: [query], isConclusive: false };
}

/** Each query has a budget of its own, unless `shared` is given. */
async function answerQueries(
  queries: readonly PlannedQuery[],
  call: AnsweringCall,
  shared?: DivisionBudget,
): Promise<AnsweredQuery> {
  const settled = await Promise.all(
    queries.map((query) => answerQuery(query, call, shared ?? { divisionsLeft: MAX_DIVISIONS })),
  );
  return {
    nextQueries: settled.flatMap(({ nextQueries: pieces }) => pieces),
    isConclusive: settled.every(({ isConclusive: isSettled }) => isSettled),
  };
}

/** The answer to a query that is alone in its request. */
function answerOfSingle(
  { written, promql }: DistinctQuery,
  result: Exclude<PrometheusAnswer, { kind: 'result' }>,
): BackendAnswer {
  if (result.kind === 'refusal') {
    const refused: BackendAnswer = { kind: 'refused', reason: refusalText(result, { written, sent: promql }) };
    return isFaultOfQuery(result) ? { ...refused, isFaultOfQuery: true } : refused;
  }
  if (result.kind === 'too large') return { kind: 'refused', reason: retrievalFailed(`the ${TOO_LARGE}`) };
  return unavailableAnswer(result);
}
