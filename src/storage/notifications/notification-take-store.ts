import type { NotificationKind } from '../../alarm/notification.js';
import { sealedParts, type StoredAction } from '../../alarm/stored-action.js';
import type { Sql } from '../database.js';
import type { ClaimedNotification } from './claimed-notification.js';
import { BODY } from './notification-body.js';
import { LOCAL_HOSTS, UNRESPONSIVE_HOST_EVERY_MS } from './receiver-host-store.js';
import { ACTION_REMOVED, IS_LISTED, IS_UNWANTED, removedAmong } from './removed-action-store.js';
import { isTooLate, TOO_LATE } from './short-lived.js';

interface Taken {
  taken: ClaimedNotification[];
  /** Number of notifications that were cancelled instead. */
  dropped: number;
  /** Numbers of taken notifications that are to be counted in the hours of their projects, by project ('' for none). */
  toCount: Map<string, number>;
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

/** Sources of `takenFrom`: one takes notifications, the other names some that were taken before. */
const TAKE_SOURCE = 'take_notifications($1::text[], $2, $3, $4, $5, $6::text[], $7)';
const TAKEN_SOURCE = 'unnest($1::text[], $3::int[], $4::boolean[]) as u (id, attempt, is_host_responsive)';

/**
 * SQL that reads the taken notifications of `source`. Parameters: ids, now, and those of the source. It locks nothing
 * itself, since the claims of all notifiers wait until it ends. It is the last check whether a notification must still
 * be sent: an edit of the alarm may not have seen a concurrent replay or attempt. Rows without `id` are not to be sent
 * as they are: see `settleLeft`.
 */
const takenFrom = (source: string, isListed: string): string => `
  with claimed as materialized (select * from ${source}),
  free as materialized (
    select n.id, n.alarm_id, n.project_id, n.kind, n.sequence, n.transition_time, n.action, n.lane, n.host,
           ${BODY} as body, n.body_id::text as body_id, claimed.attempt, claimed.is_host_responsive, n.attempt_base,
           ${REJECTED_SINCE} as rejected_since, n.created_at, n.replayed_at is not null as is_replayed,
           a.id is not null and ${IS_UNWANTED} as is_unwanted, ${isListed} as is_listed,
           ${isTooLate('$2')} as is_too_late
      from claimed join notifications n on n.id = claimed.id left join alarms a on a.id = n.alarm_id
  ),
  taken as (select * from free where is_listed and not is_unwanted and not is_too_late)
  select taken.*, free.is_unwanted, free.is_too_late, free.id as free_id, free.attempt as free_attempt,
         free.is_host_responsive as is_free_responsive
    from free left join taken on taken.id = free.id`;

const TAKE = takenFrom(TAKE_SOURCE, IS_LISTED);
const READ_TAKEN = takenFrom(TAKEN_SOURCE, 'true');

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
  is_host_responsive: boolean;
  is_replayed: boolean;
}

interface FreeNotification {
  free_id: string;
  free_attempt: number;
  is_free_responsive: boolean;
  is_unwanted: boolean;
  is_too_late: boolean;
}
type FreeRow = FreeNotification & (TakenRow | { id: null });

/** What limits the taking of notifications that a search has found. */
export interface TakeRules {
  now: Date;
  claimUntil: Date;
  perHost: number;
  perHostAndProject: number;
}

/**
 * Takes these notifications, in this order, and cancels those that must no longer be sent. It leaves those that were
 * taken meanwhile, that have no free permit any more, or that another transaction has locked. All locks are taken and
 * released within the first statement, so that a client that is cut off holds none. A statement after it that fails is
 * repeated once; then the claims end at once, since no notification was sent.
 */
export async function takeClaims(sql: Sql, ids: readonly string[], rules: TakeRules): Promise<Taken> {
  if (ids.length === 0) return { taken: [], dropped: 0, toCount: new Map() };
  const { now, claimUntil, perHost, perHostAndProject } = rules;
  const tooSoonAfter = new Date(now.getTime() - UNRESPONSIVE_HOST_EVERY_MS);
  const parameters = [ids, now, claimUntil, perHost, perHostAndProject, LOCAL_HOSTS, tooSoonAfter];
  const { rows } = await sql.query<FreeRow>(TAKE, parameters);
  const read = (): Promise<Taken> => readTaken(sql, rows, rules);
  return read()
    .catch(read)
    .catch(async (cause: unknown) => {
      // If this fails, too, the outbox sweeper ends the claims when they expire.
      await giveBack(sql, rows).catch(() => undefined);
      throw cause;
    });
}

