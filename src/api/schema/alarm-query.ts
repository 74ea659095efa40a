import { AppError } from '../../errors.js';
import { ALARM_SORT_KEYS, type AlarmFilter, type AlarmQuery } from '../../storage/alarms/alarm-list-store.js';
import { booleanValue, invalidInput, type QueryCondition, type QueryParameters } from '../http/query-parameters.js';
import { sortOf } from '../http/sort.js';
import { parseTimestamp } from './timestamp.js';

/** The parsed query of a request for a list of alarms. */
export interface AlarmListing {
  allProjects: boolean;
  filter: AlarmFilter;
  sort: AlarmQuery['sort'];
  limit: number | undefined;
  marker: string | undefined;
}

const FILTERS: Record<string, (item: QueryCondition) => AlarmFilter> = {
  all_projects: () => ({}),
  user_id: ({ value }) => ({ userId: value }),
  project_id: ({ value }) => ({ projectId: value }),
  type: ({ value }) => ({ type: value }),
  name: ({ value }) => ({ name: value }),
  enabled: (item) => ({ enabled: booleanValue(item) }),
  state: ({ value }) => ({ state: value }),
  severity: ({ value }) => ({ severity: value }),
  timestamp: ({ value }) => ({ timestamp: moment(value) }),
  repeat_actions: (item) => ({ repeatActions: booleanValue(item) }),
};

/** Parses the query of a list of alarms. Which projects the caller may see is decided by the route. */
export function alarmListing(query: QueryParameters): AlarmListing {
  const items = query.items({ untyped: ['all_projects'] });
  const allProjects = items.find(({ field }) => field === 'all_projects');
  return {
    filter: Object.assign({}, ...items.map(filterOf)) as AlarmFilter,
    allProjects: allProjects !== undefined && booleanValue(allProjects),
    sort: sortOf(query, ALARM_SORT_KEYS, 'alarm_id'),
    limit: query.limit(),
    marker: query.marker(),
  };
}

function filterOf(item: QueryCondition): AlarmFilter {
  if (!Object.hasOwn(FILTERS, item.field)) {
    const known = Object.keys(FILTERS).map((name) => `'${name}'`);
    throw invalidInput('field', `{'${item.field}'}`, `only fields {${known.join(', ')}} are allowed`);
  }
  if (item.op !== 'eq') throw invalidInput('op', `{'${item.op}'}`, `only operations {'eq'} are allowed`);
  return FILTERS[item.field]?.(item) ?? {};
}

function moment(value: string): Date {
  const date = parseTimestamp(value);
  if (!date)
    throw new AppError('invalid_request', `Unable to convert the value ${value} to the expected data type datetime.`);
  return date;
}
