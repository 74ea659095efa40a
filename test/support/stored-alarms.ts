import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { placementOf } from '../../src/alarm/partition-key.js';
import { alarmTypes, typeOf, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';

export interface StoredAlarm {
  id: string;
  rule: AlarmRule;
  projectId?: string;
  state?: string;
  enabled?: boolean;
  repeatActions?: boolean;
  okActions?: string[];
  alarmActions?: string[];
  insufficientDataActions?: string[];
  timeConstraints?: unknown[];
  at?: Date;
}

/** A threshold rule as a request would give it: `avg` of the last minute above 80 unless said otherwise. */
export function thresholdRule(fields: Record<string, unknown> = {}): AlarmRule {
  return alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 80, comparison_operator: 'gt', ...fields });
}

export function combinationRule(operator: 'and' | 'or', ...ids: string[]): AlarmRule {
  return alarmTypes.combination.schema.parse({ operator, alarm_ids: ids });
}

const INSERT = `
  insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions,
                      insufficient_data_actions, repeat_actions, severity, time_constraints, timestamp, created_at,
                      state, state_reason, state_timestamp, query_key, partition)
  select id, "projectId", 'u', type, 'alarm ' || id, '', enabled, rule, "okActions", "alarmActions",
         "insufficientDataActions", "repeatActions", 'low', "timeConstraints", at, at, state, 'Not evaluated yet', at,
         "queryKey", partition
    from json_to_recordset($1::text::json) as given (
         id text, "projectId" text, type text, enabled boolean, rule text, "okActions" text[], "alarmActions" text[],
         "insufficientDataActions" text[], "repeatActions" boolean, "timeConstraints" text, at timestamptz, state text,
         "queryKey" text, partition smallint)`;
const INSERT_MEMBERS = `
  insert into alarm_members (combination_id, member_id) select * from unnest($1::text[], $2::text[])`;

const DEFAULTS = {
  projectId: 'p',
  state: 'insufficient data',
  enabled: true,
  repeatActions: false,
  okActions: [],
  alarmActions: [],
  insufficientDataActions: [],
  at: new Date('2026-01-01T00:00:00Z'),
} as const;

/** Puts alarms straight into the table, with one statement, as the API would store them. */
export async function storeAlarms(db: Database, alarms: readonly StoredAlarm[]): Promise<void> {
  const rows = alarms.map((alarm) => ({
    ...DEFAULTS,
    ...alarm,
    type: alarm.rule.type,
    rule: typeOf(alarm.rule).ruleJson(alarm.rule),
    timeConstraints: JSON.stringify(alarm.timeConstraints ?? []),
    ...placementOf(alarm.rule, NO_OPTIONS, alarm.id),
  }));
  await db.query(INSERT, [JSON.stringify(rows)]);
  const members = alarms.flatMap(({ id, rule }) =>
    typeOf(rule)
      .members(rule)
      .map((member) => [id, member] as const),
  );
  if (members.length === 0) return;
  await db.query(INSERT_MEMBERS, [members.map(([id]) => id), members.map(([, member]) => member)]);
}

/** Puts one alarm straight into the table. */
export function storeAlarm(db: Database, alarm: StoredAlarm): Promise<void> {
  return storeAlarms(db, [alarm]);
}

/** One sample of one meter. */
export async function storeSample(
  db: Database,
  meter: string,
  sample: { volume: number; at: Date; resource?: string; project?: string; metadata?: object },
): Promise<void> {
  const { volume, at, resource = 'r', project = 'p', metadata = {} } = sample;
  await db.query(
    `insert into samples (message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp,
      recorded_at, resource_metadata)
     values (gen_random_uuid()::text, $1, 'gauge', '%', $2, $3, $4, 'u', 'test', $5, $5, $6::text::jsonb)`,
    [meter, volume, resource, project, at, JSON.stringify(metadata)],
  );
}
