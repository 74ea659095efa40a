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
    insufficient_data_actions,
                      repeat_actions, severity, time_constraints, timestamp, created_at, state, state_reason,
                        state_timestamp, query_key, partition)
  values ($1, $2, 'u', $3, $4, '', $5, $6, $7::text[], $8::text[], $9::text[], $10, 'low', $11, $12, $12, $13,
    'Not evaluated yet', $12, $14, $15)`;

/** Puts an alarm straight into the table, as the API would store it. */
export async function storeAlarm(db: Database, alarm: StoredAlarm): Promise<void> {
  const { id, rule } = alarm;
  const type = typeOf(rule);
  const { queryKey, partition } = placementOf(rule, NO_OPTIONS, id);
  await db.query(INSERT, [
    id,
    alarm.projectId ?? 'p',
    rule.type,
    `alarm ${id}`,
    alarm.enabled ?? true,
    type.ruleJson(rule),
    alarm.okActions ?? [],
    alarm.alarmActions ?? [],
    alarm.insufficientDataActions ?? [],
    alarm.repeatActions ?? false,
    JSON.stringify(alarm.timeConstraints ?? []),
    alarm.at ?? new Date('2026-01-01T00:00:00Z'),
    alarm.state ?? 'insufficient data',
    queryKey,
    partition,
  ]);
  for (const member of type.members(rule)) {
    await db.query('insert into alarm_members (combination_id, member_id) values ($1, $2)', [id, member]);
  }
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
