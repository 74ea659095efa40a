import type { Conditions } from '../conditions.js';
import { restrictToScope, type Scope } from '../scope.js';
import { valueBytes, type SlicedTable } from '../slices.js';

/** Conditions on samples that must all hold. */
export interface SampleFilter {
  resourceId?: string;
  projectId?: string;
  userId?: string;
  source?: string;
  messageId?: string;
  /** Values at dotted paths of the metadata, compared as text. */
  metadata?: readonly { path: string; value: string }[];
  timestamps?: readonly { op: TimeOperator; at: Date }[];
}

/** Comparison with a timestamp. */
export type TimeOperator = 'lt' | 'le' | 'gt' | 'ge' | 'eq';

const COMPARISONS = { lt: '<', le: '<=', gt: '>', ge: '>=', eq: '=' } as const satisfies Record<TimeOperator, string>;

/** Adds the conditions that an index answers: the meter, the resource and the time span. */
export function boundSamples(conditions: Conditions, meter: string, { resourceId, timestamps }: SampleFilter): void {
  conditions.equal('meter', meter, 'text');
  conditions.equal('resource_id', resourceId, 'text');
  for (const { op, at } of timestamps ?? []) {
    conditions.add(`timestamp ${COMPARISONS[op]} ${conditions.parameter(at, 'timestamptz')}`);
  }
}

/** Adds the other conditions: the scope, and what no index answers. */
export function filterSamples(conditions: Conditions, scope: Scope, filter: SampleFilter): void {
  restrictToScope(scope, 'project_id', conditions);
  conditions.equal('project_id', filter.projectId, 'text');
  conditions.equal('user_id', filter.userId, 'text');
  conditions.equal('source', filter.source, 'text');
  conditions.equal('message_id', filter.messageId, 'text');
  for (const { path, value } of filter.metadata ?? []) {
    const nested = `resource_metadata #>> ${conditions.parameter(path.split('.'), 'text[]')}`;
    const dotted = `resource_metadata ->> ${conditions.parameter(path, 'text')}`;
    conditions.equal(`coalesce(${nested}, ${dotted})`, value, 'text');
  }
}

/** Samples in the order of their times. The indexes on meter, and on meter and resource, have it. */
export function slicedSamples(order: 'oldest first' | 'newest first'): SlicedTable {
  const descending = order === 'newest first';
  return {
    table: 'samples',
    alias: 'samples',
    keys: [
      { sql: 'timestamp', type: 'timestamptz', descending },
      { sql: 'id', type: 'bigint', descending },
    ],
    bytes: valueBytes('resource_metadata'),
  };
}
