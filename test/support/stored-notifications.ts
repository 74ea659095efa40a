import type { Database } from '../../src/storage/database.js';
import { NOON } from './builders.js';

export interface StoredNotification {
  id: string;
  alarmId: string;
  projectId: string;
  status: string;
}

/** Puts the notification of an alarm's first transition straight into the table, as an evaluator would. */
export async function storeNotification(db: Database, { id, alarmId, projectId, status }: StoredNotification): Promise<void> {
  await db.query(
    `insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index, action, lane, host,
       body, status, next_attempt_at, created_at)
     values ($1, $2, $3, 'transition', (select count(*) from notifications), $5, 'alarm_actions', 0, 'http://h/', $2, 'h:80', '{}', $4, $5, $5)`,
    [id, alarmId, projectId, status, NOON],
  );
}
