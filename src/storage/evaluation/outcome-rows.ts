import { randomUUID } from 'node:crypto';

import { hostOf, parseAction } from '../../alarm/action.js';
import { ACTION_LIST_OF, type Severity } from '../../alarm/alarm.js';
import type { AlarmState } from '../../alarm/state.js';
import { deliveryQueueOf, notificationBody } from '../../alarm/notification.js';
import { pythonJson, type PythonValue } from '../../alarm/wire/python-json.js';
import { bringQueuesForward } from '../notifications/bring-forward-store.js';
import type { Sql } from '../database.js';

/** What was decided about an alarm, in the words that its history and its receivers get. */
export interface TransitionOrRepeat {
  kind: 'transition' | 'repeat';
  from: AlarmState;
  to: AlarmState;
  reason: string;
  reasonData: PythonValue;
}

/**
 * What history and notifications take from an alarm: read in the transaction that writes them, with the alarm locked.
 */
export interface OutcomeAlarm {
  id: string;
  name: string;
  severity: Severity;
  project_id: string | null;
  state_version: number;
  /** The time of the transition to this state version. */
  state_timestamp: Date;
  delivery_policy: string | null;
  muted: boolean;
  ok_actions: string[] | null;
  alarm_actions: string[] | null;
  insufficient_data_actions: string[] | null;
}

/** Columns of `OutcomeAlarm`, from `alarms a`. */
export const OUTCOME_COLUMNS = `a.id, a.name, a.severity, a.project_id, a.state_version, a.state_timestamp,
  a.delivery_policy, a.muted,
  a.ok_actions, a.alarm_actions, a.insufficient_data_actions`;

/** A decision that is in force, and its alarm as it is since then. */
export interface AppliedChange<D extends TransitionOrRepeat = TransitionOrRepeat> {
  outcome: D;
  row: OutcomeAlarm;
}

export interface OutcomeRows {
  /**
   * Each gets a history row and notifications. Of one alarm there may be several, in order, each with its own state
   * version.
   */
  changed: readonly AppliedChange[];
  /** Each gets notifications only. */
  repeated: readonly AppliedChange[];
  at: Date;
  /** Under policy `current`, a notification older than this gives way to a newer transition of its alarm. */
  staleBefore: Date;
  defaultPolicy: string;
}

/**
 * Outcomes whose notifications are in memory at once (each holds its body), and how many actions these may have. An
 * alarm may have thousands of actions; a single one's are always taken together.
 */
const SLICE = { members: 500, weight: 5_000 };
/**
 * Notifications of one statement, weighed in characters: every row carries its body, which for an event alarm is the
 * whole event.
 */
const STATEMENT = { members: 5_000, weight: 8 * 1024 * 1024 };

const APPEND_HISTORY = `
  insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp, state_version,
    previous_state)
  select i.event_id, i.alarm_id, 'state transition', i.detail, i.on_behalf_of, i.severity, $8, i.state_version,
    i.previous_state
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
         as i (event_id, alarm_id, detail, on_behalf_of, severity, state_version, previous_state)`;

const SUPERSEDE_BY_TRANSITION = `
  update notifications set status = 'superseded', last_error = 'a newer transition of the alarm', finished_at = $2
   where alarm_id = any($1::text[]) and status = 'pending' and replayed_at is null
     and (kind = 'repeat' or (coalesce(policy, $4) = 'current' and (attempt > 0 or created_at < $3)))`;

const SUPERSEDE_REPEATS = `
  update notifications set status = 'superseded', last_error = 'a newer repeat', finished_at = $2
   where lane = any($1::text[]) and status = 'pending' and kind = 'repeat' and replayed_at is null`;

const APPEND_NOTIFICATIONS = `
  insert into notifications (id, alarm_id, project_id, event_id, kind, sequence, transition_time, slot, action_list,
    action_index,
                             action, lane, host, policy, body, next_attempt_at, created_at)
  select gen_random_uuid()::text, i.alarm_id, i.project_id, i.event_id, i.kind, i.sequence, i.transition_time,
         case when i.kind = 'repeat' then $13::timestamptz end, i.action_list, i.action_index, i.action, i.lane,
           i.host, i.policy, i.body, $13, $13
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::smallint[], $8::text[],
      $9::text[], $10::text[],
                $11::text[], $12::text[], $14::text[]::timestamptz[])
         as i (alarm_id, project_id, event_id, kind, sequence, action_list, action_index, action, lane, host, policy,
           body, transition_time)
  on conflict do nothing`;

/**
 * Writes what follows from decisions: history, notifications, and what these overtake. For the transaction that changes
 * the states, and holds their alarms. Resolves to the number of notifications.
 */
