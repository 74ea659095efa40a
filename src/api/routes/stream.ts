import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { STREAM_EVENT_KINDS } from '../../storage/stream/stream-sources.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import { refuseForeignProject, scopeOf } from '../identity/authorize.js';
import { headerIn } from '../identity/identity.js';
import { streamFilter } from '../stream/stream-filter.js';
import type { StreamHub } from '../stream/stream-hub.js';

export interface StreamRoutesDeps {
  streams: StreamHub;
}

/** `GET /v1/stream`: server-sent events of what happens to alarms, notifications, silences and pauses. */
export function streamRoutes(deps: StreamRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/stream',
      policy: 'reader',
      audit: 'stream.read',
      query: ['event', 'alarm_id', 'type', 'state', 'severity', 'project_id', 'last_event_id'],
      handle: (request) => stream(deps, request),
    },
  ];
}

/** A browser sends `Last-Event-ID` by itself when it connects again; `last_event_id` is for the first connection. */
function stream({ streams }: StreamRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query, credentials, signal } = request;
  const projectIds = query.all('project_id');
  for (const projectId of projectIds) refuseForeignProject(identity, projectId);
  noteProject(request, projectIds.length === 1 ? projectIds[0] : undefined);
  const isWanted = streamFilter(scopeOf(identity), {
    kind: oneOf(query, 'event', STREAM_EVENT_KINDS),
    alarmId: any(query, 'alarm_id'),
    alarmType: oneOf(query, 'type', ALARM_KINDS),
    state: oneOf(query, 'state', ALARM_STATES),
    severity: oneOf(query, 'severity', SEVERITIES),
    projectId: any(query, 'project_id'),
  });
  const lastEventId = headerIn(credentials.headers, 'last-event-id') ?? query.one('last_event_id');
  return streams.answer({ identity, credentials, isWanted, lastEventId: lastEventId || undefined }, signal);
}

function any(query: QueryParameters, name: string): ReadonlySet<string> | undefined {
  const values = query.all(name);
  return values.length === 0 ? undefined : new Set(values);
}

function oneOf(query: QueryParameters, name: string, known: readonly string[]): ReadonlySet<string> | undefined {
  const values = any(query, name);
  const wrong = [...(values ?? [])].find((value) => !known.includes(value));
  if (wrong !== undefined) throw invalidInput(name, wrong, `Value should be one of: ${known.join(', ')}`);
  return values;
}
