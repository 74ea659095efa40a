import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import type { TransitionFilter } from '../../storage/alarms/transition-list-store.js';
import { transitionAnswer, type TransitionsAnswer } from '../answers/transition-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { cursorAfter, cursorIn } from '../http/cursor.js';
import { momentIn, oneOf, pageLimit, textIn } from '../http/parameter-values.js';
import type { QueryParameters } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import { scopeOf } from '../identity/authorize.js';
import type { Transitions } from '../ports.js';

export interface TransitionRoutesDeps {
  transitions: Transitions;
}

const FILTERS = ['since', 'until', 'state', 'type', 'severity', 'alarm_id', 'project_id'];
const LIMIT = { byDefault: 50, max: 100 };
const MAX_ID = 255;
const NEWEST_FIRST = [
  { key: 'at', descending: true },
  { key: 'event_id', descending: true },
] as const;

/** `/v1/transitions`: changes of state of all alarms, of one project or, for admins, of all. */
export function transitionRoutes({ transitions }: TransitionRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/transitions',
      policy: 'reader',
      audit: 'alarm.query_history',
      query: [...FILTERS, 'limit', 'cursor'],
      handle: (request) => list(transitions, request),
    },
  ];
}

async function list(transitions: Transitions, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query, signal } = request;
  const filter = filterOf(query);
  noteProject(request, filter.projectId);
  const { at, event_id: eventId } = cursorIn(query, NEWEST_FIRST, ['at']) ?? {};
  const after = at === undefined || eventId === undefined ? undefined : { at, eventId };
  const found = await transitions.page(scopeOf(identity), { filter, limit: pageLimit(query, LIMIT), after, signal });
  const { next } = found;
  const body = {
    transitions: found.transitions.map(transitionAnswer),
    next: next ? cursorAfter(NEWEST_FIRST, { at: next.at, event_id: next.eventId }) : null,
  } satisfies TransitionsAnswer;
  return { status: 200, body };
}

function filterOf(query: QueryParameters): TransitionFilter {
  return {
    since: momentIn(query, 'since'),
    until: momentIn(query, 'until'),
    state: oneOf(ALARM_STATES, query, 'state'),
    type: oneOf(ALARM_KINDS, query, 'type'),
    severity: oneOf(SEVERITIES, query, 'severity'),
    alarmId: textIn(query, 'alarm_id', MAX_ID),
    projectId: textIn(query, 'project_id', MAX_ID),
  };
}
