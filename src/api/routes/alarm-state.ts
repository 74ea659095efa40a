import { MANUALLY_SET, type AlarmState } from '../../alarm/state.js';
import { stateTimeAfter } from '../../alarm/state-time.js';
import { AppError } from '../../errors.js';
import { stateSetEntry } from '../alarms/alarm-history-entry.js';
import { refuseOtherVersion, versionOf } from '../http/entity-tag.js';
import { scopeOf } from '../identity/authorize.js';
import type { Alarms } from '../ports.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { StateRequest } from '../schema/alarm-request.js';
import { requestedAlarm, throwAlarmNotFound } from './alarms.js';

export interface AlarmStateRoutesDeps {
  alarms: Alarms;
  now: () => Date;
  newId: () => string;
}

/** `/v2/alarms/{id}/state`. */
export function alarmStateRoutes(deps: AlarmStateRoutesDeps): Route[] {
  const path = '/v2/alarms/:id/state';
  return [
    {
      method: 'GET',
      path,
      policy: 'reader',
      audit: 'alarm.read_state',
      prepare: async (request) => {
        const alarm = await requestedAlarm(deps.alarms, request);
        return () => ({ status: 200, headers: { ETag: versionOf(alarm) }, body: alarm.state });
      },
    },
    {
      method: 'PUT',
      path,
      policy: 'member',
      audit: 'alarm.set_state',
      query: ['state'],
      body: SMALL_BODY,
      prepare: (request) => setState(deps, request),
    },
  ];
}

/** Sets the state and records that, even if the state stays the same. Runs no action. */
async function setState(
  { alarms, now, newId }: AlarmStateRoutesDeps,
  request: ApiRequest,
): Promise<() => Promise<ApiAnswer>> {
  const { identity } = request;
  const state = wantedState(request);
  const { id } = await requestedAlarm(alarms, request);
  return async () => {
    request.note({ changed: ['state'] });
    const changed = await alarms.setState(scopeOf(identity), id, (current) => {
      refuseOtherVersion(current, request);
      const at = stateTimeAfter(current.stateTimestamp, now());
      const next = {
        ...current,
        state,
        stateReason: MANUALLY_SET,
        stateTimestamp: at,
        stateVersion: current.stateVersion + 1,
      };
      return { next, entry: stateSetEntry(current, next, { eventId: newId(), by: identity, at }) };
    });
    const alarm = changed ?? throwAlarmNotFound(id);
    return { status: 200, headers: { ETag: versionOf(alarm) }, body: alarm.state };
  };
}

function wantedState({ body, query }: ApiRequest): AlarmState {
  const named = query.one('state');
  const given = body === undefined ? named : body;
  if (named !== undefined && named !== given)
    throw new AppError('invalid_request', 'state given twice, in the body and in the URL');
  if (given === undefined) throw new AppError('invalid_request', 'Missing argument: "state"');
  const parsed = StateRequest.safeParse(given);
  if (!parsed.success) throw new AppError('invalid_request', 'state invalid');
  return parsed.data;
}
