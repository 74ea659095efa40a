import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import { createSystemClock, type Clock } from '../../clock.js';
import { createBackendGate } from '../gate/gate.js';
import type { BackendObserver, Datasource } from '../datasource.js';
import { sendQuery, type QueryResult, type PrometheusCall } from './send-query.js';
import { answerAll, splitAnswer } from './split-answer.js';
import { createPrometheusProbe } from './probe.js';
import { createPlanCache } from './plan-cache.js';
import { splitInHalves, type DistinctQuery, type PlannedQuery, type Tenancy } from './plan-queries.js';
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
  /** When all series of a query are asked for. */
  selectAll?: SelectAllOptions;
}

const CONCURRENCY = 8;
/** How often an answer is taken apart further for a reason that may lie with Prometheus and not with a member. */
const MAX_DIVISIONS = 64;
/**
 * How many requests of a call are halved because they took too long. Where more do, Prometheus has too much to do, and
 * more requests would not help.
 */
const MAX_SLOW_DIVISIONS = 2;

/**
 * Prometheus, and whatever speaks its API. Queries that differ in the value of one label go as one request, whose
 * answer is split by that label. One that is refused is divided until the members that are to blame stand alone, and is
 * sent in these pieces the next times.
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
  const sweeps = createSelectAllPolicy(selectAll);
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
        tickets: new Map(request.queries.map((question) => [question.key, question])),
        selectAll: sweeps,
        slowDivisionsLeft: MAX_SLOW_DIVISIONS,
      };
      plan.queries = (await answerQueries(plan.queries, call)).nextQueries;
      return call.answers;
    },
    close: () => client.close(),
  };
}

interface SelectAllCall extends PrometheusCall {
  selectAll: SelectAllPolicy;
}

interface DivisionBudget {
  divisionsLeft: number;
}

interface AnsweredQuery {
  /** What the next call should ask instead. */
  nextQueries: readonly PlannedQuery[];
  /** False if trouble kept a member from its answer: then the pieces prove nothing. */
  isConclusive: boolean;
}

/** Finds an answer for each member. Never rejects. */
function answerQuery(query: PlannedQuery, call: SelectAllCall, budget: DivisionBudget): Promise<AnsweredQuery> {
  return query.replaces ? answerBySelectAll(query, query.replaces, call) : answerByDividing(query, call, budget);
}

/** It can fail where its parts would not, so it is tried once, and whatever it fails with is put down to it. */
async function answerBySelectAll(
  query: PlannedQuery,
  parts: readonly PlannedQuery[],
  call: SelectAllCall,
): Promise<AnsweredQuery> {
  const { selectAll: sweeps } = call;
  if (await sweeps.isWorthIt(query, call)) {
    const asked = await sendQuery(query, call, { maxBytes: MAX_SELECT_ALL_BYTES, hasFallback: true });
    if (asked.kind === 'result' && asked.isComplete && (await splitAnswer(query, asked.entries, call))) {
      sweeps.recordSeries(query, asked.entries.length, call);
      return { nextQueries: [query], isConclusive: true };
    }
    if (asked.kind === 'trouble' && asked.isBehind) return answeredWith(unavailableAnswer(asked), query, call);
    sweeps.recordFailure(query, call);
    // What was answered with trouble may have been too much for a proxy; what was not answered at all has taken its
    // time.
    if (asked.kind === 'trouble' && !asked.hasAnswered)
      return { ...answeredWith(unavailableAnswer(asked), query, call), nextQueries: parts };
  }
  return answerQueries(parts, call);
}

async function answerByDividing(
  query: PlannedQuery,
  call: SelectAllCall,
  budget: DivisionBudget,
): Promise<AnsweredQuery> {
  const asked = await sendQuery(query, call);
  if (asked.kind === 'trouble') return answeredWith(unavailableAnswer(asked), query, call);
  // QueryContext for less at once would take as long again; the next time, those that are too slow hold up fewer others.
  if (asked.kind === 'slow') {
    const pieces = (call.slowDivisionsLeft -= 1) < 0 ? [query] : splitInHalves(query);
    return { ...answeredWith(unavailableAnswer(asked), query, call), nextQueries: pieces };
  }
  if (asked.kind === 'result') {
    if (await splitAnswer(query, asked.entries, call)) return { nextQueries: [query], isConclusive: true };
  } else if (query.mergeParameter === null) {
    return answeredWith(answerOfSingle(query.members[0] as DistinctQuery, asked), query, call);
  }
  if (asked.kind !== 'refusal' && (budget.divisionsLeft -= 1) < 0)
    return answeredWith(unavailableAnswer(asked), query, call);
  const halved = await answerQueries(splitInHalves(query), call, budget);
  return halved.isConclusive ? halved : { nextQueries: [query], isConclusive: false };
}

/** Each with a budget of its own, unless they share one. */
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
  return { nextQueries: [query], isConclusive: answer.kind !== 'trouble' };
}

/** What a member gets that has nobody left to share a request with. */
function answerOfSingle(
  { written, promql }: DistinctQuery,
  asked: Exclude<PrometheusAnswer, { kind: 'result' }>,
): BackendAnswer {
  if (asked.kind === 'refusal') return { kind: 'refused', reason: refusalText(asked, { written, sent: promql }) };
  if (asked.kind === 'too large') return { kind: 'refused', reason: retrievalFailed(`the ${TOO_LARGE}`) };
  return unavailableAnswer(asked);
}

/** What members get that could not be told apart. */
function unavailableAnswer(asked: Exclude<QueryResult, { kind: 'refusal' }>): BackendAnswer {
  if (asked.kind === 'trouble' && asked.isBehind) return { kind: 'trouble', reason: asked.reason, isBehind: true };
  if (asked.kind === 'trouble' || asked.kind === 'failure' || asked.kind === 'slow')
    return { kind: 'trouble', reason: asked.reason };
  return {
    kind: 'trouble',
    reason: asked.kind === 'too large' ? `its ${TOO_LARGE}` : 'its answer is not of the form expected',
  };
}

const TOO_LARGE = `answer is larger than ${MAX_ANSWER_BYTES} bytes`;
