import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { Database } from '../database.js';
import { endPauses, isPaused } from './delivery-pause-store.js';
import { pruneHours } from './hourly-limit-store.js';
import { pruneHolds, pruneHosts } from './receiver-host-store.js';
import { IS_UNWANTED } from './removed-action-store.js';
import { isTooLate, TOO_LATE } from './short-lived.js';

/** Most rows that one statement deletes. */
const PRUNE_BATCH = 5_000;

/**
 * Ends expired claims, whose process crashed or was paused. The notification is pending again, or cancelled if its
 * alarm was deleted or disabled. Tests and heartbeats have one attempt: a test is dead, a heartbeat is cancelled.
 */
const RECLAIM = `
  update notifications n
     set status = c.next_status, claim_until = null, last_error = 'claim expired', next_attempt_at = $1,
         finished_at = case when c.next_status <> 'pending' then $1::timestamptz end
    from (select n.id, case when n.kind = 'test' then 'dead'
                         when n.kind = 'heartbeat' or ${IS_UNWANTED} then 'cancelled'
                         else 'pending' end as next_status
            from notifications n left join alarms a on a.id = n.alarm_id
           where n.status = 'in_flight' and n.claim_until < $1 for update of n skip locked) c
   where n.id = c.id and n.status = 'in_flight'`;

/** Supersedes notifications of a state that a newer transition has replaced. */
const SUPERSEDE = `
  update notifications n set status = 'superseded', finished_at = $1, last_error = 'a newer transition of the alarm'
    from (select n.id from notifications n join alarms a on a.id = n.alarm_id
           where n.status = 'pending' and n.replayed_at is null and a.state_version > n.sequence
             and (n.kind = 'repeat' or (coalesce(n.policy, $3) = 'current' and (n.attempt > 0 or n.created_at < $2)))
             for update of n skip locked) stale
   where n.id = stale.id`;

/**
 * Cancels pending notifications of deleted and disabled alarms. Such a notification exists if its attempt was under way
 * during the deletion or edit, and failed.
 */
const CANCEL = `
  update notifications n set status = 'cancelled', finished_at = $1, last_error = 'alarm deleted or disabled'
    from (select n.id from notifications n join alarms a on a.id = n.alarm_id
           where n.status = 'pending' and (a.deleted_at is not null or not a.enabled) and ${IS_UNWANTED}
             for update of n skip locked) unwanted
   where n.id = unwanted.id`;

const CANCEL_TOO_LATE = `
  update notifications n set status = 'cancelled', finished_at = $1, last_error = $2
    from (select n.id from notifications n where n.status = 'pending' and ${isTooLate('$1')}
             for update of n skip locked) late
   where n.id = late.id`;

/** Finds the heads of the delivery queues in one pass over the open notifications: there may be 100,000. */
const FIGURES = `
  select (select count(*)::int from notifications where status in ('pending', 'in_flight')) as open,
         (select count(*)::int from notifications where status = 'dead')
           - (select count(*)::int from notifications where status = 'dead' and kind = 'test') as dead,
         due.due, due.stalled, due.oldest as "oldestDueAt"
    from (select count(*)::int as due, min(next_attempt_at) as oldest,
                 (count(*) filter (where host not in (select b.host from notifications b
                   where b.status = 'in_flight')))::int as stalled
            from (select distinct on (lane) lane, status, host, project_id, next_attempt_at from notifications
                   where status in ('pending', 'in_flight') order by lane, ordinal) n
           where status = 'pending' and next_attempt_at <= $1
             and not exists (select 1 from delivery_holds h where h.lane = n.lane and h.not_before > $1)
             and not ${isPaused('n.project_id', '$1')}) due`;

/** Advisory lock of the deletion of notifications. Any constant that no other lock has. */
const PRUNE_LOCK = 8042_0004;
const LOCK_PRUNING = 'select pg_try_advisory_xact_lock($1) as "isMine"';

/** Locks the rows before it deletes them, since a replay may make one pending at the same moment. */
const PRUNE = `
  delete from notifications where id in (
    select id from notifications where status = any($2::text[]) and finished_at < $1 limit ${PRUNE_BATCH}
      for update skip locked)
  returning body_id as "bodyId"`;
/** Keeps those of the present state of an alarm that is not settled yet, since they may still be sent. */
const PRUNE_SILENCED = `
  delete from notifications where id in (
    select n.id from notifications n
     where n.status = 'silenced' and n.finished_at < $1
       and not exists (
         select 1 from alarms a
          where a.id = n.alarm_id and a.told_state is not null and a.state_version = n.sequence
            and a.deleted_at is null)
     limit ${PRUNE_BATCH} for update of n skip locked)
  returning body_id as "bodyId"`;
