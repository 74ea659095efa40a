import type { NotificationKind } from '../../alarm/notification.js';
import { shownAction, type StoredAction } from '../../alarm/stored-action.js';
import type { Conditions } from '../conditions.js';
import type { Database, Sql } from '../database.js';
import { pause, pausesOf, resume, type DeliveryPause, type NewPause } from './delivery-pause-store.js';
import { BODY } from './notification-body.js';
import type { NotificationStatus } from './notification-status.js';
import {
  MOST_REPLAYED,
  replayNotifications,
  type Replay,
  type ReplayFollower,
  type ReplayLimits,
  type ReplaySelection,
} from './replay-store.js';
import type { ReplayFilter } from './replay-candidates.js';
import { previewReplay, type ReplayPreview } from './replay-preview.js';
import { listReceivers, type ReceiverList } from './receiver-list-store.js';
import { scopeParameter, restrictToScope, type Scope } from '../scope.js';
import { readSlices, textBytes, type SlicedTable } from '../slices.js';

/** A notification as API users see it: one action of one transition, repeat or test. */
export interface NotificationRecord {
  id: string;
  alarmId: string;
  projectId: string | null;
  kind: NotificationKind;
  sequence: number;
  transitionTime: Date;
  /** Without its secret parts. */
  action: string;
  /** The unit of limits on connections: `host:port` of a URL, otherwise the scheme. */
  host: string;
  body: string;
  status: NotificationStatus;
  attempt: number;
  nextAttemptAt: Date;
  lastError: string | null;
  /** The silence that holds it, or held it before its release; null if none did. */
  silenceId: string | null;
  /** HTTP status of the last attempt; null if there was no attempt, or no status line was received. */
  lastHttpStatus: number | null;
  createdAt: Date;
  finishedAt: Date | null;
}

/** Which notifications to list. */
export interface NotificationQuery {
  status?: NotificationStatus | undefined;
  /** True: only notifications that wait after a failed attempt. */
  isFailing?: boolean | undefined;
  kind?: NotificationKind | undefined;
  alarmId?: string | undefined;
  /** The receiver, as in `NotificationRecord.host`. */
  host?: string | undefined;
  /** The earliest time of creation; included. */
  since?: Date | undefined;
  /** Not included. */
  until?: Date | undefined;
  /** See `ListQuery`. */
  wanted?: number | undefined;
  /** The notification before the first one of the list. */
  after?: Pick<NotificationRecord, 'id' | 'createdAt'> | undefined;
}

/** One attempt to deliver a notification. */
export interface AttemptRecord {
  attempt: number;
  startedAt: Date;
  durationMs: number;
  outcome: string;
  httpStatus: number | null;
  error: string | null;
  /** Start of the receiver's answer to a test, in printable characters. For admins only. */
  answer: string | null;
}

const COLUMNS = `id, alarm_id as "alarmId", project_id as "projectId", kind, sequence,
  transition_time as "transitionTime", action, host, ${BODY} as body,
  (select t.http_status from attempts t where t.notification_id = n.id order by t.attempt desc limit 1)
    as "lastHttpStatus",
  status, attempt, next_attempt_at as "nextAttemptAt", last_error as "lastError",
  silence_id as "silenceId", created_at as "createdAt",
  finished_at as "finishedAt"`;

const ENDLESS = { endsAt: null, reason: null, pausedBy: null };

export type NotificationAdminStore = ReturnType<typeof createNotificationAdminStore>;

