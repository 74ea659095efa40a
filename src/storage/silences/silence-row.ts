import type { AlarmMatcher } from '../../alarm/silence/matchers.js';
import type { Silence } from '../../alarm/silence/silence.js';

/** A silence of the database. */
export interface StoredSilence extends Silence {
  /** Differs after each change: the id of the transaction that made it. */
  revision: string;
}

/** A row of `SILENCE_COLUMNS`. */
export interface SilenceRow {
  id: string;
  projects: string[];
  is_admins: boolean;
  matchers: string;
  starts_at: Date;
  ends_at: Date | null;
  cron: string | null;
  duration_s: number | null;
  timezone: string | null;
  reason: string;
  owner: string;
  ended_at: Date | null;
  created_at: Date;
  revision: string;
}

/** SQL for the columns of `SilenceRow`, from `silences s`. */
export const SILENCE_COLUMNS = `s.id, coalesce(s.projects, array[s.project]) as projects, s.is_admins, s.matchers,
  s.starts_at, s.ends_at, s.cron, s.duration_s, s.timezone, s.reason, s.owner,
  case when s.ended_early then s.over_at end as ended_at, s.created_at, s.revision::text as revision`;

/** Converts a row to a silence. */
export function toSilence(row: SilenceRow): StoredSilence {
  const { cron, duration_s: durationS, timezone } = row;
  return {
    id: row.id,
    projects: row.projects,
    isAdmins: row.is_admins,
    matchers: JSON.parse(row.matchers) as AlarmMatcher[],
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    recurrence: cron === null ? null : { cron, durationS: durationS ?? 0, timezone: timezone ?? 'UTC' },
    reason: row.reason,
    owner: row.owner,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    revision: row.revision,
  };
}
