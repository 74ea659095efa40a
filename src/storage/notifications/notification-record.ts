import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { NotificationKind } from '../../alarm/notification.js';
import type { Sql } from '../database.js';
import { DatabaseUnavailable } from '../engine/outage.js';
import { ACTION_REMOVED, cancelRemoved, IS_LISTED, IS_UNWANTED } from './removed-action-store.js';

/** The outcome of one attempt, to be recorded. */
export interface FinishedAttempt {
  id: string;
  attempt: number;
  startedAt: Date;
  durationMs: number;
  outcome: 'delivered' | 'retry' | 'dead';
  httpStatus: number | null;
  /** A class of errors, never the text of one, since tenants can read it. */
  error: string | null;
  /** Set for `retry`; null when the schedule is exhausted. */
  nextAttemptAt: Date | null;
  /** End of the receiver's Retry-After. No notification of this delivery queue is sent earlier. */
  notBefore?: Date | null;
  /** True if the host answered with any status; null or absent if the attempt does not show it. */
  hasHostAnswered?: boolean | null;
  /** Start of the receiver's answer to a test, in printable characters; null or absent for all others. */
  answer?: string | null;
}

/** The time, and the settings that decide what follows from an outcome. */
export interface RecordRules {
  now: Date;
  defaultPolicy: DeliveryPolicy;
  maxAgeMs: number;
}

/** A notification after its attempt was recorded. */
export interface RecordedAttempt {
  id: string;
  kind: NotificationKind;
  status: 'pending' | 'delivered' | 'dead' | 'superseded' | 'cancelled';
  lastError: string | null;
  alarmId: string;
  /** Null if the alarm's row is gone. */
  alarmName: string | null;
  /** The unit of limits on connections: `host:port` of a URL, otherwise the scheme. */
  host: string;
  attempt: number;
  /** Null if no status line was received. */
  httpStatus: number | null;
}

/** Finished attempts by their result. An attempt whose claim has ended is in neither list. */
export interface RecordedAttempts {
  /** With those that an earlier call has recorded, whose answer was lost. */
  recorded: RecordedAttempt[];
  /** Not recorded, mostly since another transaction has locked the notification: record them again. */
  locked: FinishedAttempt[];
}

/**
 * One statement for all finished attempts. It skips notifications that another transaction has locked. It decides
 * whether a failed notification is retried, superseded, cancelled or dead, since it can read the alarm's present state.
 * A replayed notification is never superseded, and only a later edit cancels it. A failed heartbeat is cancelled and
 * not dead, since dead notifications are for people who repair receivers. A newer repeat supersedes an older one. If a
 * repeat became due during the attempt of a transition, the transition is due at once, and its position in the schedule
 * stays. The statement also records whether the host answered, and its Retry-After. It locks rows of hosts and delivery
 * queues in order, to avoid deadlocks.
 */
