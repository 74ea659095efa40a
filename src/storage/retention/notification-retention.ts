import type { Database } from '../database.js';
import { pruneHours } from '../notifications/hourly-limit-store.js';
import { pruneHolds, pruneHosts } from '../notifications/receiver-host-store.js';
import { PRUNE_BATCH } from './retention-store.js';

/** Advisory lock of the deletion of notifications. Any constant that no other lock has. */
const PRUNE_LOCK = 8042_0004;
const LOCK_PRUNING = 'select pg_try_advisory_xact_lock($1) as "isMine"';

/** Locks the rows before it deletes them, since a replay may make one pending at the same moment. */
const ENDED = `
  delete from notifications where id in (
    select id from notifications where status = any($2::text[]) and finished_at < $1 limit ${PRUNE_BATCH}
      for update skip locked)
  returning body_id as "bodyId"`;
/** Keeps those of the present state of an alarm that is not settled yet, since they may still be sent. */
const SILENCED = `
  delete from notifications where id in (
    select n.id from notifications n
     where n.status = 'silenced' and n.finished_at < $1
       and not exists (
         select 1 from alarms a
          where a.id = n.alarm_id and a.told_state is not null and a.state_version = n.sequence
            and a.deleted_at is null)
     limit ${PRUNE_BATCH} for update of n skip locked)
  returning body_id as "bodyId"`;
const REPEATS = `
  delete from notifications where id in (
    select id from notifications where kind = 'repeat' and status not in ('pending', 'in_flight') and finished_at < $1
      limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const TESTS = `
  delete from notifications where id in (
    select id from notifications where kind = 'test' and status not in ('pending', 'in_flight') and finished_at < $1
      limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const HEARTBEATS = `
  delete from notifications where id in (
    select id from notifications
     where alarm_id = '' and kind = 'heartbeat' and status not in ('pending', 'in_flight') and created_at < $1
     limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const BODIES = `
  delete from notification_bodies b
   where b.id = any($1::text[]::uuid[]) and not exists (select from notifications n where n.body_id = b.id)`;

/** Times before which rows of notifications are deleted, by status and kind. */
export interface NotificationRetention {
  delivered: Date;
  /** Repeats, tests and heartbeats. */
  repeats: Date;
  dead: Date;
  /** Hosts without a call since this time are deleted. */
  hosts: Date;
  /** Each Retry-After that ended before this time is deleted. */
  holds: Date;
  /** Hours of the limit of notifications that began before this time are deleted. */
  hours: Date;
}

/**
 * Deletes ended notifications with their bodies and attempts, and what belongs to hosts and projects without recent
 * notifications. Each statement deletes at most `PRUNE_BATCH` rows. Returns the number of deleted notifications.
 */
export async function pruneNotifications(db: Database, before: NotificationRetention): Promise<number> {
  const statements: readonly (readonly [string, readonly unknown[]])[] = [
    [ENDED, [before.delivered, ['delivered', 'superseded', 'cancelled']]],
    [SILENCED, [before.delivered]],
    [ENDED, [before.dead, ['dead']]],
    [REPEATS, [before.repeats]],
    [TESTS, [before.repeats]],
    [HEARTBEATS, [before.repeats]],
  ];
  let deleted = 0;
  for (const [text, parameters] of statements) deleted += await deleteWithBodies(db, text, parameters);
  await pruneHosts(db, before.hosts);
  await pruneHolds(db, before.holds);
  await pruneHours(db, before.hours);
  return deleted;
}

/**
 * Deletes notifications, and the bodies whose last notification is among them. One process does so at a time: of two
 * that delete the last two notifications of a body, each would see the other's and leave the body.
 */
function deleteWithBodies(db: Database, statement: string, parameters: readonly unknown[]): Promise<number> {
  return db.transaction(async (tx) => {
    const { rows: locks } = await tx.query<{ isMine: boolean }>(LOCK_PRUNING, [PRUNE_LOCK]);
    if (!locks[0]?.isMine) return 0;
    const { rows, rowCount } = await tx.query<{ bodyId: string | null }>(statement, parameters);
    const bodies = [...new Set(rows.flatMap(({ bodyId }) => bodyId ?? []))];
    if (bodies.length > 0) await tx.query(BODIES, [bodies]);
    return rowCount;
  });
}
