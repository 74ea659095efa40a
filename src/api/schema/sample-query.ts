import { AppError } from '../../errors.js';
import type { SampleFilter, TimeOperator } from '../../storage/sample-filter.js';
import type { ResourceFilter } from '../../storage/sample-store.js';
import { GROUP_FIELDS, type GroupField, type StatisticsQuery } from '../../storage/statistics-store.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { booleanValue, invalidInput, type QueryItem, type QueryParameters } from '../query-parameters.js';
import { parseTimestamp } from './timestamp.js';

/** Ceilometer's: samples are many, so that a list without a limit is a short one. */
const DEFAULT_LIMIT = 100;
const MAX_PERIOD_S = 366 * 24 * 3600;
const MAX_METADATA_PATH = 255;

type EqualityField = 'resourceId' | 'projectId' | 'userId' | 'source' | 'messageId';

const EQUALITIES: Record<string, EqualityField> = {
  resource: 'resourceId',
  resource_id: 'resourceId',
  project: 'projectId',
  project_id: 'projectId',
  user: 'userId',
  user_id: 'userId',
  source: 'source',
  message_id: 'messageId',
};
const METADATA = /^(?:resource_)?metadata\.(.+)$/s;
const TIME_OPERATORS: readonly TimeOperator[] = ['lt', 'le', 'gt', 'ge', 'eq'];

/** Which samples are asked for. */
export function sampleFilter(query: QueryParameters, identity: Identity): SampleFilter {
  const filter: SampleFilter = {};
  const timestamps: NonNullable<SampleFilter['timestamps']>[number][] = [];
  const metadata: NonNullable<SampleFilter['metadata']>[number][] = [];
  for (const item of query.items({ repeatable: ['timestamp'] })) {
    const path = METADATA.exec(item.field)?.[1];
    if (item.field === 'timestamp') timestamps.push(timeBound(item));
    else if (path === undefined) setEquality(filter, item, identity);
    else metadata.push({ path: checkedPath(path, item), value: comparedText(item) });
  }
  return { ...filter, ...(timestamps.length > 0 ? { timestamps } : {}), ...(metadata.length > 0 ? { metadata } : {}) };
}

/** Which meters or resources are asked for. */
export function resourceFilter(query: QueryParameters, identity: Identity): ResourceFilter {
  const filter: SampleFilter = {};
  for (const item of query.items()) {
    if (item.field === 'message_id') throw unknownField(item);
    setEquality(filter, item, identity);
  }
  return filter;
}

export function sampleLimit(query: QueryParameters): number {
  const limit = query.limit();
  if (limit === undefined && query.one('limit') !== undefined) {
    throw invalidInput('limit', '0', 'it should be a positive integer.');
  }
  return limit ?? DEFAULT_LIMIT;
}

/** How samples are to be summed up. */
export function statisticsQuery(query: QueryParameters, identity: Identity, meter: string): StatisticsQuery {
  const filter = sampleFilter(query, identity);
  const alignedTo = filter.timestamps?.find(({ op }) => op === 'ge' || op === 'gt')?.at;
  return { meter, filter, periodS: period(query), alignedTo, groupBy: groupBy(query) };
}

function period(query: QueryParameters): number {
  const text = query.one('period');
  if (text === undefined) return 0;
  if (!/^[+-]?\d{1,12}$/.test(text)) throw invalidInput('period', text, `invalid literal for int() with base 10: '${text}'`);
  const seconds = Number(text);
  if (seconds < 0) throw invalidInput('period', text, 'Period must be positive.');
  if (seconds > MAX_PERIOD_S) throw invalidInput('period', text, `Value should be lower or equal to ${MAX_PERIOD_S}`);
  return seconds;
}

function groupBy(query: QueryParameters): GroupField[] {
  const fields = query.all('groupby').map((text) => {
    const field = GROUP_FIELDS.find((known) => known === text);
    if (!field) throw invalidInput('groupby', text, `Invalid groupby fields, should be one of: ${GROUP_FIELDS.join(', ')}`);
    return field;
  });
  return [...new Set(fields)];
}

function setEquality(filter: SampleFilter, item: QueryItem, identity: Identity): void {
  const name = Object.hasOwn(EQUALITIES, item.field) ? EQUALITIES[item.field] : undefined;
  if (name === undefined) throw unknownField(item);
  if (item.op !== 'eq') throw invalidInput('op', item.op, `unimplemented operator for ${item.field}`);
  if (filter[name] !== undefined) throw invalidInput('field', item.field, 'each field may be given once');
  if (name === 'projectId') refuseForeignProject(identity, item.value);
  filter[name] = item.value;
}

function unknownField({ field }: QueryItem): AppError {
  return new AppError('invalid_request', `Unknown argument: "${field}": unrecognized field in query`);
}

function timeBound({ op, value }: QueryItem): { op: TimeOperator; at: Date } {
  const known = TIME_OPERATORS.find((operator) => operator === op);
  if (!known) throw invalidInput('op', op, 'unimplemented operator for timestamp');
  const at = parseTimestamp(value);
  if (!at) throw invalidInput('timestamp', value, 'invalid timestamp format');
  return { op: known, at };
}

function checkedPath(path: string, { field, op }: QueryItem): string {
  if (op !== 'eq') throw invalidInput('op', op, `unimplemented operator for ${field}`);
  if (path.length > MAX_METADATA_PATH) throw invalidInput('field', field, 'unrecognized field in query');
  return path;
}

/** Metadata is compared as the text that the database gives for it. */
function comparedText(item: QueryItem): string {
  if (item.type === 'integer' || item.type === 'float') return String(Number(item.value));
  return item.type === 'boolean' ? String(booleanValue(item)) : item.value;
}
