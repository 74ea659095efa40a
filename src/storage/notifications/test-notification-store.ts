import { randomUUID } from 'node:crypto';

import { ACTION_LIST_OF, type ActionList, type AlarmActions } from '../../alarm/alarm.js';
import { testQueueOf } from '../../alarm/notification.js';
import { receiverOf, shownAction, type StoredAction } from '../../alarm/stored-action.js';
import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';
import { sealActions } from '../secrets/sealed-actions.js';
import { pauseOfProject, type DeliveryPause } from './delivery-pause-store.js';
import { countInHours, endOfHour, withinHour } from './hourly-limit-store.js';
import type { NotificationStatus } from './notification-status.js';
import { cancelPending } from './removed-action-store.js';
import { TOO_LATE } from './short-lived.js';

/** An action of an alarm: its list and its position in it. */
export interface ChosenAction {
  list: ActionList;
  index: number;
}

/** Tests to send: one notification for each chosen action, all with the same body. */
export interface NewTests {
  /** The alarm in the body; for a draft an id that no alarm has. */
  alarmId: string;
  projectId: string | null;
  sequence: number;
  body: string;
  chosen: readonly ChosenAction[];
  /** Where the actions are: in the stored alarm, which must still have this version, or in a draft. */
  source: { definitionVersion: number } | { draft: AlarmActions };
  at: Date;
}

/** What became of a request for tests. */
export type TestsSent =
  | { kind: 'sent'; ids: string[] }
  /** The alarm was changed or deleted since it was read. */
  | { kind: 'alarm changed' }
  | { kind: 'paused'; pause: DeliveryPause }
  /** The project has reached its limit of notifications in an hour. */
  | { kind: 'limited'; until: Date };

/** A test and its outcome so far. */
export interface TestRecord {
  id: string;
  /** Without its secret parts. */
  action: string;
  /** `host:port` of a URL, otherwise the scheme. */
  host: string;
  status: NotificationStatus;
  lastError: string | null;
  /** Null without an attempt, or without a status line. */
  httpStatus: number | null;
  durationMs: number | null;
  /** Start of the receiver's answer, in printable characters. For admins only. */
  answer: string | null;
}

export type TestNotificationStore = ReturnType<typeof createTestNotificationStore>;

/** Test notifications: written by the API, sent by a notifier as any other. */
export function createTestNotificationStore(
  db: Database,
  { sealer, perProjectAndHour }: { sealer: Sealer; perProjectAndHour: number },
) {
  return {
    /** Writes the tests. They are due at once, and count in the hour of their project. */
    send: (scope: Scope, tests: NewTests): Promise<TestsSent> => send(db, scope, tests, { sealer, perProjectAndHour }),

    /** The tests with these ids, in the order of their actions. */
    async outcomes(scope: Scope, ids: readonly string[]): Promise<TestRecord[]> {
      const { rows } = await db.query<TestRecord & { action: StoredAction }>(OUTCOMES, [ids, scopeParameter(scope)]);
      return rows.map((row) => ({ ...row, action: shownAction(row.action) }));
    },

    /** Cancels those tests that no notifier has begun to send. `ids`: of tests that the caller has sent. */
    async cancel(ids: readonly string[], at: Date): Promise<void> {
      await cancelPending(db, { ids, reason: TOO_LATE, at });
    },
  };
}

const ACTIONS = `
  select ok_actions, alarm_actions, insufficient_data_actions, action_secrets from alarms
   where id = $1 and ($2::text is null or project_id = $2) and definition_version = $3 and deleted_at is null`;

/**
 * Writes all tests and counts them, or none if they exceed the limit of the hour. One statement, so that no client that
 * is cut off holds the lock of the hour.
 */
const INSERT = `
  with counted as (${countInHours("select coalesce($5::text, ''), $14::int where $14::int <= $15::int", {
    now: '$7',
    limit: '$15',
    onlyIf: withinHour('$7', '$15'),
  })}),
  within as (select 1 where $15::int = 0 or exists (select from counted)),
  body as (
    insert into notification_bodies (id, body, action_secrets) select $1::text::uuid, $2, $3 from within
  )
  insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
    action, lane, host, body_id, next_attempt_at, created_at, replayed_at)
  select i.id, $4, $5, 'test', $6::bigint, $7::timestamptz, i.action_list, i.action_index, i.action, i.lane, i.host,
         $1::text::uuid, $7, $7, $7
    from unnest($8::text[], $9::text[], $10::smallint[], $11::text[], $12::text[], $13::text[])
         with ordinality as i (id, action_list, action_index, action, lane, host, place)
   cross join within order by i.place`;

const OUTCOMES = `
  select n.id, n.action, n.host, n.status, n.last_error as "lastError", t.http_status as "httpStatus",
         t.duration_ms as "durationMs", t.answer
    from notifications n left join attempts t on t.notification_id = n.id and t.attempt = n.attempt
   where n.id = any($1::text[]) and n.kind = 'test' and ($2::text is null or n.project_id = $2)
   order by n.ordinal`;

type ListsInDatabase = Record<ActionList, StoredAction[] | null> & { action_secrets: string | null };

interface SendRules {
  sealer: Sealer;
  perProjectAndHour: number;
}

async function send(
  db: Database,
  scope: Scope,
  tests: NewTests,
  { sealer, perProjectAndHour }: SendRules,
): Promise<TestsSent> {
  const { alarmId, projectId, chosen, at } = tests;
  const lists = await listsOf(db, scope, tests, sealer);
  if (!lists) return { kind: 'alarm changed' };
  const pause = await pauseOfProject(db, projectId, at);
  if (pause) return { kind: 'paused', pause };
  const rows = chosen.flatMap(({ list, index }) => {
    const action = lists[list]?.[index];
    return action === undefined ? [] : [{ id: randomUUID(), list, index, action }];
  });
  const { rowCount } = await db.query(INSERT, [
    randomUUID(),
    tests.body,
    lists.action_secrets,
    alarmId,
    projectId,
    tests.sequence,
    at,
    rows.map(({ id }) => id),
    rows.map(({ list }) => list),
    rows.map(({ index }) => index),
    rows.map(({ action }) => action),
    rows.map(({ id }) => testQueueOf(id)),
    rows.map(({ action }) => receiverOf(action)),
    rows.length,
    perProjectAndHour,
  ]);
  if (rowCount < rows.length) return { kind: 'limited', until: await endOfHour(db, projectId ?? '', at) };
  return { kind: 'sent', ids: rows.map(({ id }) => id) };
}

async function listsOf(
  sql: Sql,
  scope: Scope,
  { alarmId, projectId, source }: NewTests,
  sealer: Sealer,
): Promise<ListsInDatabase | undefined> {
  if ('definitionVersion' in source) {
    const parameters = [alarmId, scopeParameter(scope), source.definitionVersion];
    return (await sql.query<ListsInDatabase>(ACTIONS, parameters)).rows[0];
  }
  const sealed = sealActions({ id: alarmId, projectId, ...source.draft }, sealer, undefined);
  return {
    [ACTION_LIST_OF.ok]: sealed.okActions,
    [ACTION_LIST_OF.alarm]: sealed.alarmActions,
    [ACTION_LIST_OF['insufficient data']]: sealed.insufficientDataActions,
    action_secrets: sealed.actionSecrets,
  };
}