async function readTaken(sql: Sql, rows: readonly FreeRow[], rules: TakeRules): Promise<Taken> {
  const left = rows.filter(({ id }) => id === null);
  if (left.length === 0) return { ...(await takenIn(sql, rows)), dropped: 0 };
  const others = await settleLeft(sql, left, rules);
  return { ...(await takenIn(sql, [...rows, ...others])), dropped: left.length - others.length };
}

/**
 * Cancels those of these taken notifications that must not be sent. Returns the others: their alarm has the action in
 * another spelling.
 */
async function settleLeft(sql: Sql, left: readonly FreeNotification[], { now }: TakeRules): Promise<FreeRow[]> {
  const late = left.filter((one) => one.is_too_late);
  await cancelTaken(sql, late, { reason: TOO_LATE, at: now });
  const unwanted = left.filter((one) => one.is_unwanted && !one.is_too_late);
  await cancelTaken(sql, unwanted, { reason: 'alarm deleted or disabled', at: now });
  const unlisted = left.filter((one) => !one.is_unwanted && !one.is_too_late);
  const removed = new Set(
    await removedAmong(
      sql,
      unlisted.map(({ free_id }) => free_id),
    ),
  );
  await cancelTaken(
    sql,
    unlisted.filter(({ free_id }) => removed.has(free_id)),
    { reason: ACTION_REMOVED, at: now },
  );
  const listed = unlisted.filter(({ free_id }) => !removed.has(free_id));
  if (listed.length === 0) return [];
  const ids = listed.map(({ free_id }) => free_id);
  const [attempts, responsive] = [
    listed.map(({ free_attempt }) => free_attempt),
    listed.map(({ is_free_responsive }) => is_free_responsive),
  ];
  return (await sql.query<FreeRow>(READ_TAKEN, [ids, now, attempts, responsive])).rows;
}

/** Skips rows that another transaction has locked. The outbox sweeper ends their claims when they expire. */
const endClaims = (set: string): string => `
  update notifications n set attempt = n.attempt - 1, claim_until = null, ${set}
    from (select n.id from unnest($1::text[], $2::int[]) as u (id, attempt) join notifications n on n.id = u.id
           where n.attempt = u.attempt and n.status = 'in_flight' for no key update of n skip locked) mine
   where n.id = mine.id`;
const CANCEL_TAKEN = endClaims(`status = 'cancelled', last_error = $3, finished_at = $4::timestamptz`);
const GIVE_BACK = endClaims(`status = 'pending'`);

async function giveBack(sql: Sql, all: readonly FreeNotification[]): Promise<void> {
  await sql.query(GIVE_BACK, [all.map(({ free_id }) => free_id), all.map(({ free_attempt }) => free_attempt)]);
}

async function cancelTaken(
  sql: Sql,
  all: readonly FreeNotification[],
  { reason, at }: { reason: string; at: Date },
): Promise<void> {
  if (all.length === 0) return;
  const ids = all.map(({ free_id }) => free_id);
  const attempts = all.map(({ free_attempt }) => free_attempt);
  await sql.query(CANCEL_TAKEN, [ids, attempts, reason, at]);
}

async function takenIn(sql: Sql, rows: readonly FreeRow[]): Promise<Omit<Taken, 'dropped'>> {
  const taken = rows.flatMap((row) => (row.id === null ? [] : [row]));
  const secrets = await secretsOf(sql, taken);
  return {
    taken: taken.map((row) => toClaimed(row, secrets.get(row.body_id ?? '') ?? null)),
    toCount: firstAttemptsIn(taken),
  };
}

/**
 * Numbers of first attempts, by project. A replay was counted when it was requested. Heartbeats are not counted: they
 * have no project, and would use up the hourly limit of alarms without a project.
 */
function firstAttemptsIn(taken: readonly TakenRow[]): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { project_id: project, attempt, is_replayed: isReplayed, kind } of taken)
    if (attempt === 1 && !isReplayed && kind !== 'heartbeat')
      numbers.set(project ?? '', (numbers.get(project ?? '') ?? 0) + 1);
  return numbers;
}

/** Reads the sealed texts once for each body, since they are long for an alarm with many actions. */
async function secretsOf(sql: Sql, taken: readonly TakenRow[]): Promise<ReadonlyMap<string, string>> {
  const bodies = new Set(taken.flatMap(({ action, body_id }) => (sealedParts(action) && body_id) ?? []));
  if (bodies.size === 0) return new Map();
  const { rows } = await sql.query<{ id: string; sealed: string }>(SECRETS, [[...bodies]]);
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
    isHostResponsive: row.is_host_responsive,
  };
}
