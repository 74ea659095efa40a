import { ACTION_LIST_OF, type AlarmState, type Severity } from '../alarm/alarm.js';
import { hostOf, parseAction } from '../alarm/action.js';
import { laneOf, notificationBody } from '../alarm/notification.js';
import { pythonJson, type PythonValue } from '../alarm/python-json.js';
import type { Database, Sql } from './database.js';

/** A decision about one alarm, with the versions it was made from. */
export interface Outcome {
  alarmId: string;
  partition: number;
  stateVersion: number;
  definitionVersion: number;
  kind: 'transition' | 'repeat';
  from: AlarmState;
  to: AlarmState;
  reason: string;
  reasonData: PythonValue;
}

export interface EvaluationBatch {
  memberId: string;
  /** Partitions the outcomes belong to, with the epochs this member took them under. */
  partitions: readonly { id: number; epoch: number }[];
  outcomes: readonly Outcome[];
  /** The moment of evaluation. */
  at: Date;
  /** `progress` also marks the partitions as being evaluated, `checkpoint` as evaluated; `none` leaves them alone (combinations). */
  mark: 'none' | 'progress' | 'checkpoint';
  /** Under policy `current`, a notification older than this gives way to a newer transition of its alarm. */
  staleBefore: Date;
  defaultPolicy: string;
}

export interface CommitResult {
  /** Outcomes that are now durable, with the alarm's new state version. */
  committed: { outcome: Outcome; stateVersion: number }[];
  /** Outcomes refused because the alarm was edited, disabled, moved or deleted meanwhile, or its partition has a new owner. */
  fenced: Outcome[];
  /** Partitions that are no longer this member's. */
  lost: number[];
  notifications: number;
}

interface AlarmRow {
  id: string;
  name: string;
  severity: Severity;
  project_id: string | null;
  user_id: string | null;
  state_version: number;
  delivery_policy: string | null;
  muted: boolean;
  ok_actions: string[] | null;
  alarm_actions: string[] | null;
  insufficient_data_actions: string[] | null;
}

const ROW = `a.id, a.name, a.severity, a.project_id, a.user_id, a.state_version, a.delivery_policy, a.muted,
  a.ok_actions, a.alarm_actions, a.insufficient_data_actions`;

/** Locked in order of their numbers, as every other writer of partitions does, so that two of them cannot wait for each other. */
const MINE = `select p.id from partitions p
  where p.owner = $1 and (p.id, p.epoch) in (select * from unnest($2::smallint[], $3::bigint[])) order by p.id`;
const FENCE = {
  none: `${MINE} for share`,
  progress: `with mine as (${MINE} for no key update)
    update partitions p set evaluation_started_at = $4 from mine where p.id = mine.id returning p.id`,
  checkpoint: `with mine as (${MINE} for no key update)
    update partitions p set evaluation_started_at = $4, last_evaluated_at = $4 from mine where p.id = mine.id returning p.id`,
} as const;

const UNEDITED = `a.id = i.id and a.state_version = i.state_version and a.definition_version = i.definition_version
   and a.partition = i.partition and a.enabled and a.deleted_at is null`;
const GUARDS = `unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[]`;

const COMPARE_AND_SET = `
  update alarms a set state = i.state, state_version = a.state_version + 1, state_reason = i.reason, state_timestamp = $7
    from ${GUARDS}, $5::text[], $6::text[]) as i (id, state_version, definition_version, partition, state, reason)
   where ${UNEDITED} returning ${ROW}`;

const COMPARE_FOR_REPEAT = `
  select ${ROW} from ${GUARDS}) as i (id, state_version, definition_version, partition) join alarms a on ${UNEDITED} for share of a`;

const APPEND_HISTORY = `
  insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp, state_version, previous_state)
  select gen_random_uuid()::text, i.alarm_id, 'state transition', i.detail, i.on_behalf_of, i.severity, $7, i.state_version, i.previous_state
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[])
         as i (alarm_id, detail, on_behalf_of, severity, state_version, previous_state)
  returning event_id, alarm_id`;

const SUPERSEDE_BY_TRANSITION = `
  update notifications set status = 'superseded', last_error = 'a newer transition of the alarm', finished_at = $2
   where alarm_id = any($1::text[]) and status = 'pending' and replayed_at is null
     and (kind = 'repeat' or (coalesce(policy, $4) = 'current' and (attempt > 0 or created_at < $3)))`;

const SUPERSEDE_REPEATS = `
  update notifications set status = 'superseded', last_error = 'a newer repeat', finished_at = $2
   where lane = any($1::text[]) and status = 'pending' and kind = 'repeat' and replayed_at is null`;

const APPEND_NOTIFICATIONS = `
  insert into notifications (id, alarm_id, project_id, event_id, kind, sequence, transition_time, slot, action_list, action_index,
                             action, lane, host, policy, body, next_attempt_at, created_at)
  select gen_random_uuid()::text, i.alarm_id, i.project_id, i.event_id, i.kind, i.sequence, $13,
         case when i.kind = 'repeat' then $13::timestamptz end, i.action_list, i.action_index, i.action, i.lane, i.host, i.policy, i.body, $13, $13
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::smallint[], $8::text[], $9::text[], $10::text[],
                $11::text[], $12::text[])
         as i (alarm_id, project_id, event_id, kind, sequence, action_list, action_index, action, lane, host, policy, body)
  on conflict do nothing`;

export type CommitEvaluations = (batch: EvaluationBatch) => Promise<CommitResult>;

