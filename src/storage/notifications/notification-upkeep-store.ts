import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { Database } from '../database.js';
import { pruneHolds, pruneHosts } from './receiver-host-store.js';
import { IS_UNWANTED } from './removed-action-store.js';

/** Rows that one call removes at most, of each kind. */
const PRUNE_BATCH = 5_000;

/** A claim that ran out: whoever held it died or was paused. Back to waiting, unless its alarm no longer wants it. */
const RECLAIM = `
  update notifications n
     set status = case when c.is_cancelled then 'cancelled' else 'pending' end, claim_until = null,
       last_error = 'claim expired',
         next_attempt_at = $1, finished_at = case when c.is_cancelled then $1::timestamptz end
    from (select n.id, ${IS_UNWANTED} as is_cancelled
            from notifications n left join alarms a on a.id = n.alarm_id
           where n.status = 'in_flight' and n.claim_until < $1 for update of n skip locked) c
   where n.id = c.id and n.status = 'in_flight'`;

/** Nobody is helped by an old state that arrives after a newer one is known. */
const SUPERSEDE = `
  update notifications n set status = 'superseded', finished_at = $1, last_error = 'a newer transition of the alarm'
    from (select n.id from notifications n join alarms a on a.id = n.alarm_id
           where n.status = 'pending' and n.replayed_at is null and a.state_version > n.sequence
             and (n.kind = 'repeat' or (coalesce(n.policy, $3) = 'current' and (n.attempt > 0 or n.created_at < $2)))
             for update of n skip locked) stale
   where n.id = stale.id`;

/**
 * An attempt that was under way while its alarm was deleted or disabled, and failed, is waiting for an alarm that no
 * longer wants it.
 */
const CANCEL = `
  update notifications n set status = 'cancelled', finished_at = $1, last_error = 'alarm deleted or disabled'
    from (select n.id from notifications n join alarms a on a.id = n.alarm_id
           where n.status = 'pending' and (a.deleted_at is not null or not a.enabled) and ${IS_UNWANTED}
             for update of n skip locked) unwanted
   where n.id = unwanted.id`;

const FIGURES = `
  select (select count(*)::int from notifications where status in ('pending', 'in_flight')) as open,
         (select count(*)::int from notifications where status = 'dead') as dead,
         due.due, due.stalled, due.oldest as "oldestDueAt"
    from (select count(*)::int as due, min(next_attempt_at) as oldest,
                 (count(*) filter (where host not in (select b.host from notifications b
                   where b.status = 'in_flight')))::int as stalled
            from notifications n
           where status = 'pending' and next_attempt_at <= $1
             and not exists (select 1 from notifications e
                              where e.lane = n.lane and e.ordinal < n.ordinal and e.status in ('pending', 'in_flight'))
             and not exists (select 1 from delivery_holds h where h.lane = n.lane and h.not_before > $1)
             and not exists (select 1 from delivery_pauses p where p.project_id in ('*', n.project_id))) due`;

const PRUNE = `
  delete from notifications where id in (
    select id from notifications where status = any($2::text[]) and finished_at < $1 limit ${PRUNE_BATCH})`;
const PRUNE_REPEATS = `
  delete from notifications where id in (
    select id from notifications where kind = 'repeat' and status not in ('pending', 'in_flight') and finished_at < $1
      limit ${PRUNE_BATCH})`;

export interface OutboxFigures {
  /** Waiting or in flight. */
  open: number;
  dead: number;
  /**
   * SQL for a notification that can be sent: pending, due, the head of its lane, not paused, and not delayed by a
   * Retry-After.
   */
  due: number;
  /** Due although nothing at all is in flight to their host: nobody is at work there. */
  stalled: number;
  oldestDueAt: Date | null;
}

export interface PruneLimits {
  delivered: Date;
  repeats: Date;
  dead: Date;
  /** Hosts without a call since this moment are forgotten. */
  hosts: Date;
  /** Each Retry-After that ended before this moment is forgotten. */
  holds: Date;
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

    /** Returns how many notifications of deleted or disabled alarms were still waiting. */
    cancel: async (now: Date): Promise<number> => (await db.query(CANCEL, [now])).rowCount,

    async figures(now: Date): Promise<OutboxFigures> {
      const { rows } = await db.query<OutboxFigures>(FIGURES, [now]);
      return rows[0] ?? { open: 0, dead: 0, due: 0, stalled: 0, oldestDueAt: null };
    },

    /** Removes what ended before these moments, a bounded number of rows. */
    async prune(before: PruneLimits): Promise<void> {
      await db.query(PRUNE, [before.delivered, ['delivered', 'superseded', 'cancelled']]);
      await db.query(PRUNE, [before.dead, ['dead']]);
      await db.query(PRUNE_REPEATS, [before.repeats]);
      await pruneHosts(db, before.hosts);
      await pruneHolds(db, before.holds);
    },
  };
}
