import type { BackendAnswer, PrometheusQuery } from '../../alarm/series.js';
import { retrievalFailed } from '../../alarm/types/threshold-judgement.js';
import { createBackendGate, type BackendGate } from '../backend-gate.js';
import type { Asking, BackendObserver, Datasource } from '../datasource.js';
import { reasonOf } from '../trouble.js';
import { createPlanCache } from './plan-cache.js';
import { halves, type Member, type PlannedQuery, type Tenancy } from './plan-queries.js';
import { labelOf, momentsOf, seriesOf, type Moments } from './points.js';
import { MAX_ANSWER_BYTES, type PrometheusClient, type PrometheusRequest } from './prometheus-client.js';
import { outcomeOf, type Outcome } from './read-answer.js';
import { refusalText } from './refusal-text.js';

export interface PrometheusDatasourceDeps {
  client: PrometheusClient;
  tenancy: Tenancy;
  observer: BackendObserver;
}

const CONCURRENCY = 8;
/** How often an answer is taken apart further for a reason that may lie with Prometheus and not with a member. */
const MAX_DIVISIONS = 64;
/** How many requests of a round are halved because they took too long. Where more do, Prometheus has too much to do, and more requests would not help. */
const MAX_SLOW_DIVISIONS = 2;

/**
 * Prometheus, and whatever speaks its API. Queries that differ in the value of one label go as one request, whose answer is split by that label.
 * One that is refused is divided until the members that are to blame stand alone, and is sent in these pieces the next times.
 */
export function createPrometheusDatasource({ client, tenancy, observer }: PrometheusDatasourceDeps): Datasource<PrometheusQuery> {
  const gate = createBackendGate({ concurrency: CONCURRENCY, observer });
  const plans = createPlanCache(tenancy);
  return {
    async answers(request, asking) {
      const plan = await plans.planOf(request.questions);
      const round: Round = {
        client,
        gate,
        tenancy,
        asking,
        moments: momentsOf(request, asking.now),
        answers: new Map(plan.refused),
        slowLeft: MAX_SLOW_DIVISIONS,
      };
      const settled = await Promise.all(plan.queries.map((query) => ask(query, round, { divisionsLeft: MAX_DIVISIONS })));
      plan.queries = settled.flatMap(({ pieces }) => pieces);
      return round.answers;
    },
    close: () => client.close(),
  };
}

/** All that belongs to one call of `answers`. */
interface Round {
  client: PrometheusClient;
  gate: BackendGate;
  tenancy: Tenancy;
  asking: Asking;
  moments: Moments;
  answers: Map<string, BackendAnswer>;
  slowLeft: number;
}

interface Budget {
  divisionsLeft: number;
}

interface Settled {
  /** What the next round should ask instead. */
  pieces: PlannedQuery[];
  /** False if trouble kept a member from its answer: then the pieces prove nothing. */
  isSettled: boolean;
}

type Asked = Outcome | { kind: 'trouble'; reason: string };

/** Finds an answer for each member. Never rejects. */
async function ask(query: PlannedQuery, round: Round, budget: Budget): Promise<Settled> {
  const asked = await askOnce(query, round);
  if (asked.kind === 'trouble') return giveAll(query, round, asked);
  // Asking for less at once would take as long again; the next time, those that are too slow hold up fewer others.
  if (asked.kind === 'slow') {
    const pieces = (round.slowLeft -= 1) < 0 ? [query] : halves(query);
    return { ...giveAll(query, round, troubleOf(asked)), pieces };
  }
  if (asked.kind === 'result') {
    if (fanOut(query, asked.entries, round)) return { pieces: [query], isSettled: true };
  } else if (query.hole === null) {
    return giveAll(query, round, answerAlone(query.members[0] as Member, asked));
  }
  if (asked.kind !== 'refusal' && (budget.divisionsLeft -= 1) < 0) return giveAll(query, round, troubleOf(asked));
  const halved = await Promise.all(halves(query).map((half) => ask(half, round, budget)));
  const isSettled = halved.every((half) => half.isSettled);
  return { pieces: isSettled ? halved.flatMap(({ pieces }) => pieces) : [query], isSettled };
}

