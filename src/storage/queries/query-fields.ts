import { pythonJson } from '../../alarm/wire/python-json.js';
import { EVALUATE_TIMESTAMP, type StoredAlarm } from '../alarms/alarm-row.js';
import type { Field, Fields } from './complex-filter.js';
import type { HistoryEntry } from '../alarms/history-row.js';

/** Names of `ALARM_FIELDS`. */
export type AlarmFieldName =
  | 'alarm_id'
  | 'type'
  | 'enabled'
  | 'name'
  | 'description'
  | 'timestamp'
  | 'user_id'
  | 'project_id'
  | 'state'
  | 'state_timestamp'
  | 'state_reason'
  | 'ok_actions'
  | 'alarm_actions'
  | 'insufficient_data_actions'
  | 'repeat_actions'
  | 'rule'
  | 'time_constraints'
  | 'severity'
  | 'evaluate_timestamp';

/** A list of actions: `sealed:…` for those with secret parts, see `StoredAction`. */
function actionList(column: string): Pick<Field<StoredAlarm>, 'sql' | 'sealed' | 'orderSql'> & { kind: 'list' } {
  const orderSql = `regexp_replace(${column}::text, 'sealed:[0-9A-Za-z_.-]+:', '', 'g')::text[]`;
  return { kind: 'list', sql: column, sealed: 'a.action_secrets is not null', orderSql };
}

/** Fields for complex queries on alarms. Rules and time constraints are compared by their stored JSON text. */
export const ALARM_FIELDS: Fields<StoredAlarm, AlarmFieldName> = {
  alarm_id: { kind: 'text', sql: 'a.id', of: ({ id }) => id },
  type: { kind: 'text', sql: 'a.type', of: ({ rule }) => rule.type },
  enabled: { kind: 'boolean', sql: 'a.enabled', of: ({ enabled }) => enabled },
  name: { kind: 'text', sql: 'a.name', of: ({ name }) => name },
  description: { kind: 'text', sql: 'a.description', of: ({ description }) => description },
  timestamp: { kind: 'timestamp', sql: 'a.timestamp', of: ({ timestamp }) => timestamp },
  user_id: { kind: 'text', sql: 'a.user_id', isNullable: true, of: ({ userId }) => userId },
  project_id: { kind: 'text', sql: 'a.project_id', isNullable: true, of: ({ projectId }) => projectId },
  state: { kind: 'text', sql: 'a.state', of: ({ state }) => state },
  state_timestamp: { kind: 'timestamp', sql: 'a.state_timestamp', of: ({ stateTimestamp }) => stateTimestamp },
  state_reason: { kind: 'text', sql: 'a.state_reason', of: ({ stateReason }) => stateReason },
  ok_actions: { ...actionList('a.ok_actions'), of: ({ okActions }) => okActions },
  alarm_actions: { ...actionList('a.alarm_actions'), of: ({ alarmActions }) => alarmActions },
  insufficient_data_actions: {
    ...actionList('a.insufficient_data_actions'),
    of: ({ insufficientDataActions }) => insufficientDataActions,
  },
  repeat_actions: { kind: 'boolean', sql: 'a.repeat_actions', of: ({ repeatActions }) => repeatActions },
  rule: { kind: 'text', sql: 'a.rule', of: ({ ruleJson }) => ruleJson },
  time_constraints: {
    kind: 'text',
    sql: 'a.time_constraints',
    of: ({ timeConstraints }) => pythonJson(timeConstraints),
  },
  severity: { kind: 'severity', sql: 'a.severity', of: ({ severity }) => severity },
  evaluate_timestamp: {
    kind: 'timestamp',
    sql: EVALUATE_TIMESTAMP,
    of: ({ evaluateTimestamp }) => evaluateTimestamp,
  },
};

/** Names of `HISTORY_FIELDS`. */
export type HistoryFieldName =
  'event_id' | 'alarm_id' | 'type' | 'severity' | 'detail' | 'user_id' | 'project_id' | 'on_behalf_of' | 'timestamp';

/** Fields for complex queries on history entries. */
export const HISTORY_FIELDS: Fields<HistoryEntry, HistoryFieldName> = {
  event_id: { kind: 'text', sql: 'event_id', of: ({ eventId }) => eventId },
  alarm_id: { kind: 'text', sql: 'alarm_id', of: ({ alarmId }) => alarmId },
  type: { kind: 'text', sql: 'type', of: ({ type }) => type },
  severity: { kind: 'severity', sql: 'severity', isNullable: true, of: ({ severity }) => severity },
  detail: { kind: 'text', sql: 'detail', sealed: 'sealed_detail is not null', of: ({ detail }) => detail },
  user_id: { kind: 'text', sql: 'user_id', isNullable: true, of: ({ userId }) => userId },
  project_id: { kind: 'text', sql: 'project_id', isNullable: true, of: ({ projectId }) => projectId },
  on_behalf_of: { kind: 'text', sql: 'on_behalf_of', isNullable: true, of: ({ onBehalfOf }) => onBehalfOf },
  timestamp: { kind: 'timestamp', sql: 'timestamp', of: ({ timestamp }) => timestamp },
};
