import { Conditions } from '../conditions.js';
import { restrictToScope, type Scope } from '../scope.js';

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

/** Returns the conditions for the samples of one meter in a scope that match the filter. */
export function sampleConditions(scope: Scope, meter: string, filter: SampleFilter): Conditions {
  const conditions = new Conditions();
  conditions.equal('meter', meter, 'text');
  restrictToScope(scope, 'project_id', conditions);
  conditions.equal('resource_id', filter.resourceId, 'text');
  conditions.equal('project_id', filter.projectId, 'text');
  conditions.equal('user_id', filter.userId, 'text');
  conditions.equal('source', filter.source, 'text');
  conditions.equal('message_id', filter.messageId, 'text');
  for (const { path, value } of filter.metadata ?? []) {
    const nested = `resource_metadata #>> ${conditions.parameter(path.split('.'), 'text[]')}`;
    const dotted = `resource_metadata ->> ${conditions.parameter(path, 'text')}`;
    conditions.equal(`coalesce(${nested}, ${dotted})`, value, 'text');
  }
  for (const { op, at } of filter.timestamps ?? []) {
    conditions.add(`timestamp ${COMPARISONS[op]} ${conditions.parameter(at, 'timestamptz')}`);
  }
  return conditions;
}
