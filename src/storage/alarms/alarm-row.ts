import type { Alarm, DeliveryPolicy, Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { NO_OPTIONS, type EvaluationOptions } from '../../alarm/evaluation-options.js';
import { placementOf } from '../../alarm/partition-key.js';
import { pythonJson } from '../../alarm/wire/python-json.js';
import type { TimeConstraint } from '../../alarm/time-constraint/time-constraint.js';
import { parseStoredRule, type AlarmKind } from '../../alarm/types/index.js';

/** An alarm with its rule as it is stored: the very text that clients read back. */
export interface StoredAlarm extends Alarm {
  ruleJson: string;
}

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
 * When an alarm was last evaluated, from `alarms a` joined with `partitions p`: an alarm that is behind was not
 * evaluated with its partition.
 */
export const LAST_EVALUATED = `case when p.behind ? a.id then to_timestamp((p.behind -> a.id ->> 'lastMs')::float8 /
  1000)
  else p.last_evaluated_at end`;
export const EVALUATE_TIMESTAMP = `greatest(a.created_at, ${LAST_EVALUATED})`;

/** Columns of `AlarmRow`, from `alarms a` joined with `partitions p`. */
export const ALARM_COLUMNS = `a.id, a.project_id, a.user_id, a.type, a.name, a.description, a.enabled, a.rule,
  a.ok_actions, a.alarm_actions, a.insufficient_data_actions, a.repeat_actions, a.severity, a.time_constraints,
  a.delivery_policy, a.timestamp, a.state, a.state_version, a.state_reason, a.state_timestamp, a.definition_version,
    a.muted, a.evaluation_options,
  ${EVALUATE_TIMESTAMP} as evaluate_timestamp`;
export const ALARM_TABLES = 'alarms a join partitions p on p.id = a.partition';

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

/** What both an insert and a replacement write, in the order of their statements' first 22 parameters. */
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

/** As they were written; the API has checked them. */
export function parseStoredOptions(json: string | null): EvaluationOptions | null {
  return json === null ? null : (JSON.parse(json) as EvaluationOptions);
}
