import type { NotificationKind } from '../../alarm/notification.js';
import { sealedParts, type StoredAction } from '../../alarm/stored-action.js';
import type { Sql } from '../database.js';
import type { ClaimedNotification } from './claimed-notification.js';
import { countHour, reachesLimit } from './hourly-limit-store.js';
import { BODY } from './notification-body.js';
import { cancelRemoved, cancelPending, IS_LISTED, IS_UNWANTED } from './removed-action-store.js';
import { isLateTest, TEST_TOO_LATE } from './test-notification-life.js';

interface Taken {
  taken: Omit<ClaimedNotification, 'isHostResponsive'>[];
  /** Number of notifications that were cancelled instead. */
  dropped: number;
  /** Projects that have reached their limit of notifications an hour; '' for none. */
  limited: string[];
}

/**
 * SQL for the end of the first attempt in the present series of rejected attempts of notification `n`, since its last
 * replay. `attempt_base` does not mark that replay, since it also rises with each attempt that was brought forward.
 */
const REJECTED_SINCE = `(
  select min(r.started_at + r.duration_ms * interval '1 millisecond') from attempts r
  where r.notification_id = n.id and r.error = 'rejected' and r.started_at >= coalesce(n.replayed_at, '-infinity')
    and not exists (
      select 1 from attempts o
      where o.notification_id = n.id and o.attempt > r.attempt and o.error is distinct from 'rejected'
    )
)`;

/**
 * The last check whether an edit has removed the need for a notification: an edit may not have seen the result of a
 * concurrent replay or attempt.
 */
const TAKE = `
  with free as materialized (
    select n.id, a.id is not null and ${IS_UNWANTED} as is_unwanted, $3 or ${IS_LISTED} as is_listed,
           ${isLateTest('$4')} as is_late_test
      from notifications n left join alarms a on a.id = n.alarm_id
     where n.id = any($1::text[]) and n.status = 'pending' for update of n skip locked
  ),
  taken as (
    update notifications n set status = 'in_flight', attempt = n.attempt + 1, claim_until = $2
      from free where n.id = free.id and free.is_listed and not free.is_unwanted and not free.is_late_test
    returning n.id, n.alarm_id, n.project_id, n.kind, n.sequence, n.transition_time, n.action, n.lane, n.host,
      ${BODY} as body, n.body_id::text as body_id, n.attempt, n.attempt_base, ${REJECTED_SINCE} as rejected_since,
      n.created_at, n.replayed_at is not null as is_replayed
  ),
  counted as (${countHour('$4', '$5')})
  select free.is_unwanted, free.is_late_test, free.id as free_id, taken.*,
         ${reachesLimit('$4', '$5')} as is_limited
    from free left join taken on taken.id = free.id`;

const SECRETS = `
  select id::text as id, action_secrets as sealed from notification_bodies
   where id = any($1::text[]::uuid[]) and action_secrets is not null`;

interface TakenRow {
  id: string;
  alarm_id: string;
  project_id: string | null;
  kind: NotificationKind;
  sequence: number;
  transition_time: Date;
  action: StoredAction;
  lane: string;
  host: string;
  body: string;
  body_id: string | null;
  attempt: number;
  attempt_base: number;
  rejected_since: Date | null;
  created_at: Date;
  is_limited: boolean;
}

type FreeRow = { free_id: string; is_unwanted: boolean; is_late_test: boolean } & (TakenRow | { id: null });

/**
 * Claims these notifications, except those that another transaction has locked, and cancels those that must no longer
 * be sent.
 */
export async function takeClaims(
  tx: Sql,
  ids: readonly string[],
  { claimUntil, now, perProjectAndHour = 0 }: { claimUntil: Date; now: Date; perProjectAndHour?: number },
): Promise<Taken> {
  if (ids.length === 0) return { taken: [], dropped: 0, limited: [] };
  const { rows } = await tx.query<FreeRow>(TAKE, [ids, claimUntil, false, now, perProjectAndHour]);
  const left = rows.filter(({ id }) => id === null);
  if (left.length === 0) return { ...(await takenIn(tx, rows)), dropped: 0 };
  const late = left.filter((one) => one.is_late_test).map(({ free_id }) => free_id);
  await cancelPending(tx, { ids: late, reason: TEST_TOO_LATE, at: now });
  const unwanted = left.filter((one) => one.is_unwanted && !one.is_late_test).map(({ free_id }) => free_id);
  await cancelPending(tx, { ids: unwanted, reason: 'alarm deleted or disabled', at: now });
  const unlisted = left.filter((one) => !one.is_unwanted && !one.is_late_test).map(({ free_id }) => free_id);
  const removed = new Set(await cancelRemoved(tx, unlisted, now));
  const listed = unlisted.filter((id) => !removed.has(id));
  const others =
    listed.length === 0 ? [] : (await tx.query<FreeRow>(TAKE, [listed, claimUntil, true, now, perProjectAndHour])).rows;
  return { ...(await takenIn(tx, [...rows, ...others])), dropped: late.length + unwanted.length + removed.size };
}

async function takenIn(tx: Sql, rows: readonly FreeRow[]): Promise<Omit<Taken, 'dropped'>> {
  const taken = rows.flatMap((row) => (row.id === null ? [] : [row]));
  const secrets = await secretsOf(tx, taken);
  const limited = taken.filter((row) => row.is_limited).map(({ project_id }) => project_id ?? '');
  return {
    taken: taken.map((row) => toClaimed(row, secrets.get(row.body_id ?? '') ?? null)),
    limited: [...new Set(limited)],
  };
}

/** Reads the sealed texts once for each body, since they are long for an alarm with many actions. */
async function secretsOf(tx: Sql, taken: readonly TakenRow[]): Promise<ReadonlyMap<string, string>> {
  const bodies = new Set(taken.flatMap(({ action, body_id }) => (sealedParts(action) && body_id) ?? []));
  if (bodies.size === 0) return new Map();
  const { rows } = await tx.query<{ id: string; sealed: string }>(SECRETS, [[...bodies]]);
  return new Map(rows.map(({ id, sealed }) => [id, sealed]));
}

function toClaimed(row: TakenRow, actionSecrets: string | null): Taken['taken'][number] {
  return {
    id: row.id,
    alarmId: row.alarm_id,
    projectId: row.project_id,
    kind: row.kind,
    sequence: row.sequence,
    transitionTime: row.transition_time,
    action: row.action,
    actionSecrets,
    lane: row.lane,
    host: row.host,
    body: row.body,
    attempt: row.attempt,
    attemptInSchedule: row.attempt - row.attempt_base,
    rejectedSince: row.rejected_since,
    createdAt: row.created_at,
  };
}
