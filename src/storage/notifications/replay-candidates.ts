import type { NotificationKind } from '../../alarm/notification.js';
import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';
import { FOLLOW_THE_INDEX } from '../slices.js';
import type { NotificationStatus } from './notification-status.js';
import { IS_LISTED, removedAmong } from './removed-action-store.js';

/** Which ended notifications of a status to replay. All conditions must hold. */
export interface ReplayFilter {
  status: NotificationStatus;
  alarmId?: string | undefined;
  kind?: NotificationKind | undefined;
  /** The receiver, as in `NotificationRecord.host`. */
  host?: string | undefined;
  /** The earliest time of creation; included. */
  since?: Date | undefined;
  /** Not included. */
  until?: Date | undefined;
  /**
   * Only notifications that ended before this time and were not replayed since. ISO 8601 with microseconds, which a
   * `Date` does not hold.
   */
  endedBefore?: string | undefined;
}

/** A notification that may be replayed. */
export interface ReplayCandidate {
  id: string;
  project: string;
  host: string;
  ordinal: number;
  /** False if `removedAmong` must decide. */
  isListed: boolean;
  /** True if the selection has it. */
  isWanted: boolean;
}

/** A position among the candidates: after the notification with this ordinal. */
export type ReplayPosition = Pick<ReplayCandidate, 'project' | 'ordinal'>;

/** Notifications that are read at once: more would hold the embedded database for too long. */
export const CANDIDATES_AT_ONCE = 250;

/** SQL condition on a notification `n`: it ended without being delivered. */
export const IS_REPLAYABLE = `n.status in ('dead', 'superseded', 'cancelled', 'silenced')`;
/**
 * Tests and heartbeats cannot be replayed. The index has no kind, so this is no condition of the inner query of a page.
 */
const IS_OF_REPLAYABLE_KIND = `n.kind not in ('test', 'heartbeat')`;
export const PROJECT = `coalesce(n.project_id, '')`;
const CANDIDATE = `n.id, ${PROJECT} as project, n.host, n.ordinal, ${IS_LISTED} as "isListed"`;

/**
 * SQL condition on a notification `n`. A replay counts, too: the clock of the notifier that ended the notification
 * again can be behind, and the notification would be replayed with every request.
 */
const endedBefore = (time: string): string => `greatest(n.finished_at, n.replayed_at) < ${time}`;

/**
 * The candidates of one status after a position. The other conditions are no part of the inner query, since no index
 * serves them: it would read any number of rows. Parameters: status, alarm or null for all, project, ordinal, and,
 * null for all: time of the end, kind, host, first and last time of creation.
 */
const pageAfter = (position: string): string => `
  select ${CANDIDATE}, ${IS_OF_REPLAYABLE_KIND} and ($2::text is null or n.alarm_id = $2)
         and ($5::timestamptz is null or ${endedBefore('$5')}) and ($6::text is null or n.kind = $6)
         and ($7::text is null or n.host = $7) and ($8::timestamptz is null or n.created_at >= $8)
         and ($9::timestamptz is null or n.created_at < $9) as "isWanted"
    from (select * from notifications n where n.status = $1 and ${IS_REPLAYABLE} and ${position}
           order by ${PROJECT}, n.ordinal limit ${CANDIDATES_AT_ONCE}) n
    left join alarms a on a.id = n.alarm_id
   order by ${PROJECT}, n.ordinal`;
const PAGE_OF_PROJECT = pageAfter(`${PROJECT} = $3 and n.ordinal > $4`);
const PAGE_OF_ALL = pageAfter(`(${PROJECT}, n.ordinal) > ($3, $4)`);

/** Parameters: id, project or null for all. */
export const ONE_CANDIDATE = `
  select ${CANDIDATE}, true as "isWanted" from notifications n left join alarms a on a.id = n.alarm_id
   where n.id = $1 and ${IS_REPLAYABLE} and ${IS_OF_REPLAYABLE_KIND} and ($2::text is null or n.project_id = $2)`;

/** Before the first candidate of a scope. */
export function firstPosition(scope: Scope): ReplayPosition {
  return { project: scopeParameter(scope) ?? '', ordinal: 0 };
}

/** Statements that follow the indexes. On a server each is committed on its own, so that no lock waits for a client. */
export function followingIndexes<Result>(db: Database, work: (sql: Sql) => Promise<Result>): Promise<Result> {
  if (db.kind === 'postgres') return work(db);
  return db.transaction(async (tx) => {
    await tx.query(FOLLOW_THE_INDEX);
    return work(tx);
  });
}

/** The next candidates of a status after a position, at most `CANDIDATES_AT_ONCE`. */
export async function readCandidates(
  sql: Sql,
  scope: Scope,
  filter: ReplayFilter,
  after: ReplayPosition,
): Promise<ReplayCandidate[]> {
  const { status, alarmId, kind, host, since, until, endedBefore } = filter;
  const text = scopeParameter(scope) === null ? PAGE_OF_ALL : PAGE_OF_PROJECT;
  const parameters = [status, alarmId, after.project, after.ordinal, endedBefore, kind, host, since, until].map(
    (value) => value ?? null,
  );
  return (await sql.query<ReplayCandidate>(text, parameters)).rows;
}

/** The candidates that the selection has, without those whose action an edit has removed. */
export async function withoutRemoved(
  sql: Sql,
  page: readonly ReplayCandidate[],
): Promise<{ wanted: ReplayCandidate[]; removed: number }> {
  const selected = page.filter(({ isWanted }) => isWanted);
  const unlisted = selected.filter(({ isListed }) => !isListed).map(({ id }) => id);
  const removed = new Set(await removedAmong(sql, unlisted));
  return { wanted: selected.filter(({ id }) => !removed.has(id)), removed: removed.size };
}
