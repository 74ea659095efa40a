import { randomUUID } from 'node:crypto';

import { deliveryQueueOf, type NotificationKind } from '../../src/alarm/notification.js';
import { unsealedAction } from '../../src/alarm/stored-action.js';
import type { Database } from '../../src/storage/database.js';
import { NOON } from './builders.js';

export interface StoredNotification {
  id: string;
  alarmId?: string;
  projectId?: string | null;
  kind?: NotificationKind;
  /** The delivery queue; by default that of the alarm and the action. */
  queue?: string;
  sequence?: number;
  /** Without it the notification is in no list of its alarm, and no edit removes its action. */
  actionList?: string;
  action?: string;
  host?: string;
  policy?: 'current' | 'every' | null;
  body?: string;
  /** Of its row in `notification_bodies`; by default it shares it with no other. */
  bodyId?: string;
  status?: string;
  attempt?: number;
  nextAttemptAt?: Date;
  claimUntil?: Date | null;
  createdAt?: Date;
  replayedAt?: Date | null;
  finishedAt?: Date | null;
}

export const A_BODY =
  '{"alarm_name": "cpu h\\u00f6her", "alarm_id": "a", "severity": "low", "previous": "ok", ' +
  '"current": "alarm", "reason": "because", "reason_data": {"most_recent": 95.0}}';

const DEFAULTS = {
  alarmId: 'a',
  projectId: 'p',
  kind: 'transition',
  sequence: 1,
  action: 'http://receiver/hook',
  host: 'receiver:80',
  policy: null,
  body: A_BODY,
  status: 'pending',
  attempt: 0,
  claimUntil: null,
  replayedAt: null,
  finishedAt: null,
} as const;

const INSERT = `
  with given as (
    select * from json_to_recordset($1::text::json) as given (
         id text, "alarmId" text, "projectId" text, kind text, sequence bigint, "actionList" text, action text,
         queue text, host text, policy text, body text, "bodyId" uuid, status text, attempt int,
         "nextAttemptAt" timestamptz, "claimUntil" timestamptz, "createdAt" timestamptz, "replayedAt" timestamptz,
         "finishedAt" timestamptz)
  ),
  bodies as (
    insert into notification_bodies (id, body) select distinct on ("bodyId") "bodyId", body from given
  )
  insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, slot, action_list,
                             action_index, action, lane, host, policy, body_id, status, attempt, next_attempt_at,
                             claim_until, created_at, replayed_at, finished_at)
  select id, "alarmId", "projectId", kind, sequence, "createdAt", case when kind = 'repeat' then "createdAt" end,
         coalesce("actionList", id), 0, action, queue, host, policy, "bodyId", status, attempt, "nextAttemptAt",
         "claimUntil", "createdAt", "replayedAt", "finishedAt"
    from given`;

/**
 * Puts notifications straight into the outbox, with one statement; due at noon unless said otherwise. A later one comes
 * later in its delivery queue.
 */
export async function storeNotifications(db: Database, all: readonly StoredNotification[]): Promise<void> {
  const rows = all.map((given) => {
    const createdAt = given.createdAt ?? NOON;
    const row = { ...DEFAULTS, createdAt, nextAttemptAt: createdAt, bodyId: randomUUID(), ...given };
    return { ...row, queue: given.queue ?? deliveryQueueOf(row.alarmId, unsealedAction(row.action)) };
  });
  await db.query(INSERT, [JSON.stringify(rows)]);
}

/** Puts one notification straight into the outbox. */
export function storeNotification(db: Database, given: StoredNotification): Promise<void> {
  return storeNotifications(db, [given]);
}

/** Puts notifications with ids that begin with this prefix into the outbox, each with a delivery queue of its own. */
export function storeNumbered(
  db: Database,
  prefix: string,
  count: number,
  given: Partial<StoredNotification> = {},
): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  return storeNotifications(
    db,
    ids.map((id) => ({ id, alarmId: id, ...given })),
  );
}

/** Hosts that have answered at their last attempt, so that the limits for unknown hosts do not hold for them. */
export async function storeAnsweringHosts(db: Database, ...hosts: string[]): Promise<void> {
  await db.query(
    `insert into receiver_hosts (host, answered, outcome_at) select h, true, $2 from unnest($1::text[]) h
     on conflict (host) do update set answered = true`,
    [hosts, NOON],
  );
}

/** The status of every notification, by id. */
export async function statuses(db: Database): Promise<Record<string, string>> {
  const { rows } = await db.query<{ id: string; status: string }>(
    'select id, status from notifications order by ordinal',
  );
  return Object.fromEntries(rows.map(({ id, status }) => [id, status]));
}
