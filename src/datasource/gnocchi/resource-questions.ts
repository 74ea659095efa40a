import type { BackendAnswer } from '../../alarm/series.js';
import { askInParts, BROKEN, failureAnswer, lacksGranularity, saysNotFound, type Failure } from './asker.js';
import { groupBy } from './chunks.js';
import { memberOf } from './measures.js';
import { projectFilter } from './project-scope.js';
import { resourceUuid } from './resource-id.js';
import { noPoints, seriesAnswer, type QueryOfKind, type Question, type Round } from './round.js';

/**
 * Measured on a Gnocchi whose resources have five metrics each, CPU of all processes: 9 ms for each alarm on its own; 0.9 ms with 100 resources
 * a request, 0.6 with 500, no less with 1,000. By metric ids, looked up before, it would be 0.45 (100 a request, more with more); but whose a
 * resource is, and which metric has the name, would then be old news.
 */
const MAX_RESOURCES = 500;

type ResourceQuestion = Question<QueryOfKind<'resource'>>;

/** A question, and the id under which Gnocchi answers it; undefined: only Gnocchi knows it. */
interface Member {
  question: ResourceQuestion;
  uuid: string | undefined;
}

/** Questions about one metric of one resource: together one search for their resources for each metric's name and method. */
export async function answerResourceQuestions(questions: readonly ResourceQuestion[], round: Round): Promise<void> {
  const groups = groupBy(questions, ({ query: { metric, method } }) => JSON.stringify([metric, method]));
  await Promise.all(
    [...groups.values()].flatMap((group) => searches(group, round).map((members) => answerTogether(members, round))),
  );
}

async function answerTogether(members: readonly Member[], round: Round): Promise<void> {
  const externalOwner = members.some(({ question }) => question.query.project !== null)
    ? await round.externalOwner()
    : ({ kind: 'answer', value: null } as const);
  if (externalOwner.kind !== 'answer') return failAll(members, externalOwner, round);
  const filterOf = (some: readonly Member[]): object => filterFor(some, externalOwner.value);
  const missing: Member[] = [];
  await askInParts(
    members,
    (part) => fetch(part, filterOf(part), { round, missing }),
    ({ question }, failure) => round.give(question, answerTo(question, failure)),
  );
  if (missing.length > 0) await explainMissing(missing, filterOf, round);
}

/** Members that one request can hold: no resource is sought for two projects, since it is not said for which of them it was found. */
function searches(questions: readonly ResourceQuestion[], round: Round): Member[][] {
  const open: { members: Member[]; projects: Map<string, string | null> }[] = [];
  const all: Member[][] = [];
  for (const question of questions) {
    const { resourceId, project } = question.query;
    const uuid = project === '' ? null : resourceUuid(resourceId, round.creator);
    if (uuid === null) round.give(question, noResource(question));
    else if (uuid === undefined) all.push([{ question, uuid }]);
    else {
      let room = open.find(({ projects }) => !projects.has(uuid) || projects.get(uuid) === project);
      if (room === undefined) {
        room = { members: [], projects: new Map() };
        open.push(room);
        all.push(room.members);
      }
      room.members.push({ question, uuid });
      room.projects.set(uuid, project);
      if (room.members.length >= MAX_RESOURCES) open.splice(open.indexOf(room), 1);
    }
  }
  return all;
}

function filterFor(members: readonly Member[], externalOwner: string | null): object {
  const byProject = groupBy(members, ({ question }) => JSON.stringify(question.query.project));
  const branches = [...byProject.values()].map((some) => {
    const found = { in: { id: [...new Set(some.map(({ uuid, question }) => uuid ?? question.query.resourceId))] } };
    const allowed = projectFilter(some[0]!.question.query.project, externalOwner);
    return allowed === undefined ? found : { and: [found, allowed] };
  });
  return branches.length === 1 ? branches[0]! : { or: branches };
}

async function fetch(
  members: readonly Member[],
  filter: object,
  { round, missing }: { round: Round; missing: Member[] },
): Promise<Failure | undefined> {
  const { metric, method } = members[0]!.question.query;
  const operations = ['metric', withoutWildcards(metric), method];
  const search = { query: filter, resourceType: 'generic' };
  const asked = await round.asker.ask(
    (client, putting) => client.aggregates({ operations, search, ...round.window }, putting),
    members.length,
  );
  if (asked.kind === 'refusal' && saysNotFound(asked)) {
    missing.push(...members);
    return undefined;
  }
  if (asked.kind !== 'answer') return asked;
  const measures = memberOf(asked.value, 'measures');
  if (typeof measures !== 'object' || measures === null) return BROKEN;
  for (const member of members) {
    const { question, uuid = Object.keys(measures)[0] ?? '' } = member;
    const rows = memberOf(memberOf(memberOf(measures, uuid), metric), method);
    if (rows === undefined) missing.push(member);
    else round.give(question, seriesAnswer(rows, question, round) ?? failureAnswer(BROKEN));
  }
  return undefined;
}

/** In a search the name of a metric is a pattern, as of file names; that of a rule is not. */
function withoutWildcards(metric: string): string {
  return metric.replace(/[*?[]/g, '[$&]');
}

/** Says which of the two it is that does not exist. */
async function explainMissing(
  members: readonly Member[],
  filterOf: (some: readonly Member[]) => object,
  round: Round,
): Promise<void> {
  let open = members;
  for (;;) {
    const asked = await round.asker.ask((client, putting) => client.searchResources(filterOf(open), ['id', 'metrics'], putting));
    if (asked.kind !== 'answer') return failAll(open, asked, round);
    const found = new Map(asked.value.map((one) => [one.id, one.metrics]));
    const unfound: Member[] = [];
    for (const member of open) {
      const { question, uuid = asked.value[0]?.id ?? '' } = member;
      const metrics = found.get(uuid);
      if (metrics) round.give(question, Object.hasOwn(metrics, question.query.metric) ? noPoints() : noMetric(question));
      else unfound.push(member);
    }
    // Gnocchi tells only so many at once, and how many is its own affair.
    if (unfound.length === 0 || unfound.length === open.length) {
      for (const { question } of unfound) round.give(question, noResource(question));
      return;
    }
    open = unfound;
  }
}

function failAll(members: readonly Member[], failure: Failure, round: Round): void {
  for (const { question } of members) round.give(question, failureAnswer(failure));
}

function noResource({ query: { resourceId } }: ResourceQuestion): BackendAnswer {
  return { kind: 'absent', reason: `resource ${resourceId} does not exists` };
}

function noMetric({ query: { metric, resourceId } }: ResourceQuestion): BackendAnswer {
  return { kind: 'absent', reason: `metric ${metric} for resource ${resourceId} does not exists` };
}

function answerTo({ query }: ResourceQuestion, failure: Failure): BackendAnswer {
  if (failure.kind !== 'refusal' || (failure.status !== 404 && !lacksGranularity(failure))) return failureAnswer(failure);
  const { method, metric, resourceId } = query;
  return { kind: 'refused', reason: `aggregation ${method} does not exist for metric ${metric} of resource ${resourceId}` };
}
