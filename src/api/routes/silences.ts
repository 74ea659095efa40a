import type { MatchedAlarm } from '../../alarm/silence/matchers.js';
import { SilenceOpenings } from '../../alarm/silence/openings.js';
import { SILENCE_STATUSES, type Silence, type SilenceDefinition } from '../../alarm/silence/silence.js';
import { AppError } from '../../errors.js';
import type { Scope } from '../../storage/scope.js';
import type { StoredSilence } from '../../storage/silences/silence-row.js';
import { isOver, type SilenceAuthor } from '../../storage/silences/silence-store.js';
import {
  changesAnswer,
  silenceAnswer,
  silencedAlarmAnswer,
  type SilenceAnswer,
  type SilencePreviewAnswer,
  type SilencesAnswer,
  type SilenceWithChangesAnswer,
} from '../answers/silence-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { cursorAfter, cursorIn } from '../http/cursor.js';
import { refuseOtherSilenceVersion, silenceVersionOf } from '../http/entity-tag.js';
import { parseWith } from '../http/faultstring.js';
import { oneOf, pageLimit } from '../http/parameter-values.js';
import { invalidInput } from '../http/query-parameters.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { canSeeAlarms, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { Alarms, Silences } from '../ports.js';
import { SilenceRequest } from '../schema/silence-request.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { throwAlarmNotFound } from './alarms.js';
import {
  auditNotes,
  isOnly,
  mayChange,
  maySee,
  named,
  projectsOf,
  refuseOtherProjects,
  refuseToChange,
  tooManySilences,
} from './silence-projects.js';

export interface SilenceRoutesDeps {
  alarms: Pick<Alarms, 'find'>;
  silences: Silences;
  readLimit: ConcurrencyLimit;
  now: () => Date;
  newId: () => string;
}

/** What the handlers use: the dependencies, and the openings of recurring silences. */
type SilenceHandlerDeps = SilenceRoutesDeps & { openings: SilenceOpenings };

const LIMIT = { byDefault: 100, max: 1_000 };
const NEWEST_FIRST = [
  { key: 'created_at', descending: true },
  { key: 'id', descending: true },
] as const;
/** Alarms that a preview shows. */
const MOST_SHOWN = 100;

/** `/v1/silences`: hold the notifications of alarms for a time. */
export function silenceRoutes(given: SilenceRoutesDeps): Route[] {
  const deps: SilenceHandlerDeps = { ...given, openings: new SilenceOpenings() };
  const path = '/v1/silences';
  const one = `${path}/:id`;
  const body = SMALL_BODY;
  return [
    {
      method: 'GET',
      path,
      policy: 'reader',
      audit: 'silence.list',
      query: ['status', 'project_id', 'alarm_id', 'limit', 'cursor'],
      handle: (r) => list(deps, r),
    },
    {
      method: 'POST',
      path,
      policy: 'member',
      audit: 'silence.create',
      keyed: 'transaction',
      body,
      handle: (r) => create(deps, r),
    },
    {
      method: 'POST',
      path: `${path}/preview`,
      policy: 'reader',
      audit: 'silence.preview',
      body,
      handle: (r) => preview(deps, r),
    },
    { method: 'GET', path: one, policy: 'reader', audit: 'silence.read', handle: (r) => show(deps, r) },
    { method: 'PUT', path: one, policy: 'member', audit: 'silence.update', body, handle: (r) => replace(deps, r) },
    { method: 'DELETE', path: one, policy: 'member', audit: 'silence.end', handle: (r) => end(deps, r) },
  ];
}

async function list(deps: SilenceHandlerDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const limit = pageLimit(query, LIMIT);
  const status = oneOf(SILENCE_STATUSES, query, 'status');
  const { created_at: createdAt, id } = cursorIn(query, NEWEST_FIRST, ['created_at']) ?? {};
  const after = createdAt === undefined || id === undefined ? undefined : { createdAt: new Date(createdAt), id };
  const alarm = await alarmOf(deps, request, query.one('alarm_id'));
  const projectId = alarm ? (alarm.projectId ?? '') : query.one('project_id');
  const scope: Scope =
    projectId === undefined ? scopeOf(identity) : { projectId: named(identity, projectId, 'project_id') };
  noteProject(request, projectId);
  const { silences, next } = await deps.silences.list(scope, { status, alarm, limit, after, now: deps.now() });
  const body = {
    silences: silences.map((silence) => answerOf(deps, identity, silence)),
    next: next ? cursorAfter(NEWEST_FIRST, { created_at: next.createdAt.toISOString(), id: next.id }) : null,
  } satisfies SilencesAnswer;
  return { status: 200, body };
}

/** The alarm that a list names. @throws AppError `not_found`, also for an alarm of another project. */
async function alarmOf(
  { alarms }: SilenceHandlerDeps,
  { identity }: ApiRequest,
  id: string | undefined,
): Promise<MatchedAlarm | undefined> {
  if (id === undefined) return undefined;
  const found = canSeeAlarms(identity) ? await alarms.find(scopeOf(identity), id) : undefined;
  const { projectId, name, rule, severity } = found ?? throwAlarmNotFound(id);
  return { id, projectId, name, type: rule.type, severity };
}

async function create(deps: SilenceHandlerDeps, { identity, body, note, write }: ApiRequest): Promise<ApiAnswer> {
  const now = deps.now();
  const wanted = requested(body);
  const projects = projectsOf(identity, wanted);
  const silence: Silence = {
    ...definitionOf(wanted, { projects, startsAt: now, now }),
    id: deps.newId(),
    isAdmins: !isOnly(projects, identity.projectId),
    createdAt: now,
    endedAt: null,
  };
  note({ objectId: silence.id, ...auditNotes(identity, projects) });
  return write(async () => {
    const created = await deps.silences.create(silence, authorOf(identity, now));
    if (!created) throw tooManySilences(projects);
    return { status: 201, headers: tagOf(created), body: answerOf(deps, identity, created) };
  });
}

