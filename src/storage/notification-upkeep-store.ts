import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Database } from './database.js';

/** Rows that one call removes at most, of each kind. */
const PRUNE_BATCH = 5_000;
const DEFER_BATCH = 5_000;

/** A claim that ran out: whoever held it died or was paused. Back to waiting, unless its alarm no longer wants it. */
const RECLAIM = `
  update notifications n
     set status = case when c.is_cancelled then 'cancelled' else 'pending' end, claim_until = null, last_error = 'claim expired',
         next_attempt_at = $1, finished_at = case when c.is_cancelled then $1::timestamptz end
    from (select n.id, n.replayed_at is null and (a.id is null or a.deleted_at is not null or not a.enabled) as is_cancelled
            from notifications n left join alarms a on a.id = n.alarm_id
           where n.status = 'in_flight' and n.claim_until < $1 for update of n skip locked) c
   where n.id = c.id and n.status = 'in_flight'`;

/** Nobody is helped by an old state that arrives after a newer one is known. */
const SUPERSEDE = `
  update notifications n set status = 'superseded', finished_at = $1, last_error = 'a newer transition of the alarm'
    from alarms a
   where n.status = 'pending' and n.replayed_at is null and a.id = n.alarm_id and a.state_version > n.sequence
     and (n.kind = 'repeat' or (coalesce(n.policy, $3) = 'current' and (n.attempt > 0 or n.created_at < $2)))`;

/**
 * Whoever waits behind one that is tried again only later is not due before that one. Left due, a long lane of a receiver that is down
 * would fill what a claim looks at, and keep the project's other notifications to that host waiting.
 */
const DEFER = `
  update notifications n set next_attempt_at = b.until
    from (select w.id, head.until
            from notifications w cross join lateral (
              select max(e.next_attempt_at) as until from notifications e
               where e.lane = w.lane and e.ordinal < w.ordinal and e.status = 'pending' and e.next_attempt_at > $1) head
           where w.status = 'pending' and w.next_attempt_at <= $1 and head.until is not null
           limit ${DEFER_BATCH} for update of w skip locked) b
   where n.id = b.id and n.status = 'pending'`;

const FIGURES = `
  select (select count(*)::int from notifications where status in ('pending', 'in_flight')) as open,
         (select count(*)::int from notifications where status = 'dead') as dead,
         due.due, due.neglected, due.oldest as "oldestDueAt"
    from (select count(*)::int as due, min(next_attempt_at) as oldest,
                 (count(*) filter (where host not in (select b.host from notifications b where b.status = 'in_flight')))::int as neglected
            from notifications n
           where status = 'pending' and next_attempt_at <= $1
             and not exists (select 1 from delivery_pauses p where p.project_id in ('*', n.project_id))) due`;

const PRUNE = `
  delete from notifications where id in (
    select id from notifications where status = any($2::text[]) and finished_at < $1 limit ${PRUNE_BATCH})`;
const PRUNE_REPEATS = `
  delete from notifications where id in (
    select id from notifications where kind = 'repeat' and status not in ('pending', 'in_flight') and finished_at < $1 limit ${PRUNE_BATCH})`;

export interface OutboxFigures {
  /** Waiting or in flight. */
  open: number;
  dead: number;
  /** Waiting, due and not paused. */
  due: number;
  /** Due although nothing at all is in flight to their host: nobody is at work there. */
  neglected: number;
  oldestDueAt: Date | null;
}

export interface Retention {
  delivered: Date;
  repeats: Date;
  dead: Date;
}

export type NotificationUpkeepStore = ReturnType<typeof createNotificationUpkeepStore>;

/** What keeps the outbox in order without sending anything. Any number of notifiers may call any of it at once. */
export function createNotificationUpkeepStore(db: Database) {
  return {
    /** Returns how many claims had run out. */
    reclaim: async (now: Date): Promise<number> => (await db.query(RECLAIM, [now])).rowCount,

    /** Returns how many notifications a newer transition made pointless. */
    async supersede(now: Date, rules: { staleBefore: Date; defaultPolicy: DeliveryPolicy }): Promise<number> {
      return (await db.query(SUPERSEDE, [now, rules.staleBefore, rules.defaultPolicy])).rowCount;
    },

    /** Returns how many notifications are put off until the one before them is tried again. */
    defer: async (now: Date): Promise<number> => (await db.query(DEFER, [now])).rowCount,

    async figures(now: Date): Promise<OutboxFigures> {
      const { rows } = await db.query<OutboxFigures>(FIGURES, [now]);
      return rows[0] ?? { open: 0, dead: 0, due: 0, neglected: 0, oldestDueAt: null };
    },

    /** Removes what ended before these moments, a bounded number of rows. */
    async prune(before: Retention): Promise<void> {
      await db.query(PRUNE, [before.delivered, ['delivered', 'superseded', 'cancelled']]);
      await db.query(PRUNE, [before.dead, ['dead']]);
      await db.query(PRUNE_REPEATS, [before.repeats]);
    },
  };
}