export async function writeOutcomeRows(tx: Sql, rows: OutcomeRows): Promise<number> {
  const { changed, repeated, at } = rows;
  const eventIds = await appendHistory(tx, changed, at);
  if (changed.length > 0) await supersedeByTransition(tx, rows);
  const all = [
    ...changed.map((one, index) => ({ ...one, eventId: eventIds[index] ?? null })),
    ...repeated.map((one) => ({ ...one, eventId: null })),
  ];
  let written = 0;
  for (const slice of portionsOf(all, SLICE, ({ outcome, row }) => row[ACTION_LIST_OF[outcome.to]]?.length ?? 0)) {
    const notifications = slice.flatMap(notificationsOf);
    await supersedeRepeats(tx, notifications, at);
    for (const portion of portionsOf(notifications, STATEMENT, ({ body }) => body.length)) {
      await appendNotifications(tx, portion, at);
    }
    await bringQueuesForward(tx, lanesAskedAnew(notifications), at);
    written += notifications.length;
  }
  return written;
}

/** In order; a portion is over its weight only if it has a single member. */
function* portionsOf<Item>(
  items: readonly Item[],
  most: { members: number; weight: number },
  weightOf: (item: Item) => number,
): Iterable<Item[]> {
  let portion: Item[] = [];
  let weight = 0;
  for (const item of items) {
    const added = weightOf(item);
    if (portion.length > 0 && (portion.length >= most.members || weight + added > most.weight)) {
      yield portion;
      portion = [];
      weight = 0;
    }
    portion.push(item);
    weight += added;
  }
  if (portion.length > 0) yield portion;
}

/**
 * Resolves to the ids of the rows. They rise, so that rows of one moment are listed in the order in which they came
 * about.
 */
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
    at,
  ]);
  return eventIds;
}

interface Recorded extends AppliedChange {
  /** The history row; null for repeats. */
  eventId: string | null;
}

interface NewNotification extends Recorded {
  actionIndex: number;
  action: string;
  lane: string;
  body: string;
}

function notificationsOf({ outcome, row, eventId }: Recorded): NewNotification[] {
  const actions = row[ACTION_LIST_OF[outcome.to]] ?? [];
  if (actions.length === 0 || row.muted) return [];
  const { reason, reasonData, from: previous, to: current } = outcome;
  const body = notificationBody({
    alarmName: row.name,
    alarmId: row.id,
    severity: row.severity,
    previous,
    current,
    reason,
    reasonData,
  });
  return actions.map((action, actionIndex) => ({
    row,
    outcome,
    eventId,
    actionIndex,
    action,
    lane: deliveryQueueOf(row.id, action),
    body,
  }));
}

async function supersedeByTransition(tx: Sql, { changed, at, staleBefore, defaultPolicy }: OutcomeRows): Promise<void> {
  const ids = changed.map(({ row }) => row.id);
  await tx.query(SUPERSEDE_BY_TRANSITION, [ids, at, staleBefore, defaultPolicy]);
}

async function supersedeRepeats(tx: Sql, added: readonly NewNotification[], at: Date): Promise<void> {
  const lanes = repeatLanes(added);
  if (lanes.length > 0) await tx.query(SUPERSEDE_REPEATS, [lanes, at]);
}

function repeatLanes(added: readonly NewNotification[]): string[] {
  return added.filter(({ outcome }) => outcome.kind === 'repeat').map(({ lane }) => lane);
}

/** Of repeats, and of events that set off an alarm which was in that state already: `repeat_actions` asks for both. */
function lanesAskedAnew(added: readonly NewNotification[]): string[] {
  const asking = added.filter(({ outcome: { kind, from, to } }) => kind === 'repeat' || from === to);
  return asking.map(({ lane }) => lane);
}

async function appendNotifications(tx: Sql, added: readonly NewNotification[], at: Date): Promise<void> {
  await tx.query(APPEND_NOTIFICATIONS, [
    added.map(({ row }) => row.id),
    added.map(({ row }) => row.project_id),
    added.map(({ eventId }) => eventId),
    added.map(({ outcome }) => outcome.kind),
    added.map(({ row }) => row.state_version),
    added.map(({ outcome }) => ACTION_LIST_OF[outcome.to]),
    added.map(({ actionIndex }) => actionIndex),
    added.map(({ action }) => action),
    added.map(({ lane }) => lane),
    added.map(({ action }) => receiverOf(action)),
    added.map(({ row }) => row.delivery_policy),
    added.map(({ body }) => body),
    at,
    // The alarm's row may be newer than one of several changes. A repeat belongs to the state in the row.
    added.map(({ outcome, row }) => (outcome.kind === 'repeat' ? row.state_timestamp : at).toISOString()),
  ]);
}

/**
 * An action that an earlier release let in and this one does not know must not stop a transition: the notifier will
 * refuse it, and say so.
 */
function receiverOf(action: string): string {
  try {
    return hostOf(parseAction(action));
  } catch {
    return 'unknown:';
  }
}