const RECORD = `
with given as (
  select * from unnest($1::text[], $2::int[], $3::text[]::timestamptz[], $4::int[], $5::text[], $6::int[], $7::text[],
    $8::text[]::timestamptz[], $12::text[]::timestamptz[], $13::boolean[], $14::text[])
  as f (id, attempt, started_at, duration_ms, outcome, http_status, error, next_attempt_at, not_before,
    has_host_answered, answer)
),
finished as materialized (
  select g.* from given g join notifications n on n.id = g.id and n.attempt = g.attempt and n.status = 'in_flight'
     for no key update of n skip locked
),
judged as (
  select f.*, n.host, n.lane, a.name as alarm_name, ${IS_LISTED} as is_listed,
    case
      when f.outcome = 'dead' and n.kind = 'heartbeat' then 'cancelled'
      when f.outcome <> 'retry' then f.outcome
      when ${IS_UNWANTED} then 'cancelled'
      when n.replayed_at is null and a.state_version > n.sequence
        and (n.kind = 'repeat' or coalesce(n.policy, $10) = 'current') then 'superseded'
      when n.replayed_at is null and n.kind = 'repeat' and r.newest is not null then 'superseded'
      when f.next_attempt_at is null then 'exhausted'
      when coalesce(n.replayed_at, n.created_at) <= $11 then 'expired'
      else 'pending'
    end as verdict,
    f.outcome = 'retry' and r.newest > f.started_at as is_brought_forward,
    greatest(f.not_before, (select h.not_before from delivery_holds h where h.lane = n.lane)) as held_until
  from finished f
  join notifications n on n.id = f.id and n.attempt = f.attempt and n.status = 'in_flight'
  left join alarms a on a.id = n.alarm_id
  left join lateral (
    select max(w.created_at) as newest from notifications w
     where f.outcome = 'retry' and w.lane = n.lane and w.ordinal > n.ordinal and w.kind = 'repeat'
       and w.status = 'pending'
  ) r on true
),
holds as (
  insert into delivery_holds (lane, not_before)
  select j.lane, max(j.not_before) from judged j where j.not_before is not null group by j.lane order by j.lane
  on conflict (lane) do update set not_before = greatest(delivery_holds.not_before, excluded.not_before)
),
last_outcomes as (
  select distinct on (j.host) j.host, j.has_host_answered as answered,
    j.started_at + j.duration_ms * interval '1 ms' as outcome_at
  from judged j where j.has_host_answered is not null
  order by j.host, j.started_at + j.duration_ms * interval '1 ms' desc, j.has_host_answered desc
),
hosts as (
  insert into receiver_hosts (host, answered, outcome_at)
  select l.host, l.answered, l.outcome_at from last_outcomes l
   where not exists (
     select 1 from receiver_hosts h where h.host = l.host and h.answered = l.answered
       and h.outcome_at > l.outcome_at - interval '1 hour')
   order by l.host
  on conflict (host) do update set answered = excluded.answered, outcome_at = excluded.outcome_at
    where receiver_hosts.outcome_at is null or receiver_hosts.outcome_at <= excluded.outcome_at
),
ended as (
  update notifications n set
    status = case when j.verdict in ('exhausted', 'expired') then 'dead' else j.verdict end,
    claim_until = null,
    next_attempt_at = case
      when j.verdict <> 'pending' then n.next_attempt_at
      when j.is_brought_forward then least(j.next_attempt_at, greatest($9::timestamptz, j.held_until))
      else j.next_attempt_at end,
    attempt_base = n.attempt_base + case when j.verdict = 'pending' and j.is_brought_forward then 1 else 0 end,
    finished_at = case when j.verdict = 'pending' then null else $9::timestamptz end,
    last_error = case
      when j.verdict = 'delivered' then null
      when j.verdict in ('pending', 'dead') then j.error
      else j.verdict || coalesce(': ' || j.error, '') end
  from judged j
  where n.id = j.id and n.attempt = j.attempt and n.status = 'in_flight'
  returning n.id, n.kind, n.attempt, n.status, n.last_error, n.alarm_id, n.host, j.alarm_name,
    j.http_status, j.is_listed
),
noted as (
  insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error, answer)
  select j.id, j.attempt, j.started_at, j.duration_ms, j.outcome, j.http_status, j.error, j.answer
  from judged j join ended e on e.id = j.id
  on conflict do nothing
)
select id, kind, status, last_error as "lastError", alarm_id as "alarmId", alarm_name as "alarmName", host, attempt,
  http_status as "httpStatus", is_listed as "isListed" from ended`;

/**
 * Attempts that were not recorded now: those whose claim has not ended, and those that were recorded before by a
 * statement whose answer was lost. The notification of such an attempt may have been claimed again since.
 */
const NOT_RECORDED_NOW = `
  select n.id, n.kind, n.alarm_id as "alarmId", a.name as "alarmName", n.host, f.attempt,
         n.status = 'in_flight' and n.attempt = f.attempt as "isClaimed",
         case when n.status = 'in_flight' then 'pending' else n.status end as status,
         case when n.attempt = f.attempt then n.last_error else t.error end as "lastError",
         t.http_status as "httpStatus"
    from unnest($1::text[], $2::int[], $3::text[]::timestamptz[]) as f (id, attempt, started_at)
    join notifications n on n.id = f.id
    left join attempts t on t.notification_id = f.id and t.attempt = f.attempt and t.started_at = f.started_at
    left join alarms a on a.id = n.alarm_id
   where t.notification_id is not null or (n.status = 'in_flight' and n.attempt = f.attempt)`;