/**
 * Makes a batch's outcomes durable: state, history and notifications of every transition, and the progress of the partitions, in one
 * transaction, or nothing. Each partition is fenced by its epoch, each alarm by its versions; what is refused is reported, not an error.
 * Writes state columns only, so it can never undo an owner's edit. When it rejects, the outcome is unknown: re-read before the next evaluation.
 */
export function createEvaluationCommit(db: Database): CommitEvaluations {
  return (batch) => db.transaction((tx) => commit(tx, batch));
}

async function commit(tx: Sql, batch: EvaluationBatch): Promise<CommitResult> {
  const mine = await fence(tx, batch);
  const admitted = batch.outcomes.filter(({ partition }) => mine.has(partition));
  const transitions = admitted.filter(({ kind }) => kind === 'transition');
  const repeats = admitted.filter(({ kind }) => kind === 'repeat');
  const changed = await compareAndSet(tx, transitions, batch.at);
  const unchanged = await compareForRepeat(tx, repeats);
  const events = await appendHistory(tx, changed, batch.at);
  const written = [...changed, ...unchanged];
  const notifications = written.flatMap(({ outcome, row }) => notificationsOf(outcome, row, events.get(outcome.alarmId)));
  await supersede(tx, batch, changed, notifications);
  await appendNotifications(tx, notifications, batch.at);
  const done = new Set(written.map(({ outcome }) => outcome));
  return {
    committed: written.map(({ outcome, row }) => ({ outcome, stateVersion: row.state_version })),
    fenced: batch.outcomes.filter((outcome) => !done.has(outcome)),
    lost: batch.partitions.filter(({ id }) => !mine.has(id)).map(({ id }) => id),
    notifications: notifications.length,
  };
}

async function fence(tx: Sql, { memberId, partitions, mark, at }: EvaluationBatch): Promise<ReadonlySet<number>> {
  const who = [memberId, partitions.map(({ id }) => id), partitions.map(({ epoch }) => epoch)];
  const { rows } = await tx.query<{ id: number }>(FENCE[mark], mark === 'none' ? who : [...who, at]);
  return new Set(rows.map(({ id }) => id));
}

interface Written {
  outcome: Outcome;
  row: AlarmRow;
}

async function compareAndSet(tx: Sql, outcomes: readonly Outcome[], at: Date): Promise<Written[]> {
  if (outcomes.length === 0) return [];
  const parameters = [...guards(outcomes), outcomes.map(({ to }) => to), outcomes.map(({ reason }) => reason), at];
  return pair(outcomes, (await tx.query<AlarmRow>(COMPARE_AND_SET, parameters)).rows);
}

async function compareForRepeat(tx: Sql, outcomes: readonly Outcome[]): Promise<Written[]> {
  if (outcomes.length === 0) return [];
  return pair(outcomes, (await tx.query<AlarmRow>(COMPARE_FOR_REPEAT, guards(outcomes))).rows);
}

function guards(outcomes: readonly Outcome[]): unknown[] {
  return [
    outcomes.map(({ alarmId }) => alarmId),
    outcomes.map(({ stateVersion }) => stateVersion),
    outcomes.map(({ definitionVersion }) => definitionVersion),
    outcomes.map(({ partition }) => partition),
  ];
}

function pair(outcomes: readonly Outcome[], rows: readonly AlarmRow[]): Written[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return outcomes.flatMap((outcome) => {
    const row = byId.get(outcome.alarmId);
    return row ? [{ outcome, row }] : [];
  });
}

async function appendHistory(tx: Sql, changed: readonly Written[], at: Date): Promise<ReadonlyMap<string, string>> {
  if (changed.length === 0) return new Map();
  const { rows } = await tx.query<{ event_id: string; alarm_id: string }>(APPEND_HISTORY, [
    changed.map(({ row }) => row.id),
    changed.map(({ outcome }) => pythonJson({ state: outcome.to, transition_reason: outcome.reason })),
    changed.map(({ row }) => row.project_id),
    changed.map(({ row }) => row.severity),
    changed.map(({ row }) => row.state_version),
    changed.map(({ outcome }) => outcome.from),
    at,
  ]);
  return new Map(rows.map(({ event_id, alarm_id }) => [alarm_id, event_id]));
}

interface NewNotification {
  row: AlarmRow;
  outcome: Outcome;
  eventId: string | null;
  actionIndex: number;
  action: string;
  lane: string;
  body: string;
}

function notificationsOf(outcome: Outcome, row: AlarmRow, eventId: string | undefined): NewNotification[] {
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
    eventId: eventId ?? null,
    actionIndex,
    action,
    lane: laneOf(row.id, action),
    body,
  }));
}

async function supersede(
  tx: Sql,
  batch: EvaluationBatch,
  changed: readonly Written[],
  added: readonly NewNotification[],
): Promise<void> {
  if (changed.length > 0) {
    const ids = changed.map(({ row }) => row.id);
    await tx.query(SUPERSEDE_BY_TRANSITION, [ids, batch.at, batch.staleBefore, batch.defaultPolicy]);
  }
  const lanes = added.filter(({ outcome }) => outcome.kind === 'repeat').map(({ lane }) => lane);
  if (lanes.length > 0) await tx.query(SUPERSEDE_REPEATS, [lanes, batch.at]);
}

async function appendNotifications(tx: Sql, added: readonly NewNotification[], at: Date): Promise<void> {
  if (added.length === 0) return;
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
  ]);
}

/** An action that an earlier release let in and this one does not know must not stop a transition: the notifier will refuse it, and say so. */
function receiverOf(action: string): string {
  try {
    return hostOf(parseAction(action));
  } catch {
    return 'unknown:';
  }
}