async function show(deps: SilenceHandlerDeps, request: ApiRequest): Promise<ApiAnswer> {
  const silence = await theSilence(deps, request);
  const changes = changesAnswer(await deps.silences.changesOf(silence.id));
  const shown = { ...answerOf(deps, request.identity, silence), changes } satisfies SilenceWithChangesAnswer;
  return { status: 200, headers: tagOf(silence), body: shown };
}

async function replace(deps: SilenceHandlerDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, body, note } = request;
  const now = deps.now();
  const wanted = requested(body);
  const { id } = await theSilence(deps, request);
  const stored = await deps.silences.replace(
    scopeOf(identity),
    id,
    (current) => {
      refuseToChange(identity, current);
      refuseOtherSilenceVersion(current, request);
      if (isOver(current, now))
        throw new AppError('conflict', `Silence ${id} has ended: make a new one with POST /v1/silences`);
      refuseOtherProjects(wanted, current);
      const next = definitionOf(wanted, { projects: current.projects, startsAt: current.startsAt, now });
      const changed = changedFields(current, next);
      note({ changed });
      return { next, changed };
    },
    authorOf(identity, now),
  );
  const replaced = stored ?? throwSilenceNotFound(id);
  return { status: 200, headers: tagOf(replaced), body: answerOf(deps, identity, replaced) };
}

async function end(deps: SilenceHandlerDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity } = request;
  const { id } = await theSilence(deps, request);
  const by = authorOf(identity, deps.now());
  const check = (current: StoredSilence): void => {
    refuseToChange(identity, current);
    refuseOtherSilenceVersion(current, request);
  };
  if (!(await deps.silences.end(scopeOf(identity), id, check, by))) throwSilenceNotFound(id);
  return { status: 204 };
}

/** Counts all alarms that the silence would hold, and shows some of them. Creates nothing. */
async function preview(deps: SilenceHandlerDeps, { identity, body, note, signal }: ApiRequest): Promise<ApiAnswer> {
  const now = deps.now();
  const wanted = requested(body);
  const projects = projectsOf(identity, wanted);
  note(auditNotes(identity, projects));
  const definition = definitionOf(wanted, { projects, startsAt: now, now });
  const found: SilencePreviewAnswer = { count: 0, alarms: [], waiting_notifications: 0 };
  const pages = deps.silences.matching(definition);
  for await (const { alarms, waiting } of deps.readLimit.limitLongAnswer(identity.projectId, pages)) {
    if (signal.aborted) break;
    found.count += alarms.length;
    found.waiting_notifications += waiting;
    found.alarms.push(...alarms.slice(0, MOST_SHOWN - found.alarms.length).map(silencedAlarmAnswer));
  }
  return { status: 200, body: found };
}

function requested(body: unknown): SilenceRequest {
  return parseWith(SilenceRequest, { argument: 'data', value: body ?? {} });
}

function definitionOf(
  { matchers, starts_at, ends_at, recurrence, reason, owner }: SilenceRequest,
  { projects, startsAt, now }: { projects: readonly string[]; startsAt: Date; now: Date },
): SilenceDefinition {
  const [start, endsAt] = [starts_at ?? startsAt, ends_at ?? null];
  if (endsAt !== null && endsAt <= now)
    throw invalidInput('ends_at', utcTimestamp(endsAt), 'It must be in the future.').at(['ends_at']);
  if (endsAt !== null && endsAt <= start)
    throw invalidInput('ends_at', utcTimestamp(endsAt), 'It must be after starts_at.').at(['ends_at']);
  return {
    projects,
    matchers,
    startsAt: start,
    endsAt,
    recurrence: recurrence
      ? { cron: recurrence.cron, durationS: recurrence.duration, timezone: recurrence.timezone }
      : null,
    reason,
    owner,
  };
}

/** The fields of a definition, under their names in requests. */
const FIELDS: Readonly<Record<string, (silence: SilenceDefinition) => unknown>> = {
  matchers: ({ matchers }) => matchers,
  starts_at: ({ startsAt }) => startsAt,
  ends_at: ({ endsAt }) => endsAt,
  recurrence: ({ recurrence }) => recurrence && [recurrence.cron, recurrence.durationS, recurrence.timezone],
  reason: ({ reason }) => reason,
  owner: ({ owner }) => owner,
};

function changedFields(current: SilenceDefinition, next: SilenceDefinition): string[] {
  return Object.entries(FIELDS)
    .filter(([, valueOf]) => JSON.stringify(valueOf(current)) !== JSON.stringify(valueOf(next)))
    .map(([name]) => name);
}

function answerOf({ now, openings }: SilenceHandlerDeps, identity: Identity, silence: Silence): SilenceAnswer {
  return silenceAnswer(silence, {
    now: now(),
    openings,
    mayChange: mayChange(identity, silence),
    maySee: (project) => maySee(identity, project),
  });
}

function tagOf(silence: StoredSilence): { ETag: string } {
  return { ETag: silenceVersionOf(silence) };
}

function authorOf({ userId, projectId }: Identity, at: Date): SilenceAuthor {
  return { userId, projectId, at };
}

async function theSilence(
  { silences }: SilenceHandlerDeps,
  { identity, params, note }: ApiRequest,
): Promise<StoredSilence> {
  const id = params['id'] ?? '';
  const found = await silences.find(scopeOf(identity), id);
  if (!found) throwSilenceNotFound(id);
  note(auditNotes(identity, found.projects));
  return found;
}

function throwSilenceNotFound(id: string): never {
  throw new AppError('not_found', `Silence ${id} not found`);
}
