import { AppError } from '../../errors.js';
import { HISTORY_SORT_KEYS, type HistoryFilter, type HistoryQuery } from '../../storage/alarms/history-store.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { invalidInput, type QueryCondition, type QueryParameters } from '../http/query-parameters.js';
import { sortOf } from '../http/sort.js';
import { parseTimestamp } from './timestamp.js';

/** The parsed query of a request for history entries. */
export interface HistoryListing {
  filter: HistoryFilter;
  sort: HistoryQuery['sort'];
  limit: number | undefined;
  marker: string | undefined;
}

const FIELDS: Record<string, 'type' | 'severity' | 'userId' | 'projectId'> = {
  type: 'type',
  severity: 'severity',
  user: 'userId',
  user_id: 'userId',
  project: 'projectId',
  project_id: 'projectId',
};
const VALID_KEYS = "['project', 'search_offset', 'severity', 'timestamp', 'type', 'user']";
const TIME_OPERATORS = ['lt', 'le', 'gt', 'ge'] as const;
type Bound = NonNullable<HistoryFilter['timestamps']>[number];

/** Parses the query of a list of history entries. @throws AppError `not_authorized` for another project. */
export function historyListing(query: QueryParameters, identity: Identity): HistoryListing {
  const items = query.items({ repeatable: ['timestamp'], untyped: 'all' });
  const filter: HistoryFilter = {};
  for (const item of items) {
    if (item.field === 'timestamp' || item.field === 'search_offset') continue;
    const name = fieldOf(item);
    if (name === 'projectId') refuseForeignProject(identity, item.value);
    if (filter[name] !== undefined) throw invalidInput('field', item.field, 'each field may be given once');
    filter[name] = item.value;
  }
  const timestamps = boundsOf(items);
  return {
    filter: { ...filter, ...(timestamps.length > 0 ? { timestamps } : {}) },
    sort: sortOf(query, HISTORY_SORT_KEYS, 'event_id'),
    limit: query.limit(),
    marker: query.marker(),
  };
}

function fieldOf({ field, op, value }: QueryCondition): 'type' | 'severity' | 'userId' | 'projectId' {
  const name = Object.hasOwn(FIELDS, field) ? FIELDS[field] : undefined;
  if (name === undefined) {
    const query = `[<Query '${field}' ${op} '${value}' Unset>]`;
    throw new AppError(
      'invalid_request',
      `Unknown argument: "${field}": unrecognized field in query: ${query}, valid keys: ${VALID_KEYS}`,
    );
  }
  if (op !== 'eq') throw invalidInput('op', op, `unimplemented operator for ${field}`);
  return name;
}

/** The limits of the time window. `search_offset`, in minutes, widens the window at both ends. */
function boundsOf(items: readonly QueryCondition[]): Bound[] {
  const offset = items.find(({ field }) => field === 'search_offset');
  const timestamps = items.filter(({ field }) => field === 'timestamp');
  const bounds = timestamps.map((item) => boundOf(item)).filter((bound) => bound !== undefined);
  if (!offset) return bounds;
  if (timestamps.length === 0)
    throw invalidInput('field', 'search_offset', 'search_offset cannot be used without timestamp');
  if (offset.op !== 'eq') throw invalidInput('op', offset.op, 'unimplemented operator for search_offset');
  const minutes = Number(offset.value);
  if (!/^\d{1,6}$/.test(offset.value)) throw invalidInput('search_offset', offset.value, 'invalid offset');
  return bounds.map(({ op, at }) => ({
    op,
    at: new Date(at.getTime() + (op.startsWith('g') ? -1 : 1) * minutes * 60_000),
  }));
}

/** Undefined for an empty value, which sets no limit, as in Aodh. */
function boundOf({ op, value }: QueryCondition): Bound | undefined {
  const known = TIME_OPERATORS.find((operator) => operator === op);
  if (!known) throw invalidInput('op', op, 'unimplemented operator for timestamp');
  if (value === '') return undefined;
  const at = parseTimestamp(value);
  if (!at) throw invalidInput('timestamp', value, 'invalid timestamp format');
  return { op: known, at };
}
