import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import { createSystemClock, type Clock } from '../../clock.js';
import { createBackendGate } from '../gate/gate.js';
import type { BackendObserver, Datasource } from '../datasource.js';
import { askOnce, type Asked, type Round } from './send-query.js';
import { giveAll, handOut } from './split-answer.js';
import { createNeutralQuestion } from './probe.js';
import { createPlanCache } from './plan-cache.js';
import { halves, type Member, type PlannedQuery, type Tenancy } from './plan-queries.js';
import { momentsOf } from './points.js';
import { MAX_ANSWER_BYTES, type PrometheusClient } from './prometheus-client.js';
import type { Outcome } from './parse-answer.js';
import { refusalText } from './refusal-text.js';
import {
  createSweeps,
  MAX_SWEEP_BYTES,
  SELECT_ALL_DEFAULTS,
  type SelectAllOptions,
  type Sweeps,
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
 * How many requests of a round are halved because they took too long. Where more do, Prometheus has too much to do, and
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
  const neutral = createNeutralQuestion({ client, tenancy });
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer, probe: () => neutral.ask(), clock });
  const plans = createPlanCache({ tenancy, sweepFrom: selectAll.fromMembers });
  const sweeps = createSweeps(selectAll);
  return {
    async answers(request, asking) {
      const plan = await plans.planOf(request.queries);
      const round: SweepingRound = {
        client,
        gate,
        neutral,
        tenancy,
        asking,
        moments: momentsOf(request, asking.now),
        answers: new Map(plan.refused),
        queued: new Map(request.queries.map((question) => [question.key, question])),
        sweeps,
        slowLeft: MAX_SLOW_DIVISIONS,
      };
      plan.queries = (await askAll(plan.queries, round)).pieces;
      return round.answers;
    },
    close: () => client.close(),
  };
}

interface SweepingRound extends Round {
  sweeps: Sweeps;
}

interface Budget {
  divisionsLeft: number;
}

interface Settled {
  /** What the next round should ask instead. */
  pieces: readonly PlannedQuery[];
  /** False if trouble kept a member from its answer: then the pieces prove nothing. */
  isSettled: boolean;
}

/** Finds an answer for each member. Never rejects. */
function ask(query: PlannedQuery, round: SweepingRound, budget: Budget): Promise<Settled> {
  return query.insteadOf ? sweep(query, query.insteadOf, round) : askDividing(query, round, budget);
}

/** It can fail where its parts would not, so it is tried once, and whatever it fails with is put down to it. */
async function sweep(query: PlannedQuery, parts: readonly PlannedQuery[], round: SweepingRound): Promise<Settled> {
  const { sweeps } = round;
  if (await sweeps.isWorthIt(query, round)) {
    const asked = await askOnce(query, round, { maxBytes: MAX_SWEEP_BYTES, isOptional: true });
    if (asked.kind === 'result' && asked.isWhole && (await handOut(query, asked.entries, round))) {
      sweeps.saw(query, asked.entries.length, round);
      return { pieces: [query], isSettled: true };
    }
    if (asked.kind === 'trouble' && asked.isBehind) return settledWith(troubleOf(asked), query, round);
    sweeps.failed(query, round);
    // What was answered with trouble may have been too much for a proxy; what was not answered at all has taken its
    // time.
    if (asked.kind === 'trouble' && !asked.hasAnswered)
      return { ...settledWith(troubleOf(asked), query, round), pieces: parts };
  }
  return askAll(parts, round);
}

async function askDividing(query: PlannedQuery, round: SweepingRound, budget: Budget): Promise<Settled> {
  const asked = await askOnce(query, round);
  if (asked.kind === 'trouble') return settledWith(troubleOf(asked), query, round);
  // QueryContext for less at once would take as long again; the next time, those that are too slow hold up fewer others.
  if (asked.kind === 'slow') {
    const pieces = (round.slowLeft -= 1) < 0 ? [query] : halves(query);
    return { ...settledWith(troubleOf(asked), query, round), pieces };
  }
  if (asked.kind === 'result') {
    if (await handOut(query, asked.entries, round)) return { pieces: [query], isSettled: true };
  } else if (query.hole === null) {
    return settledWith(answerAlone(query.members[0] as Member, asked), query, round);
  }
  if (asked.kind !== 'refusal' && (budget.divisionsLeft -= 1) < 0) return settledWith(troubleOf(asked), query, round);
  const halved = await askAll(halves(query), round, budget);
  return halved.isSettled ? halved : { pieces: [query], isSettled: false };
}

/** Each with a budget of its own, unless they share one. */
async function askAll(queries: readonly PlannedQuery[], round: SweepingRound, shared?: Budget): Promise<Settled> {
  const settled = await Promise.all(
    queries.map((query) => ask(query, round, shared ?? { divisionsLeft: MAX_DIVISIONS })),
  );
  return { pieces: settled.flatMap(({ pieces }) => pieces), isSettled: settled.every(({ isSettled }) => isSettled) };
}

function settledWith(answer: BackendAnswer, query: PlannedQuery, round: Round): Settled {
  giveAll(query, round, answer);
  return { pieces: [query], isSettled: answer.kind !== 'trouble' };
}

/** What a member gets that has nobody left to share a request with. */
function answerAlone({ written, promql }: Member, asked: Exclude<Outcome, { kind: 'result' }>): BackendAnswer {
  if (asked.kind === 'refusal') return { kind: 'refused', reason: refusalText(asked, { written, sent: promql }) };
  if (asked.kind === 'too large') return { kind: 'refused', reason: retrievalFailed(`the ${TOO_LARGE}`) };
  return troubleOf(asked);
}

/** What members get that could not be told apart. */
function troubleOf(asked: Exclude<Asked, { kind: 'refusal' }>): BackendAnswer {
  if (asked.kind === 'trouble' && asked.isBehind) return { kind: 'trouble', reason: asked.reason, isBehind: true };
  if (asked.kind === 'trouble' || asked.kind === 'failure' || asked.kind === 'slow')
    return { kind: 'trouble', reason: asked.reason };
  return {
    kind: 'trouble',
    reason: asked.kind === 'too large' ? `its ${TOO_LARGE}` : 'its answer is not of the form expected',
  };
}

const TOO_LARGE = `answer is larger than ${MAX_ANSWER_BYTES} bytes`;
