import { SEVERITIES } from '../../alarm/alarm.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import type { ListedAlarmFilter } from '../../storage/alarms/listed-alarm-query.js';
import { LISTED_ALARM_SORT_KEYS, type ListedAlarmQuery } from '../../storage/alarms/listed-alarm-store.js';
import { cursorIn } from '../http/cursor.js';
import { flagIn, oneOf, pageLimit, textIn } from '../http/parameter-values.js';
import type { QueryParameters } from '../http/query-parameters.js';
import { sortOf } from '../http/sort.js';

/** The parameters of `listedAlarmFilter`. */
export const LISTED_ALARM_FILTERS = ['state', 'type', 'severity', 'enabled', 'project_id', 'search'] as const;

/** Rows that a page has at once; `latest-values` takes the ids of as many. */
const LIMIT = { byDefault: 50, max: 100 };
const MAX_TEXT = 255;

/** The filter in the parameters of a list of alarms, or of their counts. */
export function listedAlarmFilter(query: QueryParameters): ListedAlarmFilter {
  return {
    state: oneOf(ALARM_STATES, query, 'state'),
    type: oneOf(ALARM_KINDS, query, 'type'),
    severity: oneOf(SEVERITIES, query, 'severity'),
    enabled: flagIn(query, 'enabled'),
    projectId: textIn(query, 'project_id', MAX_TEXT),
    search: textIn(query, 'search', MAX_TEXT) || undefined,
  };
}

/** The page that the parameters of a list of alarms name. */
export function listedAlarmPage(query: QueryParameters): ListedAlarmQuery {
  const sort = sortOf(query, LISTED_ALARM_SORT_KEYS, 'alarm_id', { key: 'name', descending: false });
  return {
    filter: listedAlarmFilter(query),
    sort,
    limit: pageLimit(query, LIMIT),
    after: cursorIn(query, sort, ['state_since']),
  };
}