/** The actions of API users on notifications: list, replay, pause and resume. */
export function createNotificationAdminStore(
  db: Database,
  { perProjectAndHour = 0, most = MOST_REPLAYED }: Partial<ReplayLimits> = {},
) {
  return {
    /** Pages, newest first. A page can be empty. */
    list: (scope: Scope, query: NotificationQuery): AsyncIterable<NotificationRecord[]> => list(db, scope, query),

    find: (scope: Scope, id: string): Promise<NotificationRecord | undefined> => find(db, scope, id),

    /** The attempts of one notification, oldest first. */
    attempts: (scope: Scope, id: string): Promise<AttemptRecord[]> => attempts(db, scope, id),

    /** See `replayNotifications`. */
    replay: (scope: Scope, selection: ReplaySelection, now: Date, follower?: ReplayFollower): Promise<Replay> =>
      replayNotifications(db, scope, selection, { now, perProjectAndHour, most, ...follower }),

    /** See `previewReplay`. */
    previewReplay: (scope: Scope, filter: ReplayFilter, signal?: AbortSignal): Promise<ReplayPreview> =>
      previewReplay(db, scope, filter, { signal }),

    /** See `listReceivers`. */
    receivers: (scope: Scope, limit: number): Promise<ReceiverList> => listReceivers(db, scope, { limit }),

    /** See `pausesOf`. */
    pauses: (scope: Scope, now: Date): Promise<DeliveryPause[]> => pausesOf(db, scope, now),

    /** See `pause`. */
    pause: (projectId: string, now: Date, details: Omit<NewPause, 'projectId'> = ENDLESS): Promise<void> =>
      pause(db, { projectId, ...details }, now),

    /** See `resume`. */
    resume: (projectId: string, now: Date): Promise<void> => resume(db, projectId, now),
  };
}

type StoredNotification = NotificationRecord & { action: StoredAction };

/** Notifications of a project, newest first. */
const SLICED: SlicedTable = {
  table: 'notifications n',
  alias: 'n',
  keys: [
    { sql: 'created_at', type: 'timestamptz', descending: true },
    { sql: 'id', type: 'text', descending: true },
  ],
  bytes: `${textBytes(BODY)} + ${textBytes('action')} + ${textBytes('last_error')}`,
};

async function* list(
  db: Database,
  scope: Scope,
  { status, isFailing, kind, alarmId, host, since, until, after, wanted }: NotificationQuery,
): AsyncGenerator<NotificationRecord[], void, void> {
  const wantedStatus = isFailing ? 'pending' : status;
  // The index by status has all projects, that by project has all statuses.
  const isBoundByStatus = 'all' in scope && alarmId === undefined && wantedStatus !== 'delivered';
  const addStatus = (conditions: Conditions): void => {
    conditions.equal('status', wantedStatus, 'text');
    // The planner does not see that the value of a parameter fulfils the condition of the index.
    if (wantedStatus !== undefined && isBoundByStatus) conditions.add(`status <> 'delivered'`);
  };
  const slices = readSlices<StoredNotification>(
    db,
    SLICED,
    {
      bounds: (conditions) => {
        restrictToScope(scope, 'project_id', conditions);
        conditions.equal('alarm_id', alarmId, 'text');
        if (isBoundByStatus) addStatus(conditions);
        conditions.within('created_at', { since, until });
      },
      columns: COLUMNS,
      filter: (conditions) => {
        if (!isBoundByStatus) addStatus(conditions);
        if (isFailing) conditions.add('attempt > 0');
        // With another status than `pending`, nothing matches.
        if (isFailing) conditions.equal('status', status, 'text');
        conditions.equal('kind', kind, 'text');
        conditions.equal('host', host, 'text');
      },
      wanted,
    },
    after && [after.createdAt, after.id],
  );
  for await (const rows of slices) yield rows.map(toRecord);
}

function toRecord(row: StoredNotification): NotificationRecord {
  return { ...row, action: shownAction(row.action) };
}

async function find(db: Sql, scope: Scope, id: string): Promise<NotificationRecord | undefined> {
  const { rows } = await db.query<StoredNotification>(
    `select ${COLUMNS} from notifications n where id = $1 and ($2::text is null or project_id = $2)`,
    [id, scopeParameter(scope)],
  );
  return rows[0] && toRecord(rows[0]);
}

async function attempts(db: Sql, scope: Scope, id: string): Promise<AttemptRecord[]> {
  const { rows } = await db.query<AttemptRecord>(
    `select a.attempt, a.started_at as "startedAt", a.duration_ms as "durationMs", a.outcome,
            a.http_status as "httpStatus", a.error, a.answer
       from attempts a join notifications n on n.id = a.notification_id
      where n.id = $1 and ($2::text is null or n.project_id = $2) order by a.attempt`,
    [id, scopeParameter(scope)],
  );
  return rows;
}
