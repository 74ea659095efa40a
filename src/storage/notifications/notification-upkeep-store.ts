import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { Database } from '../database.js';
import { endPauses, isPaused } from './delivery-pause-store.js';
import { IS_UNWANTED } from './removed-action-store.js';
import { isTooLate, TOO_LATE } from './short-lived.js';

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
  };
}
