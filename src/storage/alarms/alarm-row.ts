import type { Alarm, AlarmActions } from '../../alarm/alarm.js';
import { NO_OPTIONS, type EvaluationOptions } from '../../alarm/evaluation-options.js';
import { placementOf, type Placement } from '../../alarm/partition-key.js';
import type { StoredActions } from '../../alarm/stored-action.js';
import { pythonJson } from '../../alarm/wire/python-json.js';
import type { TimeConstraint } from '../../alarm/time-constraint/time-constraint.js';
import { readStoredRule, type StoredRule } from '../../alarm/types/index.js';
import type { Sealer } from '../secrets/sealed.js';
import { openActions, openSecrets, type ActionSecrets, type SealedActions } from '../secrets/sealed-actions.js';
import { columnsOf, WrittenColumns, type RowOf } from '../written-columns.js';

/** An alarm with the stored text of its rule. */
export type StoredAlarm = Alarm & StoredRule;

type WrittenAlarm = Omit<StoredAlarm, keyof AlarmActions> & SealedActions & Placement;

const column = columnsOf<WrittenAlarm>();

/** The columns that creations and edits write and that are read back: one line for each field of an alarm. */
const FIELD_COLUMNS = {
  id: column('text', ({ id }) => id),
  project_id: column('text', ({ projectId }) => projectId),
  user_id: column('text', ({ userId }) => userId),
  type: column('text', ({ rule }) => rule.type),
  name: column('text', ({ name }) => name),
  description: column('text', ({ description }) => description),
  enabled: column('boolean', ({ enabled }) => enabled),
  rule: column('text', ({ ruleJson }) => ruleJson),
  ok_actions: column('text[]', ({ okActions }) => okActions),
  alarm_actions: column('text[]', ({ alarmActions }) => alarmActions),
  insufficient_data_actions: column('text[]', ({ insufficientDataActions }) => insufficientDataActions),
  action_secrets: column('text', ({ actionSecrets }) => actionSecrets),
  repeat_actions: column('boolean', ({ repeatActions }) => repeatActions),
  severity: column('text', ({ severity }) => severity),
  time_constraints: column('text', ({ timeConstraints }) => pythonJson(timeConstraints)),
  delivery_policy: column('text', ({ deliveryPolicy }) => deliveryPolicy),
  evaluation_options: column('text', ({ evaluationOptions }) => evaluationOptions && JSON.stringify(evaluationOptions)),
  muted: column('boolean', ({ muted }) => muted),
  timestamp: column('timestamptz', ({ timestamp }) => timestamp),
  state: column('text', ({ state }) => state),
  state_version: column('bigint', ({ stateVersion }) => stateVersion),
  state_reason: column('text', ({ stateReason }) => stateReason),
  state_timestamp: column('timestamptz', ({ stateTimestamp }) => stateTimestamp),
};

/** All columns that creations and edits write. */
export const ALARM_WRITTEN = new WrittenColumns({
  ...FIELD_COLUMNS,
  partition: column('smallint', ({ partition }) => partition),
  // No statement reads it: it tells people which alarms share a query, and so a partition.
  query_key: column('text', ({ queryKey }) => queryKey),
});

/** SQL of the columns of a creation and of their parameters: also `created_at`, which an edit does not change. */
export const ALARM_CREATION = {
  names: `${ALARM_WRITTEN.names}, created_at`,
  parameters: `${ALARM_WRITTEN.parameters()}, ${ALARM_WRITTEN.parameter('timestamp')}`,
} as const;

/** A row of `ALARM_COLUMNS`. */
export interface AlarmRow extends RowOf<typeof FIELD_COLUMNS> {
  definition_version: number;
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
export const ALARM_COLUMNS = `${Object.keys(FIELD_COLUMNS)
  .map((name) => `a.${name}`)
  .join(', ')}, a.definition_version, ${EVALUATE_TIMESTAMP} as evaluate_timestamp`;
/** The `from` clause for `ALARM_COLUMNS`. */
export const ALARM_TABLES = 'alarms a join partitions p on p.id = a.partition';

/** The secrets of an alarm's actions; undefined if it has none. @throws Error when their key is not configured. */
export function secretsIn(row: AlarmRow, sealer: Sealer): ActionSecrets | undefined {
  const { id, project_id: projectId, action_secrets: sealed } = row;
  return sealed === null ? undefined : openSecrets(sealed, { id, projectId }, sealer);
}

/** The actions of an alarm as they are stored. */
export function storedActionsIn(row: AlarmRow): StoredActions {
  return {
    okActions: row.ok_actions,
    alarmActions: row.alarm_actions,
    insufficientDataActions: row.insufficient_data_actions,
  };
}

/** Converts a row to an alarm. @throws Error when the key of its secrets is not configured. */
export function toAlarm(row: AlarmRow, sealer: Sealer): StoredAlarm {
  return openedAlarm(row, secretsIn(row, sealer));
}

/** Converts a row to an alarm with the secrets of its actions. */
export function openedAlarm(row: AlarmRow, secrets: ActionSecrets | undefined): StoredAlarm {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    name: row.name,
    description: row.description,
    enabled: row.enabled,
    ...readStoredRule(row.type, row.rule),
    ...openActions(storedActionsIn(row), secrets),
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

/** The parameters of a statement that writes `ALARM_WRITTEN`. */
export function alarmParameters(alarm: StoredAlarm, actions: SealedActions): unknown[] {
  const placement = placementOf(alarm.rule, alarm.evaluationOptions ?? NO_OPTIONS, alarm.id);
  return ALARM_WRITTEN.values({ ...alarm, ...actions, ...placement });
}

/** Parses stored evaluation options. The API checked them before they were stored. */
export function parseStoredOptions(json: string | null): EvaluationOptions | null {
  return json === null ? null : (JSON.parse(json) as EvaluationOptions);
}
