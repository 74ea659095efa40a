import type { Alarm, DeliveryPolicy, Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { NO_OPTIONS, type EvaluationOptions } from '../../alarm/evaluation-options.js';
import { placementOf } from '../../alarm/partition-key.js';
import { pythonJson } from '../../alarm/wire/python-json.js';
import type { TimeConstraint } from '../../alarm/time-constraint/time-constraint.js';
import { parseStoredRule, type AlarmKind } from '../../alarm/types/index.js';

/** An alarm with the stored text of its rule, which clients read back. */
export interface StoredAlarm extends Alarm {
  ruleJson: string;
}

/** A row of `ALARM_COLUMNS`. */
export interface AlarmRow {
  id: string;
  project_id: string | null;
  user_id: string | null;
  type: AlarmKind;
  name: string;
  description: string;
  enabled: boolean;
  rule: string;
  ok_actions: string[] | null;
  alarm_actions: string[] | null;
  insufficient_data_actions: string[] | null;
  repeat_actions: boolean;
  severity: Severity;
  time_constraints: string;
  delivery_policy: DeliveryPolicy | null;
  evaluation_options: string | null;
  timestamp: Date;
  state: AlarmState;
  state_version: number;
  state_reason: string;
  state_timestamp: Date;
  definition_version: number;
  muted: boolean;
  evaluate_timestamp: Date;
}

/**
 * SQL for the time of an alarm's last evaluation, from `alarms a` joined with `partitions p`. An alarm that is behind
 * was not evaluated together with its partition.
 */
export const LAST_EVALUATED = `case
  when p.behind ? a.id then to_timestamp((p.behind -> a.id ->> 'lastMs')::float8 / 1000)
  else p.last_evaluated_at end`;
/** SQL for the API's `evaluate_timestamp`: the last evaluation, or the creation before the first one. */
export const EVALUATE_TIMESTAMP = `greatest(a.created_at, ${LAST_EVALUATED})`;

/** SQL for the columns of `AlarmRow`, from `ALARM_TABLES`. */
export const ALARM_COLUMNS = `a.id, a.project_id, a.user_id, a.type, a.name, a.description, a.enabled, a.rule,
  a.ok_actions, a.alarm_actions, a.insufficient_data_actions, a.repeat_actions, a.severity, a.time_constraints,
  a.delivery_policy, a.timestamp, a.state, a.state_version, a.state_reason, a.state_timestamp, a.definition_version,
  a.muted, a.evaluation_options,
  ${EVALUATE_TIMESTAMP} as evaluate_timestamp`;
/** The `from` clause for `ALARM_COLUMNS`. */
export const ALARM_TABLES = 'alarms a join partitions p on p.id = a.partition';

/** Converts a row to an alarm. */
export function toAlarm(row: AlarmRow): StoredAlarm {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    enabled: row.enabled,
    rule: parseStoredRule(row.type, row.rule),
    ruleJson: row.rule,
    okActions: row.ok_actions,
    alarmActions: row.alarm_actions,
    insufficientDataActions: row.insufficient_data_actions,
    repeatActions: row.repeat_actions,
    severity: row.severity,
    timeConstraints: JSON.parse(row.time_constraints) as TimeConstraint[],
    deliveryPolicy: row.delivery_policy,
    evaluationOptions: parseStoredOptions(row.evaluation_options),
    timestamp: row.timestamp,
    state: row.state,
    stateVersion: row.state_version,
    stateReason: row.state_reason,
    stateTimestamp: row.state_timestamp,
    definitionVersion: row.definition_version,
    muted: row.muted,
    evaluateTimestamp: row.evaluate_timestamp,
  };
}

/** Returns the first 22 parameters of the statements that insert or replace an alarm, in their order. */
export function alarmParameters(alarm: StoredAlarm): unknown[] {
  const { queryKey, partition } = placementOf(alarm.rule, alarm.evaluationOptions ?? NO_OPTIONS, alarm.id);
  return [
    alarm.id,
    alarm.projectId,
    alarm.userId,
    alarm.rule.type,
    alarm.name,
    alarm.description,
    alarm.enabled,
    alarm.ruleJson,
    alarm.okActions,
    alarm.alarmActions,
    alarm.insufficientDataActions,
    alarm.repeatActions,
    alarm.severity,
    pythonJson(alarm.timeConstraints),
    alarm.deliveryPolicy,
    alarm.timestamp,
    alarm.state,
    alarm.stateReason,
    alarm.stateTimestamp,
    queryKey,
    partition,
    alarm.evaluationOptions && JSON.stringify(alarm.evaluationOptions),
  ];
}

/** Parses stored evaluation options. The API checked them before they were stored. */
export function parseStoredOptions(json: string | null): EvaluationOptions | null {
  return json === null ? null : (JSON.parse(json) as EvaluationOptions);
}
