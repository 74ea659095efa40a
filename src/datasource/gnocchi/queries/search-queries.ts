import { RawJson } from '../../../alarm/wire/python-json.js';
import type { BackendAnswer } from '../../../alarm/series.js';
import type { Origin } from '../../gate/queue-ticket.js';
import { askInParts, BROKEN, failureAnswer, saysNotFound, type Failure } from './requester.js';
import { chunksOf, groupBy } from './chunks.js';
import { aggregated, storedMethod } from './local-aggregate.js';
import type { AggregatesRequest } from '../client/gnocchi-client.js';
import { memberOf } from '../client/measures.js';
import { variantsOf, type Variant } from './mergeable-search.js';
import { seriesAnswer, type QueryOfKind, type Question, type Round } from './gnocchi-call.js';

/** How many values of one attribute a search may ask for. */
const MAX_GROUPS = 100;

type SearchQuestion = Question<QueryOfKind<'resources'>>;

interface Member {
  question: SearchQuestion;
  /** How the search differs from others; undefined: it is asked alone. */
  variant: Variant | undefined;
}

/**
 * Questions about aggregates over whatever a search finds: those whose searches differ in one attribute's value share a
 * request.
 */
export async function answerSearchQuestions(questions: readonly SearchQuestion[], round: Round): Promise<void> {
  const groups = groupBy(withVariants(questions), ({ question, variant }) =>
    variant ? shapeOf(question, variant) : question.key,
  );
  const requests = [...groups.values()].flatMap((group) =>
    distinctly(group).flatMap((some) => chunksOf(some, MAX_GROUPS)),
  );
  await Promise.all(
    requests.map((request) =>
      askInParts(
        request,
        (part) => (part.length === 1 ? askAlone(part[0]!, round) : askTogether(part, round)),
        ({ question }, failure) => round.give(question, answerTo(question, failure)),
      ),
    ),
  );
}

/** Of the ways in which each search could be merged the one that most share. */
function withVariants(questions: readonly SearchQuestion[]): Member[] {
  const all = questions.map((question) => ({ question, variants: variantsOf(question.query.search) }));
  const sharing = new Map<string, number>();
  for (const { question, variants } of all) {
    for (const variant of variants) {
      const shape = shapeOf(question, variant);
      sharing.set(shape, (sharing.get(shape) ?? 0) + 1);
    }
  }
  return all.map(({ question, variants }) => {
    const [best] = variants
      .map((variant) => ({ variant, count: sharing.get(shapeOf(question, variant))! }))
      .sort((a, b) => b.count - a.count);
    return { question, variant: best && best.count > 1 ? best.variant : undefined };
  });
}

function shapeOf({ query: { resourceType, metric, method } }: SearchQuestion, { shape }: Variant): string {
  return JSON.stringify([resourceType, metric, method, shape]);
}

/** Values that some databases take for the same one go into different requests. */
function distinctly(group: readonly Member[]): Member[][] {
  const alike = groupBy(group, ({ variant }) => (variant ? variant.value.normalize('NFKD').toLowerCase().trim() : ''));
  const requests: Member[][] = [];
  for (const some of alike.values()) for (const [index, one] of some.entries()) (requests[index] ??= []).push(one);
  return requests;
}

async function askAlone({ question }: Member, round: Round): Promise<Failure | undefined> {
  const asked = await aggregates([{ question }], { query: new RawJson(question.query.search) }, round);
  if (asked.kind !== 'answer') return asked;
  const answer = answerFrom(memberOf(asked.value, 'measures'), question, round);
  if (answer === undefined) return BROKEN;
  round.give(question, answer);
  return undefined;
}

async function askTogether(members: readonly Member[], round: Round): Promise<Failure | undefined> {
  const { attribute, searchFor } = members[0]!.variant!;
  const query = searchFor(members.map(({ variant: each }) => each!.value));
  const asked = await aggregates(members, { query, groupby: attribute }, round);
  if (asked.kind === 'refusal' && saysNotFound(asked)) {
    for (const each of members) round.give(each.question, noMetric(each.question));
    return undefined;
  }
  if (asked.kind !== 'answer') return asked;
  if (!Array.isArray(asked.value)) return BROKEN;
  const byValue = valuesOf(asked.value, attribute, members);
  // An attribute whose values are not compared as the texts that they are: which answer is whose cannot be told.
  if (byValue === undefined) {
    const failures = await Promise.all(members.map(async (each) => ({ each, failure: await askAlone(each, round) })));
    for (const { each, failure } of failures) if (failure) round.give(each.question, answerTo(each.question, failure));
    return undefined;
  }
  for (const each of members) {
    const { value } = each.variant!;
    const answer = byValue.has(value) ? answerFrom(byValue.get(value), each.question, round) : noMetric(each.question);
    round.give(each.question, answer ?? failureAnswer(BROKEN));
  }
  return undefined;
}

