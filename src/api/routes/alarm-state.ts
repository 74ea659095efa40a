import { MANUALLY_SET, type AlarmState } from '../../alarm/alarm.js';
import { AppError } from '../../errors.js';
import { stateSetEntry } from '../alarm-history-entry.js';
import { scopeOf } from '../identity/authorize.js';
import type { Alarms } from '../ports.js';
import { SMALL_BODY } from '../request-body.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import { StateRequest } from '../schema/alarm-request.js';
import { absent, theAlarm } from './alarms.js';

export interface AlarmStateRoutesDeps {
  alarms: Alarms;
  now: () => Date;
  newId: () => string;
}

export function alarmStateRoutes(deps: AlarmStateRoutesDeps): Route[] {
  const path = '/v2/alarms/:id/state';
  return [
    {
      method: 'GET',
      path,
      policy: 'reader',
      handle: async (request) => ({ status: 200, body: (await theAlarm(deps.alarms, request)).state }),
    },
    { method: 'PUT', path, policy: 'member', query: ['state'], body: SMALL_BODY, handle: (request) => setState(deps, request) },
  ];
}

/** Sets the state, also to what it is, and records that. No action is run. */
async function setState({ alarms, now, newId }: AlarmStateRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, params } = request;
  const id = params['id'] ?? '';
  const state = wantedState(request);
  const at = now();
  const changed = await alarms.setState(scopeOf(identity), id, (current) => {
    const next = { ...current, state, stateReason: MANUALLY_SET, stateTimestamp: at, stateVersion: current.stateVersion + 1 };
    return { next, entry: stateSetEntry(current, next, { eventId: newId(), by: identity, at }) };
  });
  return { status: 200, body: (changed ?? absent(id)).state };
}

function wantedState({ body, query }: ApiRequest): AlarmState {
  const given = body === undefined ? query.one('state') : body;
  if (given === undefined) throw new AppError('invalid_request', 'Missing argument: "state"');
  const parsed = StateRequest.safeParse(given);
  if (!parsed.success) throw new AppError('invalid_request', 'state invalid');
  return parsed.data;
}
