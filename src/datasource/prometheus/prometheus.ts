import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import { createSystemClock, type Clock } from '../../clock.js';
import { createBackendGate } from '../gate/gate.js';
import type { BackendObserver, Datasource } from '../datasource.js';
import { sendQuery, type QueryResult, type PrometheusCall } from './send-query.js';
import { answerAll, splitAnswer } from './split-answer.js';
import { createPrometheusProbe } from './probe.js';
import { createPlanCache } from './plan-cache.js';
import { splitInHalves, type DistinctQuery, type PlannedQuery } from './plan-queries.js';
import type { Tenancy } from './tenancy.js';
import { queryTimesOf } from './points.js';
import { MAX_ANSWER_BYTES, type PrometheusClient } from './prometheus-client.js';
import type { PrometheusAnswer } from './parse-answer.js';
import { refusalText } from './refusal-text.js';
import {
  createSelectAllPolicy,
  MAX_SELECT_ALL_BYTES,
  SELECT_ALL_DEFAULTS,
  type SelectAllOptions,
  type SelectAllPolicy,
} from './select-all.js';

export interface PrometheusDatasourceDeps {
  client: PrometheusClient;
  tenancy: Tenancy;
  observer: BackendObserver;
  clock?: Pick<Clock, 'monotonicMs'>;
  /** When to use select-all queries. */
  selectAll?: SelectAllOptions;
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
  selectAll = SELECT_ALL_DEFAULTS,
}: PrometheusDatasourceDeps): Datasource<PrometheusQuery> {
  const probe = createPrometheusProbe({ client, tenancy });
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, probe: () => probe.send(), clock });
  const plans = createPlanCache({ tenancy, selectAllFrom: selectAll.fromMembers });
  const policy = createSelectAllPolicy(selectAll);
  return {
    async answers(request, context) {
      const plan = await plans.planOf(request.queries);
      const call: SelectAllCall = {
        client,
        gate,
        probe,
        tenancy,
        context,
        times: queryTimesOf(request, context.now),
        answers: new Map(plan.refused),
        tickets: new Map(request.queries.map((query) => [query.key, query])),
        policy,
        slowDivisionsLeft: MAX_SLOW_DIVISIONS,
      };
      const { nextQueries } = await answerQueries(plan.queries, call);
      plans.keepDivided(request.queries, nextQueries);
      return call.answers;
    },
    close: () => client.close(),
  };
}

interface SelectAllCall extends PrometheusCall {
  policy: SelectAllPolicy;
}

interface DivisionBudget {
  divisionsLeft: number;
}

interface AnsweredQuery {
  /** The queries to send in the next call instead. */
  nextQueries: readonly PlannedQuery[];
  /** False if a member has no answer because Prometheus was unavailable: then the division proves nothing. */
  isConclusive: boolean;
}

/** Stores an answer for each member. Never rejects. */
function answerQuery(query: PlannedQuery, call: SelectAllCall, budget: DivisionBudget): Promise<AnsweredQuery> {
  return query.replaces ? answerBySelectAll(query, query.replaces, call) : answerByDividing(query, call, budget);
}

/**
 * A select-all query can fail where the queries that it replaces do not, so it is sent once, and any failure is
 * attributed to it.
 */
async function answerBySelectAll(
  query: PlannedQuery,
  parts: readonly PlannedQuery[],
  call: SelectAllCall,
): Promise<AnsweredQuery> {
  const { policy } = call;
  if (await policy.isWorthIt(query, call)) {
    const result = await sendQuery(query, call, { maxBytes: MAX_SELECT_ALL_BYTES, hasFallback: true });
    if (result.kind === 'result' && result.isComplete && (await splitAnswer(query, result.entries, call))) {
      policy.recordSeries(query, result.entries.length, call);
      return { nextQueries: [query], isConclusive: true };
    }
    if (result.kind === 'outage' && result.isUnsent) return answeredWith(unavailableAnswer(result), query, call);
    policy.recordFailure(query, call);
    // An error answer may mean that the query was too much for a proxy. Without any answer, the time is used up.
    if (result.kind === 'outage' && !result.hasAnswered)
      return { ...answeredWith(unavailableAnswer(result), query, call), nextQueries: parts };
  }
  return answerQueries(parts, call);
}

async function answerByDividing(
  query: PlannedQuery,
  call: SelectAllCall,
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
  call: SelectAllCall,
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

function answeredWith(answer: BackendAnswer, query: PlannedQuery, call: PrometheusCall): AnsweredQuery {
  answerAll(query, call, answer);
  return { nextQueries: [query], isConclusive: answer.kind !== 'outage' };
}

/** The answer to a query that is alone in its request. */
function answerOfSingle(
  { written, promql }: DistinctQuery,
  result: Exclude<PrometheusAnswer, { kind: 'result' }>,
): BackendAnswer {
  if (result.kind === 'refusal') return { kind: 'refused', reason: refusalText(result, { written, sent: promql }) };
  if (result.kind === 'too large') return { kind: 'refused', reason: retrievalFailed(`the ${TOO_LARGE}`) };
  return unavailableAnswer(result);
}

/** The answer to members whose own answers are unknown. */
function unavailableAnswer(result: Exclude<QueryResult, { kind: 'refusal' }>): BackendAnswer {
  if (result.kind === 'outage' && result.isUnsent) return { kind: 'outage', reason: result.reason, isUnsent: true };
  if (result.kind === 'outage' || result.kind === 'failure' || result.kind === 'slow')
    return { kind: 'outage', reason: result.reason };
  return {
    kind: 'outage',
    reason: result.kind === 'too large' ? `its ${TOO_LARGE}` : 'its answer is not of the form expected',
  };
}

const TOO_LARGE = `answer is larger than ${MAX_ANSWER_BYTES} bytes`;
