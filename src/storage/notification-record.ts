import type { DeliveryPolicy } from '../alarm/alarm.js';
import type { Sql } from './database.js';

export interface FinishedAttempt {
  id: string;
  attempt: number;
  startedAt: Date;
  durationMs: number;
  outcome: 'delivered' | 'retry' | 'dead';
  httpStatus: number | null;
  /** A class, never the text of an error: tenants see it. */
  error: string | null;
  /** For `retry`; null when the schedule is exhausted. */
  nextAttemptAt: Date | null;
}

export interface RecordRules {
  now: Date;
  defaultPolicy: DeliveryPolicy;
  maxAgeMs: number;
}

export interface RecordedAttempt {
  id: string;
  status: 'pending' | 'delivered' | 'dead' | 'superseded' | 'cancelled';
  lastError: string | null;
  alarmId: string;
  /** Null when the alarm's row is gone. */
  alarmName: string | null;
  /** The receiver, as deliveries at once are counted: `host:port` of a URL, otherwise the scheme. */
  host: string;
  attempt: number;
  /** Null when no status line came. */
  httpStatus: number | null;
}

/**
 * One statement for all attempts that have ended. Whether a failed one waits, is stale, cancelled or dead is judged here,
 * where the alarm's present state can be read; what a person replayed is neither stale nor cancelled.
 */
const RECORD = `
with finished as (
  select * from unnest($1::text[], $2::int[], $3::text[]::timestamptz[], $4::int[], $5::text[], $6::int[], $7::text[],
    $8::text[]::timestamptz[])
  as f (id, attempt, started_at, duration_ms, outcome, http_status, error, next_attempt_at)
),
judged as (
  select f.*, a.name as alarm_name, case
      when f.outcome <> 'retry' then f.outcome
      when n.replayed_at is null and (a.id is null or a.deleted_at is not null or not a.enabled) then 'cancelled'
      when n.replayed_at is null and a.state_version > n.sequence
        and (n.kind = 'repeat' or coalesce(n.policy, $10) = 'current') then 'superseded'
      when f.next_attempt_at is null then 'exhausted'
      when coalesce(n.replayed_at, n.created_at) <= $11 then 'expired'
      else 'pending'
    end as verdict
  from finished f
  join notifications n on n.id = f.id and n.attempt = f.attempt and n.status = 'in_flight'
  left join alarms a on a.id = n.alarm_id
),
ended as (
  update notifications n set
    status = case when j.verdict in ('exhausted', 'expired') then 'dead' else j.verdict end,
    claim_until = null,
    next_attempt_at = case when j.verdict = 'pending' then j.next_attempt_at else n.next_attempt_at end,
    finished_at = case when j.verdict = 'pending' then null else $9::timestamptz end,
    last_error = case
      when j.verdict = 'delivered' then null
      when j.verdict in ('pending', 'dead') then j.error
      else j.verdict || coalesce(': ' || j.error, '') end
  from judged j
  where n.id = j.id and n.attempt = j.attempt and n.status = 'in_flight'
  returning n.id, n.attempt, n.status, n.last_error, n.alarm_id, n.host, j.alarm_name, j.http_status
),
noted as (
  insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error)
  select j.id, j.attempt, j.started_at, j.duration_ms, j.outcome, j.http_status, j.error
  from judged j join ended e on e.id = j.id
  on conflict do nothing
)
select id, status, last_error as "lastError", alarm_id as "alarmId", alarm_name as "alarmName", host, attempt,
  http_status as "httpStatus" from ended`;

/** Call through the claim store: outcomes belong to claims. */
export async function recordAttempts(
  db: Sql,
  finished: readonly FinishedAttempt[],
  rules: RecordRules,
): Promise<RecordedAttempt[]> {
  const { rows } = await db.query<RecordedAttempt>(RECORD, [
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
  ]);
  return rows;
}
