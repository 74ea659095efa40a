import { pythonRepr } from '../../../alarm/wire/python-json.js';
import type { BackendAnswer, Series } from '../../../alarm/series.js';
import { retrievalFailed } from '../../../alarm/types/threshold-judgement.js';
import { causeOf, failureAnswer, fieldOf, lacksGranularity, type Failure } from './requester.js';
import { aggregated, canAggregate, storedMethod } from './local-aggregate.js';
import { memberOf } from '../client/measures.js';
import { distinctPairs, fetchMetrics, pairKey, type Fetched, type Pair } from './fetch-metrics.js';
import { isVisible, ownerOfMetric, type MetricOwners } from './metric-owners.js';
import { uuidOf } from '../client/resource-id.js';
import { seriesAnswer, type QueryOfKind, type Question, type Round } from './gnocchi-call.js';

type MetricsQuestion = Question<QueryOfKind<'metrics'>>;

/** A question whose answer is computed here from the rows of its metrics. */
interface Member {
  question: MetricsQuestion;
  pairs: readonly Pair[];
}

/**
 * Questions about aggregates over metrics named by id. All their metrics are fetched together, each once, and
 * aggregated here as Gnocchi would; what Gnocchi would refuse it refuses itself.
 */
export async function answerMetricsQuestions(
  questions: readonly MetricsQuestion[],
  round: Round,
  owners: MetricOwners,
): Promise<void> {
  const members: Member[] = [];
  const refused: MetricsQuestion[] = [];
  for (const question of questions) {
    const { metrics, method, project } = question.query;
    const ids = metrics.map(uuidOf);
    if (metrics.length === 0 || !canAggregate(method)) refused.push(question);
    else if (ids.includes(undefined)) round.give(question, invalidReferences(question));
    else if (project === '') round.give(question, noSuchMetric(question));
    else
      members.push({
        question,
        pairs: [...new Set(ids as string[])].map((id) => ({ id, method: storedMethod(method) })),
      });
  }
  const scoped = members.filter(({ question }) => question.query.project !== null);
  const withOwners = new Set(
    scoped.flatMap(({ pairs }) => pairs.map(({ id }) => id)).filter((id) => owners.get(id) === undefined),
  );
  const distinct = distinctPairs(
    members.flatMap(({ question, pairs }) => pairs.map((pair) => [question, pair] as const)),
  );
  const [fetched] = await Promise.all([
    fetchMetrics(distinct, { round, owners, withOwners }),
    ...refused.map((question) => haveRefused(question, round)),
  ]);
  await Promise.all(members.map((member) => answerOne(member, fetched, { round, owners })));
}

async function answerOne(
  { question, pairs }: Member,
  fetched: ReadonlyMap<string, Fetched>,
  { round, owners }: { round: Round; owners: MetricOwners },
): Promise<void> {
  const { project, method } = question.query;
  const found = pairs.map((pair) => fetched.get(pairKey(pair))!);
  if (found.some(({ kind }) => kind === 'unknown')) return round.give(question, noSuchMetric(question));
  if (project !== null) {
    const hidden = await whyHidden(project, pairs, { round, owners });
    if (hidden !== undefined)
      return round.give(question, hidden === 'hidden' ? noSuchMetric(question) : failureAnswer(hidden));
  }
  const failures = found.flatMap((each) => (each.kind === 'failed' ? [each.failure] : []));
  if (failures.length > 0) return round.give(question, answerTo(question, failures));
  const all: Series[] = [];
  for (const each of found) {
    const answer = each.kind === 'rows' ? seriesAnswer(each.rows, question, round) : undefined;
    if (answer?.kind !== 'series') return round.give(question, answer ?? BROKEN_ANSWER);
    all.push(...answer.series);
  }
  round.give(question, { kind: 'series', series: [aggregated(all, method)] });
}

const BROKEN_ANSWER: BackendAnswer = { kind: 'trouble', reason: 'its answer is not of the form expected' };

