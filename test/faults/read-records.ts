import { createHash } from 'node:crypto';

import type { AlarmState } from '../../src/alarm/state.js';
import type { Database, Sql } from '../../src/storage/database.js';
import { BODY } from '../../src/storage/notifications/notification-body.js';
import type { AcknowledgedWrite, RecordedNotification, RecordedTransition, WatchedAlarm } from './records.js';
import { actionsOf, FIRST_WRITTEN, type Workload, type WrittenAlarm } from './workload.js';

/** What the database says at the end of a run. */
export interface DatabaseRecords {
  alarms: WatchedAlarm[];
  transitions: RecordedTransition[];
  notifications: RecordedNotification[];
  writes: AcknowledgedWrite[];
}

/**
 * Reads the records of the database as they are at one moment, since alarms are still evaluated. The alarms that the
 * workload has deleted are known from the workload.
 */
export function readDatabase(db: Database, workload: Pick<Workload, 'written'>): Promise<DatabaseRecords> {
  return db.transaction(async (tx) => {
    await tx.query('set transaction isolation level repeatable read');
    return readAll(tx, workload);
  });
}

async function readAll(db: Sql, { written }: Pick<Workload, 'written'>): Promise<DatabaseRecords> {
  const { rows: alarmRows } = await db.query<{ id: string; name: string; description: string; created: Date }>(
    `select id, name, description, created_at as created from alarms where deleted_at is null and name like 'wave %'`,
  );
  const alarms = alarmRows.map(({ id, name, created }): WatchedAlarm => {
    const number = Number(name.replace('wave ', ''));
    const deletedMs = written.get(id)?.deleteRequestedMs;
    return watched({ id, number, createdMs: created.getTime(), ...(deletedMs !== undefined && { deletedMs }) });
  });
  for (const { id, number, createdMs, deleteRequestedMs, deleted } of written.values())
    if (deleted !== undefined && deleteRequestedMs !== undefined)
      alarms.push(watched({ id, number, createdMs, deletedMs: deleteRequestedMs }));
  const transitions = await readTransitions(db);
  const made = new Map<string, number>();
  for (const { alarmId } of transitions) made.set(alarmId, (made.get(alarmId) ?? 0) + 1);
  const descriptions = new Map(alarmRows.map(({ id, description }) => [id, description]));
  return {
    alarms,
    transitions,
    notifications: await readNotifications(db),
    writes: [...written.values()].map((alarm) => writeOf(alarm, descriptions.get(alarm.id), made.get(alarm.id) ?? 0)),
  };
}

/** The number of open notifications. */
export async function openNotifications(db: Database): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from notifications where status in ('pending', 'in_flight')`,
  );
  return rows[0]?.n ?? 0;
}

/** The number of transitions of an alarm. */
export async function transitionsOf(db: Database, alarmId: string): Promise<number> {
  const { rows } = await db.query<{ n: number }>(
    `select count(*)::int as n from alarm_history where type = 'state transition' and alarm_id = $1`,
    [alarmId],
  );
  return rows[0]?.n ?? 0;
}

function watched(alarm: Omit<WatchedAlarm, 'actions' | 'isEdited'>): WatchedAlarm {
  const each = actionsOf(alarm.number);
  const isEdited = alarm.number >= FIRST_WRITTEN;
  return { ...alarm, isEdited, actions: { ok: each, alarm: each, 'insufficient data': each } };
}

function writeOf(alarm: WrittenAlarm, found: string | undefined, transitions: number): AcknowledgedWrite {
  const { id: alarmId, expected, deleted, deleteRequestedMs, edits } = alarm;
  if (deleted !== undefined)
    return {
      alarmId,
      kind: 'delete',
      expected,
      found,
      transitions: { before: deleted.transitions, after: transitions },
    };
  // Its deletion had no answer: both are right.
  const isEither = deleteRequestedMs !== undefined && found === undefined;
  return { alarmId, kind: edits > 0 ? 'edit' : 'create', expected, found: isEither ? expected[0] : found };
}

async function readTransitions(db: Sql): Promise<RecordedTransition[]> {
  const { rows } = await db.query<{
    alarm_id: string;
    version: string;
    previous: string | null;
    detail: string;
    timestamp: Date;
  }>(
    `select alarm_id, state_version::text as version, previous_state as previous, detail, timestamp
       from alarm_history where type = 'state transition' order by alarm_id, state_version`,
  );
  return rows.map(({ alarm_id, version, previous, detail, timestamp }) => ({
    alarmId: alarm_id,
    stateVersion: Number(version),
    previousState: previous,
    state: (JSON.parse(detail) as { state: AlarmState }).state,
    atMs: timestamp.getTime(),
  }));
}

async function readNotifications(db: Sql): Promise<RecordedNotification[]> {
  const { rows } = await db.query<{
    id: string;
    alarm_id: string;
    sequence: string;
    list: string;
    index: number;
    status: string;
    body: string;
    next: Date;
    created: Date;
  }>(
    `select id, alarm_id, sequence::text as sequence, action_list as list, action_index as index, status,
        next_attempt_at as next, created_at as created, ${BODY} as body
       from notifications n where kind = 'transition'`,
  );
  return rows.map((row) => ({
    id: row.id,
    alarmId: row.alarm_id,
    sequence: Number(row.sequence),
    actionList: row.list,
    actionIndex: row.index,
    status: row.status,
    bodyHash: createHash('sha256').update(row.body).digest('hex'),
    nextAttemptMs: row.next.getTime(),
    createdMs: row.created.getTime(),
  }));
}