function aggregates(
  members: readonly Pick<Member, 'question'>[],
  { query, groupby }: { query: unknown; groupby?: string },
  { asker, window }: Round,
): ReturnType<Round['asker']['ask']> {
  const questions = members.map(({ question }) => question);
  const asked = questions[0]!.query;
  const request = { ...searchRequest(asked, query), groupby, ...window };
  return asker.ask((client, putting) => client.aggregates(request, putting), {
    slices: members.length,
    origin: originOf(asked),
    questions,
  });
}

/**
 * The request for an aggregate over the resources of a search, without its window. For a count it asks for the rows of
 * each metric.
 */
export function searchRequest(
  { resourceType, metric, method }: Pick<SearchQuestion['query'], 'resourceType' | 'metric' | 'method'>,
  query: unknown,
): Pick<AggregatesRequest, 'operations' | 'search' | 'neededOverlap'> {
  const fetched = ['metric', metric, storedMethod(method)];
  const search = { query, resourceType };
  if (isCount(method)) return { operations: fetched, search };
  return { operations: ['aggregate', method, fetched], search, neededOverlap: 0 };
}

/**
 * The project that a search is kept to; one that is kept to none is admins', and a project of its own. Those that share
 * a request have one project.
 */
function originOf({ resourceType, metric, method, search }: SearchQuestion['query']): Origin {
  const question = JSON.stringify([resourceType, metric, method, search]);
  return { project: /"created_by_project_id": ?("(?:[^"\\]|\\.)*")/.exec(search)?.[1] ?? question, question };
}

/** Gnocchi computes counts and then fails to write them down, so they are computed here. */
function isCount(method: string): boolean {
  return storedMethod(method) === 'count';
}

/** Undefined when there is nothing to be read. */
function answerFrom(measures: unknown, question: SearchQuestion, round: Round): BackendAnswer | undefined {
  const { method } = question.query;
  if (!isCount(method)) return seriesAnswer(memberOf(measures, 'aggregated'), question, round);
  const all = membersOf(measures)
    .flatMap(membersOf)
    .map((metric) => seriesAnswer(memberOf(metric, storedMethod(method)), question, round));
  const other = all.find((answer) => answer?.kind !== 'series');
  if (other !== undefined || all.length === 0) return other;
  const series = all.flatMap((answer) => (answer?.kind === 'series' ? answer.series : []));
  return { kind: 'series', series: [aggregated(series, method)] };
}

function membersOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** Each group's measures, by the value; undefined if a group is nobody's, or comes twice. */
function valuesOf(
  groups: readonly unknown[],
  attribute: string,
  members: readonly Member[],
): Map<string, unknown> | undefined {
  const asked = new Set(members.map(({ variant }) => variant!.value));
  const byValue = new Map<string, unknown>();
  for (const group of groups) {
    const value = memberOf(memberOf(group, 'group'), attribute);
    if (typeof value !== 'string' || !asked.has(value) || byValue.has(value)) return undefined;
    byValue.set(value, memberOf(memberOf(group, 'measures'), 'measures'));
  }
  return byValue;
}

function noMetric({ query: { metric } }: SearchQuestion): BackendAnswer {
  return { kind: 'absent', reason: `metric ${metric} does not exists` };
}

function answerTo(question: SearchQuestion, failure: Failure): BackendAnswer {
  if (failure.kind !== 'refusal') return failureAnswer(failure);
  if (saysNotFound(failure)) return noMetric(question);
  if (failure.status !== 404) return failureAnswer(failure);
  return {
    kind: 'refused',
    reason: `aggregation ${question.query.method} does not exist for at least one metric of the query`,
  };
}
