import { AppError } from '../../errors.js';
import type { SampleFilter, TimeOperator } from '../../storage/meters/sample-filter.js';
import type { ResourceFilter } from '../../storage/meters/resource-list.js';
import { refuseForeignProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { booleanValue, invalidInput, type QueryCondition, type QueryParameters } from '../http/query-parameters.js';
import { parseTimestamp } from './timestamp.js';

const FIELDS: Record<string, 'resourceId' | 'projectId' | 'userId' | 'source' | 'messageId'> = {
  resource: 'resourceId',
  resource_id: 'resourceId',
  project: 'projectId',
  project_id: 'projectId',
  user: 'userId',
  user_id: 'userId',
  source: 'source',
  message_id: 'messageId',
};
const METADATA = /^(?:resource_)?metadata\.(.+)$/;
const TIME_OPERATORS = ['lt', 'le', 'gt', 'ge', 'eq'] as const satisfies readonly TimeOperator[];

/** The filter for samples. @throws AppError `not_authorized` if the query names another project. */
export function sampleFilter(query: QueryParameters, identity: Identity): SampleFilter {
  const filter: SampleFilter = {};
  const metadata: { path: string; value: string }[] = [];
  const timestamps: { op: TimeOperator; at: Date }[] = [];
  for (const item of query.items({ repeatable: ['timestamp'] })) {
    if (item.field === 'timestamp') timestamps.push(boundOf(item));
    else if (METADATA.test(item.field)) metadata.push(metadataOf(item));
    else setField(filter, item, identity);
  }
  return { ...filter, ...(metadata.length > 0 ? { metadata } : {}), ...(timestamps.length > 0 ? { timestamps } : {}) };
}

/** The filter for meters or resources. */
export function resourceFilter(query: QueryParameters, identity: Identity): ResourceFilter {
  const { resourceId, projectId, userId, source, ...rest } = sampleFilter(query, identity);
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw new AppError('invalid_request', `Unknown argument: "${unknown}": not valid for this resource`);
  return Object.fromEntries(
    Object.entries({ resourceId, projectId, userId, source }).filter(([, value]) => value !== undefined),
  );
}

function metadataOf(item: QueryCondition): { path: string; value: string } {
  return { path: METADATA.exec(item.field)?.[1] ?? '', value: storedText(equal(item)) };
}

/** A typed value in the form in which the database prints the same value from stored JSON. */
function storedText(item: QueryCondition): string {
  if (item.type === 'integer' || item.type === 'float') return String(Number(item.value));
  return item.type === 'boolean' ? String(booleanValue(item)) : item.value;
}

function setField(filter: SampleFilter, item: QueryCondition, identity: Identity): void {
  const name = Object.hasOwn(FIELDS, item.field) ? FIELDS[item.field] : undefined;
  if (name === undefined)
    throw new AppError('invalid_request', `Unknown argument: "${item.field}": unrecognized field in query`);
  const { value } = equal(item);
  if (name === 'projectId') refuseForeignProject(identity, value);
  if (filter[name] !== undefined) throw invalidInput('field', item.field, 'each field may be given once');
  filter[name] = value;
}

function equal(item: QueryCondition): QueryCondition {
  if (item.op !== 'eq') throw invalidInput('op', item.op, `unimplemented operator for ${item.field}`);
  return item;
}

function boundOf({ op, value }: QueryCondition): { op: TimeOperator; at: Date } {
  const known = TIME_OPERATORS.find((operator) => operator === op);
  if (!known) throw invalidInput('op', op, 'unimplemented operator for timestamp');
  const at = parseTimestamp(value);
  if (!at) throw invalidInput('timestamp', value, 'invalid timestamp format');
  return { op: known, at };
}