/** Why the project may not read all these metrics; undefined when it may. */
async function whyHidden(
  project: string,
  pairs: readonly Pair[],
  { round, owners }: { round: Round; owners: MetricOwners },
): Promise<'hidden' | Failure | undefined> {
  const externalOwner = await round.externalOwner();
  if (externalOwner.kind !== 'answer') return externalOwner;
  const asked = await Promise.all(pairs.map(({ id }) => ownerOfMetric(id, owners, round.asker)));
  const isHidden = asked.some(
    (owner) =>
      owner.kind === 'answer' && (owner.value === null || !isVisible(project, owner.value, externalOwner.value)),
  );
  return isHidden ? 'hidden' : asked.find((owner) => owner.kind !== 'answer');
}

/** What Gnocchi has no operation for; in its own words, which are the same whatever metrics are named. */
async function haveRefused(question: MetricsQuestion, round: Round): Promise<void> {
  const { method, metrics } = question.query;
  const operations = ['aggregate', method, ['metric', ...metrics.map((id) => [id, storedMethod(method)])]];
  const asked = await round.asker.ask(
    (client, putting) => client.aggregates({ operations, neededOverlap: 0, ...round.window }, putting),
    { questions: [question] },
  );
  if (asked.kind !== 'answer') return round.give(question, answerTo(question, [asked]));
  // A Gnocchi that can do it after all: its answer is for those who may read everything.
  const isOpen = question.query.project === null;
  const answer = isOpen
    ? seriesAnswer(memberOf(memberOf(asked.value, 'measures'), 'aggregated'), question, round)
    : undefined;
  round.give(question, answer ?? (isOpen ? BROKEN_ANSWER : notForProjects(method)));
}

function notForProjects(method: string): BackendAnswer {
  return { kind: 'refused', reason: retrievalFailed(`metrics cannot be aggregated by ${method}`) };
}

/**
 * Aodh gives the same reason for an unknown metric and an unknown method: both are a 404 without a text that it knows.
 */
function noSuchMetric(question: MetricsQuestion): BackendAnswer {
  return { kind: 'absent', reason: doesNotExist(question) };
}

function doesNotExist({ query: { method, metrics } }: MetricsQuestion): string {
  return `aggregation ${method} does not exist for at least one metrics in ${pythonRepr(metrics)}`;
}

/** Gnocchi's own answer to ids that are none. It would be that of all metrics they are asked with. */
function invalidReferences({ query: { metrics, method } }: MetricsQuestion): BackendAnswer {
  const description = {
    cause: 'Invalid metric references',
    reason: 'badly formed hexadecimal UUID string',
    detail: metrics.map((id) => [id, storedMethod(method)]),
  };
  return failureAnswer({ kind: 'refusal', status: 400, description });
}

/** What Gnocchi would have said to this question alone: access first, then methods, then granularities. */
function answerTo(question: MetricsQuestion, failures: readonly Failure[]): BackendAnswer {
  const trouble = failures.find(({ kind }) => kind === 'trouble');
  if (trouble) return failureAnswer(trouble);
  const refusals = failures.filter((failure) => failure.kind === 'refusal');
  const forbidden = refusals.find(({ status }) => status === 403);
  if (forbidden) return failureAnswer(forbidden);
  const unknownMethod = refusals.find(({ status }) => status === 404);
  if (unknownMethod) return { kind: 'refused', reason: doesNotExist(question) };
  const [first] = failures;
  const coarse = refusals.filter(lacksGranularity);
  if (coarse.length === 0 || coarse.length < failures.length) return failureAnswer(first!);
  const detail = coarse.flatMap(({ description }) => fieldOf(description, 'detail') as unknown[]);
  const cause = causeOf(coarse[0]!);
  return failureAnswer({ ...coarse[0]!, description: { cause, reason: 'Granularities are missing', detail } });
}
