import { AppError } from '../../errors.js';
import type { HistoryEntry } from '../../storage/history-store.js';
import { scopeOf } from '../identity/authorize.js';
import type { Alarms, History } from '../ports.js';
import type { ApiAnswer, ApiRequest, Route } from '../route.js';
import { historyListing } from '../schema/history-query.js';
import { historyResponse } from '../schema/history-response.js';
import { alarmNotFound } from './alarms.js';

export interface AlarmHistoryDeps {
  alarms: Alarms;
  history: History;
}

export function alarmHistoryRoutes(deps: AlarmHistoryDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/alarms/:id/history',
      policy: 'reader',
      query: ['q', 'sort', 'limit', 'marker'],
      handle: (request) => list(deps, request),
    },
  ];
}

/** Others than admins see only what happened to their own project's alarm, even if it was another's before. */
async function list({ alarms, history }: AlarmHistoryDeps, { identity, params, query }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  const { filter, sort, limit, marker } = historyListing(query, identity);
  const scope = scopeOf(identity);
  if (!(await alarms.find(scope, id))) throw alarmNotFound(id);
  let after: HistoryEntry | undefined;
  if (marker !== undefined) {
    [after] = await history.list(scope, id, { filter: { ...filter, eventId: marker }, sort, limit: 1 });
    if (!after) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  }
  const entries = await history.list(scope, id, { filter, sort, limit, after });
  return { status: 200, body: entries.map(historyResponse) };
}