const PRUNE_REPEATS = `
  delete from notifications where id in (
    select id from notifications where kind = 'repeat' and status not in ('pending', 'in_flight') and finished_at < $1
      limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const PRUNE_TESTS = `
  delete from notifications where id in (
    select id from notifications where kind = 'test' and status not in ('pending', 'in_flight') and finished_at < $1
      limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const PRUNE_HEARTBEATS = `
  delete from notifications where id in (
    select id from notifications
     where alarm_id = '' and kind = 'heartbeat' and status not in ('pending', 'in_flight') and created_at < $1
     limit ${PRUNE_BATCH} for update skip locked)
  returning body_id as "bodyId"`;
const PRUNE_BODIES = `
  delete from notification_bodies b
   where b.id = any($1::text[]::uuid[]) and not exists (select from notifications n where n.body_id = b.id)`;

/** Numbers of notifications for metrics and the watchdog. */
export interface OutboxFigures {
  /** Pending or in flight. */
  open: number;
  /** Without tests: an operator need not look after them. */
  dead: number;
  /** Can be sent now: pending, due, head of the delivery queue, not paused, not delayed by a Retry-After or a limit. */
  due: number;
  /** Due, but no notification is in flight to their host. */
  stalled: number;
  oldestDueAt: Date | null;
}

/** Times before which ended notifications are deleted, by status and kind. */
export interface PruneLimits {
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

export type NotificationUpkeepStore = ReturnType<typeof createNotificationUpkeepStore>;

/** The outbox sweeper's statements. Any number of notifiers may call them at the same time. */
export function createNotificationUpkeepStore(db: Database) {
  return {
    /** Ends expired claims, and returns their number. */
    reclaim: async (now: Date): Promise<number> => (await db.query(RECLAIM, [now])).rowCount,

    /** Supersedes notifications that a newer transition replaces, and returns their number. */
    async supersede(now: Date, rules: { staleBefore: Date; defaultPolicy: DeliveryPolicy }): Promise<number> {
      return (await db.query(SUPERSEDE, [now, rules.staleBefore, rules.defaultPolicy])).rowCount;
    },

    /**
     * Cancels pending notifications of deleted and disabled alarms, late tests and late heartbeats. Returns their
     * number.
     */
    async cancel(now: Date): Promise<number> {
      return (await db.query(CANCEL, [now])).rowCount + (await db.query(CANCEL_TOO_LATE, [now, TOO_LATE])).rowCount;
    },

    /** See `endPauses`. */
    endPauses: (now: Date): Promise<void> => endPauses(db, now),

    /** Counts notifications. */
    async figures(now: Date): Promise<OutboxFigures> {
      const { rows } = await db.query<OutboxFigures>(FIGURES, [now]);
      return rows[0] ?? { open: 0, dead: 0, due: 0, stalled: 0, oldestDueAt: null };
    },

    /** Deletes a bounded number of old rows. */
    async prune(before: PruneLimits): Promise<void> {
      await pruneNotifications(db, PRUNE, [before.delivered, ['delivered', 'superseded', 'cancelled']]);
      await pruneNotifications(db, PRUNE_SILENCED, [before.delivered]);
      await pruneNotifications(db, PRUNE, [before.dead, ['dead']]);
      await pruneNotifications(db, PRUNE_REPEATS, [before.repeats]);
      await pruneNotifications(db, PRUNE_TESTS, [before.repeats]);
      await pruneNotifications(db, PRUNE_HEARTBEATS, [before.repeats]);
      await pruneHosts(db, before.hosts);
      await pruneHolds(db, before.holds);
      await pruneHours(db, before.hours);
    },
  };
}

/**
 * Deletes notifications, and the bodies whose last notification is among them. One notifier does so at a time: of two
 * that delete the last two notifications of a body, each would see the other's and leave the body.
 */
function pruneNotifications(db: Database, statement: string, parameters: readonly unknown[]): Promise<void> {
  return db.transaction(async (tx) => {
    const { rows: locks } = await tx.query<{ isMine: boolean }>(LOCK_PRUNING, [PRUNE_LOCK]);
    if (!locks[0]?.isMine) return;
    const { rows } = await tx.query<{ bodyId: string | null }>(statement, parameters);
    const bodies = [...new Set(rows.flatMap(({ bodyId }) => bodyId ?? []))];
    if (bodies.length > 0) await tx.query(PRUNE_BODIES, [bodies]);
  });
}
