import { convertPages, firstRows } from '../../async/pages.js';
import { AppError } from '../../errors.js';
import type { HistoryEntry, HistoryQuery } from '../../storage/alarms/history-store.js';
import type { Scope } from '../../storage/scope.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { scopeOf, canSeeAlarms } from '../identity/authorize.js';
import type { Alarms, History } from '../ports.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { historyListing } from '../schema/history-query.js';
import { historyAnswer } from '../answers/history-answer.js';
import { throwAlarmNotFound } from './alarms.js';

export interface HistoryRoutesDeps {
  alarms: Alarms;
  history: History;
  readLimit: ConcurrencyLimit;
}

const NEWEST_FIRST = [
  { key: 'timestamp', descending: true },
  { key: 'event_id', descending: true },
] as const;

/** `/v2/alarms/{id}/history`. */
export function historyRoutes(deps: HistoryRoutesDeps): Route[] {
  const query = ['q', 'sort', 'limit', 'marker'];
  return [
    {
      method: 'GET',
      path: '/v2/alarms/:id/history',
      policy: 'reader',
      audit: 'alarm.read_history',
      query,
      prepare: (request) => list(deps, request),
    },
  ];
}

async function list(
  { alarms, history, readLimit }: HistoryRoutesDeps,
  request: ApiRequest,
): Promise<() => Promise<ApiAnswer>> {
  const { identity, query } = request;
  const id = await idOfPresentOrPast(alarms, history, request);
  return async () => {
    const { filter, sort, limit, marker } = historyListing(query, identity);
    const scope = scopeOf(identity);
    const after =
      marker === undefined ? undefined : await markedEntry(history, scope, id, { query: { filter, sort }, marker });
    const found = convertPages(history.list(scope, id, { filter, sort, limit, after }), historyAnswer);
    return { status: 200, pages: readLimit.limitLongAnswer(identity.projectId, found) };
  };
}

/**
 * The id in the path.
 * @throws AppError `not_found` if the caller sees neither the alarm nor history of a deleted one.
 */
async function idOfPresentOrPast(alarms: Alarms, history: History, request: ApiRequest): Promise<string> {
  const id = request.params['id'] ?? '';
  if (!canSeeAlarms(request.identity)) throwAlarmNotFound(id);
  const scope = scopeOf(request.identity);
  const alarm = await alarms.find(scope, id);
  if (alarm) {
    request.note({ projectId: alarm.projectId });
    return id;
  }
  const [entry] = await firstRows(history.list(scope, id, { filter: {}, sort: NEWEST_FIRST, limit: 1 }), 1);
  if (entry === undefined) throwAlarmNotFound(id);
  request.note({ projectId: entry.onBehalfOf });
  return id;
}

async function markedEntry(
  history: History,
  scope: Scope,
  alarmId: string,
  { query, marker }: { query: HistoryQuery; marker: string },
): Promise<HistoryEntry> {
  const marked = { ...query, filter: { ...query.filter, eventId: marker }, limit: 1 };
  const [entry] = await firstRows(history.list(scope, alarmId, marked), 1);
  if (!entry) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  return entry;
}
