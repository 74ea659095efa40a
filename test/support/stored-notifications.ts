import { laneOf } from '../../src/alarm/notification.js';
import type { Database } from '../../src/storage/database.js';
import { NOON } from './builders.js';

export interface StoredNotification {
  id: string;
  alarmId?: string;
  projectId?: string | null;
  kind?: 'transition' | 'repeat';
  sequence?: number;
  action?: string;
  host?: string;
  policy?: 'current' | 'every' | null;
  body?: string;
  status?: string;
  attempt?: number;
  nextAttemptAt?: Date;
  claimUntil?: Date | null;
  createdAt?: Date;
  replayedAt?: Date | null;
  finishedAt?: Date | null;
}

export const A_BODY =
  '{"alarm_name": "cpu h\\u00f6her", "alarm_id": "a", "severity": "low", "previous": "ok", "current": "alarm", "reason": "because", "reason_data": {"most_recent": 95.0}}';

const INSERT = `
  insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, slot, action_list, action_index, action, lane, host,
                             policy, body, status, attempt, next_attempt_at, claim_until, created_at, replayed_at, finished_at)
  values ($1, $2, $3, $4, $5, $6, case when $4 = 'repeat' then $6::timestamptz end, $1, 0, $7, $8, $9, $10, $11, $12, $13, $14, $15, $6, $16, $17)`;

/** Puts a notification straight into the outbox; due at noon unless said otherwise. What is stored later comes later in its lane. */
export async function storeNotification(db: Database, given: StoredNotification): Promise<void> {
  const { id, alarmId = 'a', action = 'http://receiver/hook' } = given;
  await db.query(INSERT, [
    id,
    alarmId,
    given.projectId === undefined ? 'p' : given.projectId,
    given.kind ?? 'transition',
    given.sequence ?? 1,
    given.createdAt ?? NOON,
    action,
    laneOf(alarmId, action),
    given.host ?? 'receiver:80',
    given.policy ?? null,
    given.body ?? A_BODY,
    given.status ?? 'pending',
    given.attempt ?? 0,
    given.nextAttemptAt ?? given.createdAt ?? NOON,
    given.claimUntil ?? null,
    given.replayedAt ?? null,
    given.finishedAt ?? null,
  ]);
}

/** The status of every notification, by id. */
export async function statuses(db: Database): Promise<Record<string, string>> {
  const { rows } = await db.query<{ id: string; status: string }>('select id, status from notifications order by ordinal');
  return Object.fromEntries(rows.map(({ id, status }) => [id, status]));
}
