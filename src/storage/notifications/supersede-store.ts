import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { Sql } from '../database.js';

/**
 * Notifications that another transaction has locked are left out: mostly a notifier is claiming them. Those that stay
 * pending are superseded by the upkeep of the notifiers, or by the next repeat.
 */
const supersede = (which: string, why: string): string => `
  update notifications n set status = 'superseded', last_error = '${why}', finished_at = $2
    from (select o.id from notifications o where ${which} and o.status = 'pending' and o.replayed_at is null
             for no key update skip locked) stale
   where n.id = stale.id`;

const SUPERSEDE_BY_TRANSITION = supersede(
  `o.alarm_id = any($1::text[])
   and (o.kind = 'repeat' or (coalesce(o.policy, $4) = 'current' and (o.attempt > 0 or o.created_at < $3)))`,
  'a newer transition of the alarm',
);

const SUPERSEDE_REPEATS = supersede("o.lane = any($1::text[]) and o.kind = 'repeat'", 'a newer repeat');

/** When and by which policy notifications are superseded. */
interface Supersession {
  at: Date;
  /** Under policy `current`, a pending notification older than this is superseded. */
  staleBefore: Date;
  defaultPolicy: DeliveryPolicy;
}

/** Supersedes pending notifications of alarms that have a newer transition. */
export async function supersedeByTransition(
  tx: Sql,
  alarmIds: readonly string[],
  { at, staleBefore, defaultPolicy }: Supersession,
): Promise<void> {
  if (alarmIds.length > 0) await tx.query(SUPERSEDE_BY_TRANSITION, [alarmIds, at, staleBefore, defaultPolicy]);
}

/** Supersedes pending repeats of delivery queues that get a newer one. */
export async function supersedeRepeats(tx: Sql, queues: readonly string[], at: Date): Promise<void> {
  if (queues.length > 0) await tx.query(SUPERSEDE_REPEATS, [queues, at]);
}
