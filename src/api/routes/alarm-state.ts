import { randomUUID } from 'node:crypto';

import { MANUALLY_SET, type AlarmState } from '../../alarm/alarm.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarm-store.js';
import { stateSetEntry } from '../alarm-history-entry.js';
import { scopeOf } from '../identity/authorize.js';
import type { Alarms } from '../ports.js';
import { SMALL_BODY } from '../request-body.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import { StateRequest } from '../schema/alarm-request.js';
import { alarmNotFound } from './alarms.js';

export interface AlarmStateDeps {
  alarms: Alarms;
  clock: Clock;
}

export function alarmStateRoutes(deps: AlarmStateDeps): Route[] {
  const path = '/v2/alarms/:id/state';
  return [
    { method: 'GET', path, policy: 'reader', handle: (request) => show(deps, request) },
    { method: 'PUT', path, policy: 'member', query: ['state'], body: SMALL_BODY, handle: (request) => set(deps, request) },
  ];
}

async function show({ alarms }: AlarmStateDeps, { identity, params }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  const alarm = await alarms.find(scopeOf(identity), id);
  if (!alarm) throw alarmNotFound(id);
  return { status: 200, body: alarm.state };
}

/** Recorded as a transition even when nothing changes; runs no action. */
async function set({ alarms, clock }: AlarmStateDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, params } = request;
  const id = params['id'] ?? '';
  const state = parsedState(request);
  const at = clock.now();
  const alarm = await alarms.setState(scopeOf(identity), id, (current) => {
    const stateVersion = current.stateVersion + 1;
    const next: StoredAlarm = { ...current, state, stateVersion, stateReason: MANUALLY_SET, stateTimestamp: at };
    return { next, entry: stateSetEntry(current, next, { eventId: randomUUID(), by: identity, at }) };
  });
  if (!alarm) throw alarmNotFound(id);
  return { status: 200, body: alarm.state };
}

/** Aodh's framework takes the state from the query string as well. */
function parsedState({ body, query }: ApiRequest): AlarmState {
  const value = body === undefined ? query.one('state') : body;
  if (value === undefined) throw new AppError('invalid_request', 'Missing argument: "state"');
  const parsed = StateRequest.safeParse(value);
  if (!parsed.success) throw new AppError('invalid_request', 'state invalid');
  return parsed.data;
}
