import type { BackendAnswer } from '../../../alarm/series.js';
import { askInParts, failureAnswer, type Failure } from './requester.js';
import { groupBy } from './chunks.js';
import type { ExpiringMap } from '../../../cache/bounded-map.js';
import type { FoundResource } from '../client/gnocchi-client.js';
import { projectFilter } from '../project-scope.js';
import { resourceUuid } from '../client/resource-id.js';
import type { QueryOfKind, Question, Round } from './gnocchi-call.js';

/** As many as Gnocchi usually gives on one page. */
const MAX_RESOURCES = 500;

export type ResourceQuestion = Question<QueryOfKind<'resource'>>;

/** Ids of metrics, by `metricKey`, that a project was seen to have the right to read. */
export type MetricIds = ExpiringMap<string>;

export function metricKey({ query: { resourceId, metric, project } }: ResourceQuestion): string {
  return JSON.stringify([project, resourceId, metric]);
}

/** A question, and the id under which Gnocchi tells of its resource; undefined: only Gnocchi knows it. */
interface Member {
  question: ResourceQuestion;
  uuid: string | undefined;
}

/**
 * Learns the ids of the metrics that the questions name, in one search for many resources, each among those that the
 * question's project may read. Answers the questions whose resource or metric is not there.
 */
export async function learnMetricIds(
  questions: readonly ResourceQuestion[],
  ids: MetricIds,
  round: Round,
): Promise<void> {
  // Apart, because the project's ones may not be answered for want of Keystone.
  const [everybodys, ofProjects] = [true, false].map((isOpen) =>
    searches(
      questions.filter(({ query: { project } }) => (project === null) === isOpen),
      round,
    ),
  ) as [Member[][], Member[][]];
  await Promise.all([
    ...everybodys.map((members) => searchFor(members, { ids, round, externalOwner: null })),
    ...(ofProjects.length > 0 ? [searchForProjects(ofProjects, ids, round)] : []),
  ]);
}

async function searchForProjects(parts: readonly Member[][], ids: MetricIds, round: Round): Promise<void> {
  const asked = await round.externalOwner();
  if (asked.kind === 'answer') {
    await Promise.all(parts.map((members) => searchFor(members, { ids, round, externalOwner: asked.value })));
  } else for (const { question } of parts.flat()) round.give(question, failureAnswer(asked));
}

interface Searching {
  ids: MetricIds;
  round: Round;
  externalOwner: string | null;
}

async function searchFor(members: readonly Member[], searching: Searching): Promise<void> {
  await askInParts(
    members,
    (part) => searchIn(part, searching),
    ({ question }, failure) => searching.round.give(question, failureAnswer(failure)),
  );
}

async function searchIn(
  members: readonly Member[],
  { ids, round, externalOwner }: Searching,
): Promise<Failure | undefined> {
  for (let open = members; open.length > 0;) {
    const filter = filterFor(open, externalOwner);
    const asked = await round.asker.ask(
      (client, putting) => client.searchResources(filter, ['id', 'metrics'], putting),
      {
        slices: open.length,
        questions: open.map(({ question }) => question),
      },
    );
    if (asked.kind !== 'answer') return asked;
    const unfound = keepFound(open, asked.value, { ids, round });
    // Gnocchi tells only so many at once, and how many is its own affair.
    if (unfound.length === open.length) {
      for (const { question } of unfound) round.give(question, noResource(question));
      return undefined;
    }
    open = unfound;
  }
  return undefined;
}

/** Those whose resource is not among the found ones. */
function keepFound(
  members: readonly Member[],
  found: readonly FoundResource[],
  { ids, round }: { ids: MetricIds; round: Round },
): Member[] {
  const metricsOf = new Map(found.map(({ id, metrics = {} }) => [id, metrics]));
  return members.filter(({ question, uuid = found[0]?.id ?? '' }) => {
    const metrics = metricsOf.get(uuid);
    if (metrics === undefined) return true;
    const { metric } = question.query;
    const id = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
    if (typeof id === 'string') ids.set(metricKey(question), id);
    else round.give(question, noMetric(question));
    return false;
  });
}

/**
 * Members that one search can hold: no resource is sought for two projects, since it is not said for which of them it
 * was found.
 */
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

function noResource({ query: { resourceId } }: ResourceQuestion): BackendAnswer {
  return { kind: 'absent', reason: `resource ${resourceId} does not exists` };
}

function noMetric({ query: { metric, resourceId } }: ResourceQuestion): BackendAnswer {
  return { kind: 'absent', reason: `metric ${metric} for resource ${resourceId} does not exists` };
}
