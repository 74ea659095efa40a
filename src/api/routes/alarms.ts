import { convertPages, firstRows } from '../../async/pages.js';
import { AppError } from '../../errors.js';
import type { AlarmFilter, AlarmQuery } from '../../storage/alarms/alarm-list-store.js';
import type { AlarmChange, StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { Scope } from '../../storage/scope.js';
import { newAlarm, projectAfterPut, refuseOtherMuted, replacedAlarm } from '../alarms/alarm-definition.js';
import { changedFields, creationEntry, deletionEntry, ruleChangeEntry } from '../alarms/alarm-history-entry.js';
import { refuseBadActions, type ActionPolicy } from '../alarms/check-actions.js';
import { refuseForbiddenAddresses } from '../alarms/check-addresses.js';
import { refuseBadRule } from '../alarms/check-rule.js';
import { namingFields, type SentAlarm } from '../alarms/refused-field.js';
import { noteProject } from '../audit/request-audit.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { refuseOtherVersion, versionOf } from '../http/entity-tag.js';
import { parseWith } from '../http/faultstring.js';
import { isAdmin, refuseForeignProject, ruleProject, scopeOf, canSeeAlarms } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { Alarms, RuleChecks } from '../ports.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { alarmListing, type AlarmListing } from '../schema/alarm-query.js';
import { AlarmRequest } from '../schema/alarm-request.js';
import { alarmAnswer } from '../answers/alarm-answer.js';
import { refuseChangedMeanwhile, type TrustActions } from '../alarms/trust-actions.js';

export interface AlarmRoutesDeps {
  alarms: Alarms;
  ruleChecks: RuleChecks;
  actions: ActionPolicy;
  trustActions: TrustActions;
  readLimit: ConcurrencyLimit;
  now: () => Date;
  newId: () => string;
}

/** `/v2/alarms` and `/v2/alarms/{id}`. */
export function alarmRoutes(deps: AlarmRoutesDeps): Route[] {
  const list = ['q', 'sort', 'limit', 'marker'];
  return [
    {
      method: 'GET',
      path: '/v2/alarms',
      policy: 'reader',
      audit: 'alarm.list',
      query: list,
      handle: (request) => listAlarms(deps, request),
    },
    {
      method: 'POST',
      path: '/v2/alarms',
      policy: 'member',
      audit: 'alarm.create',
      keyed: 'transaction',
      body: SMALL_BODY,
      prepare: (request) => create(deps, request),
    },
    {
      method: 'GET',
      path: '/v2/alarms/:id',
      policy: 'reader',
      audit: 'alarm.read',
      prepare: (request) => show(deps, request),
    },
    {
      method: 'PUT',
      path: '/v2/alarms/:id',
      policy: 'member',
      audit: 'alarm.update',
      body: SMALL_BODY,
      prepare: (request) => replace(deps, request),
    },
    {
      method: 'DELETE',
      path: '/v2/alarms/:id',
      policy: 'member',
      audit: 'alarm.delete',
      prepare: (request) => remove(deps, request),
    },
  ];
}

/** The alarm in the path of a request. @throws AppError `not_found`, also for an alarm of another project. */
export async function requestedAlarm(alarms: Alarms, request: ApiRequest): Promise<StoredAlarm> {
  return (await findRequestedAlarm(alarms, request)) ?? throwAlarmNotFound(idIn(request));
}

async function findRequestedAlarm(alarms: Alarms, request: ApiRequest): Promise<StoredAlarm | undefined> {
  if (!canSeeAlarms(request.identity)) return undefined;
  const found = await alarms.find(scopeOf(request.identity), idIn(request));
  if (found) request.note({ projectId: found.projectId });
  return found;
}

function idIn({ params }: ApiRequest): string {
  return params['id'] ?? '';
}

/** @throws AppError `not_found`, always. */
export function throwAlarmNotFound(id: string): never {
  throw new AppError('not_found', `Alarm ${id} not found`);
}

function definitionIn({ body }: ApiRequest): SentAlarm {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  return { sent: body, alarm: parseWith(AlarmRequest, { argument: 'data', value: body }) };
}

type Prepared = () => Promise<ApiAnswer>;

/** Runs a part of a request that checks its alarm. What it resolves to checks the alarm, too. */
async function naming(sent: SentAlarm, prepare: () => Promise<Prepared>): Promise<Prepared> {
  const prepared = await namingFields(sent, prepare);
  return () => namingFields(sent, prepared);
}

async function create(deps: AlarmRoutesDeps, request: ApiRequest): Promise<Prepared> {
  const sent = definitionIn(request);
  return naming(sent, () => createFrom(deps, request, sent.alarm));
}

async function createFrom(deps: AlarmRoutesDeps, request: ApiRequest, wanted: AlarmRequest): Promise<Prepared> {
  const { alarms, ruleChecks, actions, trustActions, now, newId } = deps;
  const { identity, origin } = request;
  refuseBadActions(wanted, identity, actions);
  refuseOtherMuted(wanted, false);
  await refuseForbiddenAddresses(wanted, wanted.project_id ?? identity.projectId, actions.egress);
  const owners = await refuseBadRule(wanted, identity, ruleChecks);
  return async () => {
    const at = now();
    const alarm = newAlarm(wanted, identity, { id: newId(), at, ...owners });
    const entry = creationEntry(alarm, { eventId: newId(), by: identity, at });
    const memberProject = ruleProject(identity, wanted.project_id);
    request.note({ objectId: alarm.id, projectId: alarm.projectId });
    const answer = answerWith(alarm, { status: 201, headers: { Location: `${origin}/v2/alarms/${alarm.id}` } });
    return trustActions.create(alarm, identity, (trust) =>
      alarms.createWithin({ alarm, entry, memberProject, trust }, (insert) =>
        request.write(async () => {
          await insert();
          return answer;
        }),
      ),
    );
  };
}

async function show({ alarms }: AlarmRoutesDeps, request: ApiRequest): Promise<Prepared> {
  const alarm = await requestedAlarm(alarms, request);
  return async () => answerWith(alarm, { status: 200 });
}

async function replace(deps: AlarmRoutesDeps, request: ApiRequest): Promise<Prepared> {
  const sent = definitionIn(request);
  return naming(sent, () => replaceBy(deps, request, sent.alarm));
}

async function replaceBy(deps: AlarmRoutesDeps, request: ApiRequest, wanted: AlarmRequest): Promise<Prepared> {
  const { alarms, ruleChecks, actions, trustActions, now, newId } = deps;
  const { identity } = request;
  refuseBadActions(wanted, identity, actions);
  const found = await findRequestedAlarm(alarms, request);
  if (found) refuseOtherMuted(wanted, found.muted);
  const project_id = found ? projectAfterPut(found, wanted) : wanted.project_id;
  await refuseForbiddenAddresses(wanted, project_id ?? identity.projectId, actions.egress);
  // As in Aodh, an invalid rule is refused before a missing alarm.
  const owners = await refuseBadRule({ ...wanted, project_id }, identity, ruleChecks);
  const before = found ?? throwAlarmNotFound(idIn(request));
  return async () => {
    const at = now();
    const memberProject = ruleProject(identity, project_id);
    const change = (current: StoredAlarm): AlarmChange => {
      refuseOtherVersion(current, request);
      refuseOtherMuted(wanted, current.muted);
      const next = replacedAlarm(current, wanted, identity, { at, ...owners });
      refuseChangedMeanwhile(before, current, next);
      const entry = ruleChangeEntry(current, next, { eventId: newId(), by: identity, at });
      const projects = new Set([current, next].map(({ projectId }) => projectId ?? ''));
      request.note({ projects, changed: changedFields(entry) });
      return { next, entry };
    };
    const after = replacedAlarm(before, wanted, identity, { at, ...owners });
    const replaced = await trustActions.replace({ before, after, at }, identity, async (trust) => {
      const replacement = { rule: wanted.rule, memberProject, change, trust };
      return (await alarms.replace(scopeOf(identity), before.id, replacement)) ?? throwAlarmNotFound(before.id);
    });
    return answerWith(replaced, { status: 200 });
  };
}

async function remove({ alarms, trustActions, now, newId }: AlarmRoutesDeps, request: ApiRequest): Promise<Prepared> {
  const { identity } = request;
  const alarm = await requestedAlarm(alarms, request);
  const { id } = alarm;
  return async () => {
    const at = now();
    const removed = await alarms.remove(scopeOf(identity), id, {
      at,
      entry: (current) => {
        refuseOtherVersion(current, request);
        return deletionEntry(current, { eventId: newId(), by: identity, at });
      },
    });
    if (!removed) throwAlarmNotFound(id);
    await trustActions.removed(alarm, identity);
    return { status: 204 };
  };
}

/** An answer with the alarm and its `ETag`. */
function answerWith(alarm: StoredAlarm, answer: Pick<ApiAnswer, 'status' | 'headers'>): ApiAnswer {
  return { ...answer, headers: { ...answer.headers, ETag: versionOf(alarm) }, body: alarmAnswer(alarm) };
}

async function listAlarms({ alarms, readLimit }: AlarmRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const listing = alarmListing(query);
  const filter = ownedFilter(listing, identity);
  noteProject(request, filter.projectId === null ? ALL_PROJECTS : filter.projectId);
  const scope = scopeOf(identity);
  const { sort, limit, marker } = listing;
  const after = marker === undefined ? undefined : await markedAlarm(alarms, scope, { filter, sort }, marker);
  const found = convertPages(alarms.list(scope, { filter, sort, limit, after }), alarmAnswer);
  return { status: 200, pages: readLimit.limitLongAnswer(identity.projectId, found) };
}

/**
 * Without `all_projects` or a filter for a project, the list has the caller's project only; as in Aodh, for admins too.
 */
function ownedFilter({ filter, allProjects }: AlarmListing, identity: Identity): AlarmFilter {
  if (allProjects && !isAdmin(identity)) throw new AppError('forbidden', 'RBAC Authorization Failed');
  if (filter.projectId !== undefined) {
    refuseForeignProject(identity, filter.projectId);
    return filter;
  }
  return allProjects ? filter : { ...filter, projectId: identity.projectId };
}

async function markedAlarm(alarms: Alarms, scope: Scope, query: AlarmQuery, marker: string): Promise<StoredAlarm> {
  const marked = alarms.list(scope, { ...query, filter: { ...query.filter, id: marker }, limit: 1 });
  const [alarm] = await firstRows(marked, 1);
  if (!alarm) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  return alarm;
}