/** Records outcomes of claims; the implementation of `record` in the claim store. */
export async function recordAttempts(
  db: Sql,
  finished: readonly FinishedAttempt[],
  rules: RecordRules,
): Promise<RecordedAttempts> {
  const { rows } = await db.query<RecordedRow>(RECORD, [
    finished.map(({ id }) => id),
    finished.map(({ attempt }) => attempt),
    finished.map(({ startedAt }) => startedAt.toISOString()),
    finished.map(({ durationMs }) => Math.round(durationMs)),
    finished.map(({ outcome }) => outcome),
    finished.map(({ httpStatus }) => httpStatus),
    finished.map(({ error }) => error),
    finished.map(({ nextAttemptAt }) => nextAttemptAt?.toISOString() ?? null),
    rules.now,
    rules.defaultPolicy,
    new Date(rules.now.getTime() - rules.maxAgeMs),
    finished.map(({ notBefore }) => notBefore?.toISOString() ?? null),
    finished.map(({ hasHostAnswered }) => hasHostAnswered ?? null),
    finished.map(({ answer }) => answer ?? null),
  ]);
  // The outcomes are recorded by now: a failure of what follows must not hide that.
  const recorded = await withoutRemoved(db, rows, rules).catch(asRecorded(rows));
  return withLeft(db, finished, recorded).catch((thrown: unknown) => {
    if (!(thrown instanceof DatabaseUnavailable)) throw thrown;
    return { recorded, locked: leftOf(finished, recorded) };
  });
}

type RecordedRow = RecordedAttempt & { isListed: boolean };

/** Cancels notifications whose action was removed from their alarm. */
async function withoutRemoved(db: Sql, rows: readonly RecordedRow[], { now }: RecordRules): Promise<RecordedAttempt[]> {
  const unlisted = rows.filter(({ status, isListed }) => status === 'pending' && !isListed).map(({ id }) => id);
  const removed = new Set(await cancelRemoved(db, unlisted, now));
  return rows.map(({ isListed, ...one }): RecordedAttempt =>
    removed.has(one.id) ? { ...one, status: 'cancelled', lastError: ACTION_REMOVED } : one,
  );
}

/** If the database fails: the next claim cancels notifications whose action was removed. */
const asRecorded =
  (rows: readonly RecordedRow[]) =>
  (thrown: unknown): RecordedAttempt[] => {
    if (!(thrown instanceof DatabaseUnavailable)) throw thrown;
    return rows.map(({ isListed, ...one }) => one);
  };

/** Adds attempts that are locked, and those that were recorded before. */
async function withLeft(
  db: Sql,
  finished: readonly FinishedAttempt[],
  recorded: readonly RecordedAttempt[],
): Promise<RecordedAttempts> {
  const left = leftOf(finished, recorded);
  if (left.length === 0) return { recorded: [...recorded], locked: [] };
  const { rows } = await db.query<RecordedAttempt & { isClaimed: boolean }>(NOT_RECORDED_NOW, [
    left.map(({ id }) => id),
    left.map(({ attempt }) => attempt),
    left.map(({ startedAt }) => startedAt.toISOString()),
  ]);
  const claimed = new Set(rows.filter(({ isClaimed }) => isClaimed).map(({ id }) => id));
  const before = rows.filter(({ isClaimed }) => !isClaimed).map(({ isClaimed, ...one }) => one);
  return { recorded: [...recorded, ...before], locked: left.filter(({ id }) => claimed.has(id)) };
}

function leftOf(finished: readonly FinishedAttempt[], recorded: readonly RecordedAttempt[]): FinishedAttempt[] {
  const done = new Set(recorded.map(({ id }) => id));
  return finished.filter(({ id }) => !done.has(id));
}