async function askOnce(query: PlannedQuery, { client, gate, tenancy, asking, moments }: Round): Promise<Asked> {
  // Not the fault of the backend, so the gate does not hear of it.
  if (asking.signal.aborted) return { kind: 'trouble', reason: 'no answer in time' };
  const request = requestOf(query, tenancy, moments);
  try {
    return await gate.run(async () => {
      asking.trace?.sent(described(request));
      return outcomeOf(await client.ask(request, asking.signal), moments.stepS === 0 ? 'vector' : 'matrix');
    }, asking.signal);
  } catch (thrown) {
    return { kind: 'trouble', reason: reasonOf(thrown) };
  }
}

function requestOf({ tenant, promql: query }: PlannedQuery, tenancy: Tenancy, { start, end, stepS }: Moments): PrometheusRequest {
  const headers = tenancy.kind === 'header' && tenant !== null ? { [tenancy.header]: tenant } : {};
  if (stepS === 0) return { path: '/api/v1/query', form: { query, time: seconds(end) }, headers };
  return { path: '/api/v1/query_range', form: { query, start: seconds(start), end: seconds(end), step: String(stepS) }, headers };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function described({ path, form }: PrometheusRequest): string {
  return [`POST ${path}`, ...Object.entries(form).map(([name, value]) => `${name}=${value}`)].join(' ');
}

/** False if some of it cannot be told whose it is: then nobody has got anything. */
function fanOut(query: PlannedQuery, entries: readonly unknown[], round: Round): boolean {
  const { hole, members } = query;
  if (hole === null) {
    give(members[0] as Member, entries, round);
    return true;
  }
  const places = placesOf(query);
  const slices = members.map((): unknown[] => []);
  for (const entry of entries) {
    const place = places.get(labelOf(entry, hole.label) ?? null);
    if (place === undefined) return false;
    (slices[place] as unknown[]).push(entry);
  }
  for (const [place, member] of members.entries()) give(member, slices[place] as unknown[], round);
  return true;
}

const knownPlaces = new WeakMap<PlannedQuery, ReadonlyMap<string | null, number>>();

/** Which member each value belongs to. Kept with the query, which is asked again and again. */
function placesOf(query: PlannedQuery): ReadonlyMap<string | null, number> {
  const known = knownPlaces.get(query);
  if (known) return known;
  const places = new Map(query.members.map(({ value }, place) => [value, place]));
  knownPlaces.set(query, places);
  return places;
}

function give({ keys }: Member, entries: readonly unknown[], { asking: { trace }, moments, answers }: Round): void {
  if (trace) {
    for (const key of keys)
      answers.set(
        key,
        seriesOf(entries, moments, (point) => trace.dropped({ key, ...point })),
      );
    return;
  }
  const answer = seriesOf(entries, moments);
  for (const key of keys) answers.set(key, answer);
}

function giveAll(query: PlannedQuery, { answers }: Round, answer: BackendAnswer): Settled {
  for (const { keys } of query.members) for (const key of keys) answers.set(key, answer);
  return { pieces: [query], isSettled: answer.kind !== 'trouble' };
}

/** What a member gets that has nobody left to share a request with. */
function answerAlone({ written, promql }: Member, asked: Exclude<Outcome, { kind: 'result' }>): BackendAnswer {
  if (asked.kind === 'refusal') return { kind: 'refused', reason: refusalText(asked, { written, sent: promql }) };
  if (asked.kind === 'too large') return { kind: 'refused', reason: retrievalFailed(`the ${TOO_LARGE}`) };
  return troubleOf(asked);
}

/** What members get that could not be told apart. */
function troubleOf(asked: Exclude<Outcome, { kind: 'refusal' }>): BackendAnswer {
  if (asked.kind === 'failure' || asked.kind === 'slow') return { kind: 'trouble', reason: asked.reason };
  return { kind: 'trouble', reason: asked.kind === 'too large' ? `its ${TOO_LARGE}` : 'its answer is not of the form expected' };
}

const TOO_LARGE = `answer is larger than ${MAX_ANSWER_BYTES} bytes`;
