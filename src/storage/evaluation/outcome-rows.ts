import { randomUUID } from 'node:crypto';

import { ACTION_LIST_OF, type DeliveryPolicy, type Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import type { DecidingSeries } from '../../alarm/series.js';
import { deliveryQueueOf, notificationBody, type AlarmLink } from '../../alarm/notification.js';
import { receiverOf, sealedParts, type StoredAction } from '../../alarm/stored-action.js';
import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { bringQueuesForward } from '../notifications/bring-forward-store.js';
import { limitedUntil } from '../notifications/hourly-limit-store.js';
import { supersedeByTransition, supersedeRepeats } from '../notifications/supersede-store.js';
import { portionsOf } from '../portions.js';
import type { Sql } from '../database.js';

/** A decision about an alarm, with the texts for its history and notifications. */
export interface TransitionOrRepeat {
  kind: 'transition' | 'repeat';
  from: AlarmState;
  to: AlarmState;
  reason: string;
  reasonData: PythonValue;
  series?: DecidingSeries | undefined;
}

/**
 * The columns of an alarm that history and notifications need. Read them in the same transaction, with the alarm
 * locked.
 */
export interface OutcomeAlarm {
  id: string;
  name: string;
  type: string;
  severity: Severity;
  project_id: string | null;
  state_version: number;
  /** The time of the transition to this state version. */
  state_timestamp: Date;
  delivery_policy: DeliveryPolicy | null;
  muted: boolean;
  /** The state that the receivers know, if a silence has held a later one; otherwise null. */
  told_state: AlarmState | null;
  ok_actions: StoredAction[] | null;
  alarm_actions: StoredAction[] | null;
  insufficient_data_actions: StoredAction[] | null;
  /** The sealed secret parts of these actions. */
  action_secrets: string | null;
}

/** SQL for the columns of `OutcomeAlarm`, from `alarms a`. */
export const OUTCOME_COLUMNS = `a.id, a.name, a.type, a.severity, a.project_id, a.state_version, a.state_timestamp,
  a.delivery_policy, a.muted, a.told_state, a.ok_actions, a.alarm_actions, a.insufficient_data_actions,
  a.action_secrets`;

/** A decision that was written, and its alarm after that. */
export interface AppliedChange<D extends TransitionOrRepeat = TransitionOrRepeat> {
  outcome: D;
  row: OutcomeAlarm;
  /** The time of a transition. Default: the time of the decisions. */
  at?: Date;
}

/** Decisions whose history and notifications are to be written. */
export interface OutcomeRows {
  /**
   * Transitions: each gets a history row and notifications. One alarm may have several, in order, each with its own
   * state version.
   */
  changed: readonly AppliedChange[];
  /** Repeats: each gets notifications only. */
  repeated: readonly AppliedChange[];
  /** The time of the decisions. */
  at: Date;
  /** Under policy `current`, a pending notification older than this is superseded by a newer transition. */
  staleBefore: Date;
  defaultPolicy: DeliveryPolicy;
  /** The silences that hold alarms of `changed`, by the id of the alarm. Default: none. */
  silencedBy?: ReadonlyMap<string, { id: string }>;
  /** The links in the bodies of notifications. Default: bodies have none. */
  alarmLink?: AlarmLink | undefined;
}

/**
 * Most outcomes whose notifications, with their bodies, are in memory at the same time, and most actions of these. An
 * alarm may have thousands of actions; the actions of one alarm are not split.
 */
const SLICE = { members: 500, weight: 5_000 };
/**
 * Most notifications of one statement, and most characters of their bodies: the body of an event alarm contains the
 * whole event. A body counts once for all actions of its alarm.
 */
const STATEMENT = { members: 5_000, weight: 8 * 1024 * 1024 };

const APPEND_HISTORY = `
  insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp, state_version,
    previous_state)
  select i.event_id, i.alarm_id, 'state transition', i.detail, i.on_behalf_of, i.severity, i.timestamp, i.state_version,
    i.previous_state
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
                $8::text[]::timestamptz[])
         as i (event_id, alarm_id, detail, on_behalf_of, severity, state_version, previous_state, timestamp)`;

/**
 * Appends notifications, and the bodies of those that were not there before. The actions of one alarm may be in several
 * statements with the same body. No statement reads `event_id`: it is the id of the history entry, for a person who
 * looks at the table. Repeats of a project at its hourly limit wait for the end of the hour.
 */
const APPEND_NOTIFICATIONS = `
  with appended as (
    insert into notifications (id, alarm_id, project_id, event_id, kind, sequence, transition_time, slot, action_list,
                               action_index, action, lane, host, policy, body_id, next_attempt_at, created_at,
                               status, silence_id, finished_at)
    select gen_random_uuid()::text, i.alarm_id, i.project_id, i.event_id, i.kind, i.sequence, i.transition_time,
           case when i.kind = 'repeat' then $13::timestamptz end, i.action_list, i.action_index, i.action, i.lane,
           i.host, i.policy, i.body_id,
           coalesce(case when i.kind = 'repeat' then ${limitedUntil("coalesce(i.project_id, '')", '$13')} end, $13),
           $13, case when i.silence_id is null then 'pending' else 'silenced' end, i.silence_id,
           case when i.silence_id is not null then $13::timestamptz end
      from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::smallint[],
                  $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]::uuid[], $14::text[]::timestamptz[],
                  $18::text[])
           as i (alarm_id, project_id, event_id, kind, sequence, action_list, action_index, action, lane, host,
                 policy, body_id, transition_time, silence_id)
    on conflict do nothing returning body_id
  )
  insert into notification_bodies (id, body, action_secrets)
  select b.id, b.body, b.action_secrets
    from unnest($15::text[]::uuid[], $16::text[], $17::text[]) as b (id, body, action_secrets)
   where b.id in (select body_id from appended)
  on conflict do nothing`;

/**
 * Writes the history and notifications of decisions, and supersedes older notifications. Call it in the transaction
 * that has changed the states, with the alarms locked. Notifications of a silenced transition are not sent. Returns the
 * number of new notifications that are.
 */
export async function writeOutcomeRows(tx: Sql, rows: OutcomeRows): Promise<number> {
  const { changed, repeated, at, silencedBy } = rows;
  const eventIds = await appendHistory(tx, changed, at);
  await supersedeByTransition(
    tx,
    changed.map(({ row }) => row.id),
    rows,
  );
  const all = [
    ...changed.map((one, index) => ({
      ...one,
      eventId: eventIds[index] ?? null,
      silenceId: silencedBy?.get(one.row.id)?.id ?? null,
    })),
    ...repeated.map((one) => ({ ...one, eventId: null, silenceId: null })),
  ];
  let written = 0;
  for (const slice of portionsOf(all, SLICE, ({ outcome, row }) => row[ACTION_LIST_OF[outcome.to]]?.length ?? 0)) {
    const notifications = slice.flatMap((one) => notificationsOf(one, rows.alarmLink));
    await supersedeRepeats(tx, queuesOfRepeats(notifications), at);
    for (const portion of portionsOf(notifications, STATEMENT, newCharacters)) {
      await appendNotifications(tx, portion, at);
    }
    await bringQueuesForward(tx, queuesToBringForward(notifications), at);
    written += notifications.filter(({ silenceId }) => silenceId === null).length;
  }
  return written;
}

/** Returns the ids of the rows. They rise, so that rows with the same time are listed in the order of the changes. */
async function appendHistory(tx: Sql, changed: readonly AppliedChange[], at: Date): Promise<string[]> {
  if (changed.length === 0) return [];
  const eventIds = changed.map(() => randomUUID()).sort();
  await tx.query(APPEND_HISTORY, [
    eventIds,
    changed.map(({ row }) => row.id),
    changed.map(({ outcome }) => pythonJson({ state: outcome.to, transition_reason: outcome.reason })),
    changed.map(({ row }) => row.project_id),
    changed.map(({ row }) => row.severity),
    changed.map(({ row }) => row.state_version),
    changed.map(({ outcome }) => outcome.from),
    changed.map((one) => (one.at ?? at).toISOString()),
  ]);
  return eventIds;
}

interface ChangeWithHistory extends AppliedChange {
  /** The history row; null for repeats. */
  eventId: string | null;
  /** The silence that holds the notifications; null if they are sent. */
  silenceId: string | null;
}

/** The body that all notifications of a transition or repeat share. */
interface NewBody {
  id: string;
  text: string;
  /** A copy of the alarm's `action_secrets` if an action is sealed, since an edit may change those of the alarm. */
  secrets: string | null;
}

interface NewNotification extends ChangeWithHistory {
  actionIndex: number;
  action: StoredAction;
  deliveryQueue: string;
  body: NewBody;
}

function notificationsOf(change: ChangeWithHistory, alarmLink: AlarmLink | undefined): NewNotification[] {
  const { outcome, row } = change;
  const actions = row[ACTION_LIST_OF[outcome.to]] ?? [];
  if (actions.length === 0 || row.muted) return [];
  const { reason, reasonData, series, from: previous, to: current } = outcome;
  const text = notificationBody({
    alarmName: row.name,
    alarmId: row.id,
    severity: row.severity,
    previous,
    current,
    reason,
    reasonData,
    series,
    link: alarmLink?.(row.id),
  });
  const secrets = actions.some((action) => sealedParts(action)) ? row.action_secrets : null;
  const body = { id: randomUUID(), text, secrets };
  return actions.map((action, actionIndex) => ({
    ...change,
    actionIndex,
    action,
    deliveryQueue: deliveryQueueOf(row.id, action),
    body,
  }));
}

/** The characters of the body and its secrets, if this is its first notification. */
function newCharacters({ actionIndex, body }: NewNotification): number {
  return actionIndex === 0 ? body.text.length + (body.secrets?.length ?? 0) : 0;
}

function queuesOfRepeats(added: readonly NewNotification[]): string[] {
  return added.filter(({ outcome }) => outcome.kind === 'repeat').map(({ deliveryQueue }) => deliveryQueue);
}

/** Returns the queues of repeats, and of events that fired an alarm in state alarm again. */
function queuesToBringForward(added: readonly NewNotification[]): string[] {
  const sent = added.filter(({ silenceId }) => silenceId === null);
  const repeated = sent.filter(({ outcome: { kind, from, to } }) => kind === 'repeat' || from === to);
  return repeated.map(({ deliveryQueue }) => deliveryQueue);
}

async function appendNotifications(tx: Sql, added: readonly NewNotification[], at: Date): Promise<void> {
  const bodies = [...new Set(added.map(({ body }) => body))];
  await tx.query(APPEND_NOTIFICATIONS, [
    added.map(({ row }) => row.id),
    added.map(({ row }) => row.project_id),
    added.map(({ eventId }) => eventId),
    added.map(({ outcome }) => outcome.kind),
    added.map(({ row }) => row.state_version),
    added.map(({ outcome }) => ACTION_LIST_OF[outcome.to]),
    added.map(({ actionIndex }) => actionIndex),
    added.map(({ action }) => action),
    added.map(({ deliveryQueue }) => deliveryQueue),
    added.map(({ action }) => receiverOf(action)),
    added.map(({ row }) => row.delivery_policy),
    added.map(({ body }) => body.id),
    at,
    // The row may be newer than a transition after several changes. A repeat has the time of its state.
    added.map((one) => (one.outcome.kind === 'repeat' ? one.row.state_timestamp : (one.at ?? at)).toISOString()),
    bodies.map(({ id }) => id),
    bodies.map(({ text }) => text),
    bodies.map(({ secrets }) => secrets),
    added.map(({ silenceId }) => silenceId),
  ]);
}
