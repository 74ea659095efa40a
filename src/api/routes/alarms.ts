import { randomUUID } from 'node:crypto';

import { AppError } from '../../errors.js';
import type { Clock } from '../../clock.js';
import type { StoredAlarm } from '../../storage/alarm-store.js';
import type { Scope } from '../../storage/scope.js';
import { newAlarm, replacedAlarm } from '../alarm-definition.js';
import { creationEntry, ruleChangeEntry } from '../alarm-history-entry.js';
import { refuseBadActions, type ActionPolicy } from '../check-actions.js';
import { parseWith } from '../faultstring.js';
import { authorize, isAdmin, refuseForeignProject, ruleProject, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { Alarms } from '../ports.js';
import { SMALL_BODY } from '../request-body.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import { alarmListing, type AlarmListing } from '../schema/alarm-query.js';
import { AlarmRequest } from '../schema/alarm-request.js';
import { alarmResponse } from '../schema/alarm-response.js';

export interface AlarmRoutesDeps {
  alarms: Alarms;
  clock: Clock;
  actions: ActionPolicy;
}

/** Rows per statement when a client asks for everything. */
const PAGE = 1_000;

export function alarmRoutes(deps: AlarmRoutesDeps): Route[] {
  const one = '/v2/alarms/:id';
  return [
    {
      method: 'GET',
      path: '/v2/alarms',
      policy: 'reader',
      query: ['q', 'sort', 'limit', 'marker'],
      handle: (request) => list(deps, request),
    },
    { method: 'POST', path: '/v2/alarms', policy: 'member', body: SMALL_BODY, handle: (request) => create(deps, request) },
    { method: 'GET', path: one, policy: 'reader', handle: (request) => show(deps, request) },
    { method: 'PUT', path: one, policy: 'member', body: SMALL_BODY, handle: (request) => replace(deps, request) },
    { method: 'DELETE', path: one, policy: 'member', handle: (request) => remove(deps, request) },
  ];
}

/** The same answer for what is not there and for what is another's. */
export function alarmNotFound(id: string): AppError {
  return new AppError('not_found', `Alarm ${id} not found`);
}

async function create(deps: AlarmRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity } = request;
  const asked = parsedAlarm(request, deps.actions);
  const at = deps.clock.now();
  const alarm = newAlarm(asked, identity, { id: randomUUID(), at });
  const entry = creationEntry(alarm, { eventId: randomUUID(), by: identity, at });
  await deps.alarms.create({ alarm, memberProject: ruleProject(identity, asked.project_id), entry });
  return { status: 201, headers: { Location: `${request.origin}/v2/alarms/${alarm.id}` }, body: alarmResponse(alarm) };
}

async function show({ alarms }: AlarmRoutesDeps, { identity, params }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  const alarm = await alarms.find(scopeOf(identity), id);
  if (!alarm) throw alarmNotFound(id);
  return { status: 200, body: alarmResponse(alarm) };
}

async function replace(deps: AlarmRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, params } = request;
  const id = params['id'] ?? '';
  const asked = parsedAlarm(request, deps.actions);
  const at = deps.clock.now();
  const change = (current: StoredAlarm) => {
    const next = replacedAlarm(current, asked, identity, at);
    return { next, entry: ruleChangeEntry(current, next, { eventId: randomUUID(), by: identity, at }) };
  };
  const memberProject = ruleProject(identity, asked.project_id);
  const alarm = await deps.alarms.replace(scopeOf(identity), id, { rule: asked.rule, memberProject, change });
  if (!alarm) throw alarmNotFound(id);
  return { status: 200, body: alarmResponse(alarm) };
}

async function remove({ alarms, clock }: AlarmRoutesDeps, { identity, params }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  if (!(await alarms.remove(scopeOf(identity), id, clock.now()))) throw alarmNotFound(id);
  return { status: 204 };
}

function parsedAlarm({ body, identity }: ApiRequest, actions: ActionPolicy): AlarmRequest {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  const asked = parseWith(AlarmRequest, { argument: 'data', value: body });
  refuseBadActions(asked, identity, actions);
  return asked;
}

async function list({ alarms }: AlarmRoutesDeps, { identity, query }: ApiRequest): Promise<ApiAnswer> {
  const listing = alarmListing(query);
  const { scope, filter } = visible(listing, identity);
  const { sort, limit, marker } = listing;
  let after: StoredAlarm | undefined;
  if (marker !== undefined) {
    [after] = await alarms.list(scope, { filter: { ...filter, id: marker }, sort, limit: 1 });
    if (!after) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  }
  if (limit !== undefined && limit <= PAGE) {
    const page = await alarms.list(scope, { filter, sort, limit, after });
    return { status: 200, body: page.map(alarmResponse) };
  }
  const pages = async function* () {
    let left = limit ?? Infinity;
    for (let last = after; left > 0; left -= PAGE) {
      const page = await alarms.list(scope, { filter, sort, limit: Math.min(left, PAGE), after: last });
      yield page.map(alarmResponse);
      last = page.at(-1);
      if (page.length < PAGE) return;
    }
  };
  return { status: 200, pages: pages() };
}

/** Whose alarms a list shows: the caller's project's, admins' too, unless they ask for another or for all. */
function visible({ allProjects, filter }: AlarmListing, identity: Identity): { scope: Scope; filter: AlarmListing['filter'] } {
  if (allProjects) authorize(identity, 'admin');
  const { projectId } = filter;
  if (projectId !== undefined) refuseForeignProject(identity, projectId);
  if (!isAdmin(identity) || allProjects || projectId !== undefined) return { scope: scopeOf(identity), filter };
  return { scope: scopeOf(identity), filter: { ...filter, projectId: identity.projectId } };
}
