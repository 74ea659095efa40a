import { ADMIN, type Caller } from '../../support/api.js';
import type { Reason } from './reasons.js';

/** Who asks. Aodh's noauth mode implies no role by another, so that a member of a project says that it reads, too. */
export const ADMINISTRATOR = ADMIN;
export const MEMBER: Caller = { 'x-user-id': 'u1', 'x-project-id': 'p1', 'x-roles': 'member,reader' };
export const STRANGER: Caller = { 'x-user-id': 'u2', 'x-project-id': 'p2', 'x-roles': 'member,reader' };

/**
 * One request to both services. `{name}` in a path or a body is the id of the alarm that an earlier one has created as
 * `name`.
 */
export interface Exchange {
  method: string;
  path: string;
  /** MEMBER unless told. */
  as?: Caller;
  body?: unknown;
  raw?: string;
  headers?: Readonly<Record<string, string>>;
  /** The name under which later requests find the alarm that this one creates. */
  saves?: string;
  /** Why the answers differ. Without it they must be the same. */
  differs?: Reason;
}

type Fields = Record<string, unknown>;

export const event = (fields: Fields = {}, rule: Fields = {}): Fields => ({
  name: 'an event',
  type: 'event',
  event_rule: { event_type: 'compute.*', ...rule },
  ...fields,
});

const gnocchi = (type: string, own: Fields, rule: Fields, fields: Fields): Fields => ({
  name: `a ${type}`,
  type,
  [`${type}_rule`]: { threshold: 80, aggregation_method: 'mean', ...own, ...rule },
  ...fields,
});

export const resource = (rule: Fields = {}, fields: Fields = {}): Fields =>
  gnocchi('gnocchi_resources_threshold', { metric: 'cpu', resource_id: 'r1', resource_type: 'instance' }, rule, fields);

export const metrics = (rule: Fields = {}, fields: Fields = {}): Fields =>
  gnocchi('gnocchi_aggregation_by_metrics_threshold', { metrics: ['m1', 'm2'] }, rule, fields);

export const resources = (rule: Fields = {}, fields: Fields = {}): Fields =>
  gnocchi(
    'gnocchi_aggregation_by_resources_threshold',
    { metric: 'cpu', query: '{"=": {"server_group": "g1"}}', resource_type: 'instance' },
    rule,
    fields,
  );

export const balancer = (rule: Fields = {}): Fields => ({
  name: 'a balancer',
  type: 'loadbalancer_member_health',
  loadbalancer_member_health_rule: { pool_id: 'pool', stack_id: 'stack', autoscaling_group_id: 'group', ...rule },
});

export const LEAF = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu',
  resource_id: 'r1',
  resource_type: 'instance',
  threshold: 80,
  aggregation_method: 'mean',
};

export const composite = (rule: unknown): Fields => ({ name: 'a composite', type: 'composite', composite_rule: rule });

export const post = (body: unknown, more: Partial<Exchange> = {}): Exchange => ({
  method: 'POST',
  path: '/v2/alarms',
  body,
  ...more,
});
export const get = (path: string, more: Partial<Exchange> = {}): Exchange => ({ method: 'GET', path, ...more });
export const put = (path: string, body: unknown, more: Partial<Exchange> = {}): Exchange => ({
  method: 'PUT',
  path,
  body,
  ...more,
});

/** The same requests, all of which differ for one reason. */
export function because(differs: Reason, exchanges: readonly Exchange[]): Exchange[] {
  return exchanges.map((exchange) => ({ ...exchange, differs }));
}
