import type { AlarmState } from '../../alarm/state.js';
import { LAST_EVALUATED } from '../alarms/alarm-row.js';
import type { Database } from '../database.js';

/** The partition and owner of an alarm, and the progress of its evaluation. */
export interface EvaluationProgress {
  partition: number;
  epoch: number;
  /** The evaluator that owns the partition; null if there is none. */
  owner: string | null;
  lastEvaluatedAt: Date | null;
  /** Time since which the alarm is behind; null if it is not. */
  behindSince: Date | null;
  /** Null if it is not known: an imported alarm has the time of its last edit elsewhere. */
  createdAt: Date | null;
}

/** The state that an alarm had at a time in the past. */
export interface PastState {
  state: AlarmState;
  /** Time of the change to this state; null for the state at the alarm's creation. */
  since: Date | null;
  reason: string | null;
}

/** A transition by an evaluation. */
export interface Firing {
  at: Date;
  reason: string;
}

/** A change of an alarm's state, by an evaluation or by a user. */
export interface StateChange {
  alarmId: string;
  at: Date;
  from: AlarmState;
  to: AlarmState;
  reason: string | null;
}

/** Selects changes of state. `start` and `stop` are included. */
export interface StateChangeQuery {
  start: Date;
  stop: Date;
  limit: number;
}

export type ExplanationStore = ReturnType<typeof createExplanationStore>;

/**
 * Data for explanations of alarms. There is no scope: callers pass alarms that the requester may read, and members of
 * these.
 */
export function createExplanationStore(db: Database) {
  return {
    /** Returns undefined if the alarm does not exist. */
    progressOf: (alarmId: string): Promise<EvaluationProgress | undefined> => progressOf(db, alarmId),
    /**
     * Returns the states just before `at`, so that an evaluation that changed the state at `at` is shown with the state
     * from which it started.
     */
    statesAt: (alarmIds: readonly string[], at: Date): Promise<ReadonlyMap<string, PastState>> =>
      statesAt(db, alarmIds, at),
    /**
     * Returns changes of state within a time span, in their order: the first ones of one alarm. Of several alarms there
     * may be earlier ones if as many as `limit` are returned.
     */
    changesOf: (alarmIds: readonly string[], query: StateChangeQuery): Promise<StateChange[]> =>
      changesOf(db, alarmIds, query),
    /** Returns the last transition before `at` by an evaluation, not by a user. */
    lastFiring: (alarmId: string, at: Date): Promise<Firing | undefined> => lastFiring(db, alarmId, at),
  };
}

/** The history of an alarm that was imported begins later than the alarm. */
const PROGRESS = `
  select p.id as partition, p.epoch, p.owner, ${LAST_EVALUATED} as "lastEvaluatedAt",
         to_timestamp((p.behind -> a.id ->> 'dueMs')::float8 / 1000) as "behindSince",
         case when (select min(h.timestamp) from alarm_history h where h.alarm_id = a.id) > a.created_at then null
              else a.created_at end as "createdAt"
    from alarms a join partitions p on p.id = a.partition where a.id = $1 and a.deleted_at is null`;

async function progressOf(db: Database, alarmId: string): Promise<EvaluationProgress | undefined> {
  return (await db.query<EvaluationProgress>(PROGRESS, [alarmId])).rows[0];
}

/** An entry has the state before its change. So the first entry after a time has the state at that time. */
const STATES_AT = `
  select a.id, coalesce(later.previous_state, a.state) as state, earlier.timestamp as since, earlier.detail
    from alarms a
    left join lateral (
      select h.timestamp, h.detail from alarm_history h
       where h.alarm_id = a.id and h.state_version is not null and h.timestamp < $2::timestamptz
       order by h.timestamp desc, h.state_version desc limit 1) earlier on true
    left join lateral (
      select h.previous_state from alarm_history h
       where h.alarm_id = a.id and h.state_version is not null and h.timestamp >= $2::timestamptz
       order by h.timestamp, h.state_version limit 1) later on true
   where a.id = any($1::text[])`;

interface StateRow {
  id: string;
  state: AlarmState;
  since: Date | null;
  detail: string | null;
}

/** Alarms per statement. */
const STATES_AT_ONCE = 500;

async function statesAt(db: Database, alarmIds: readonly string[], at: Date): Promise<ReadonlyMap<string, PastState>> {
  const states = new Map<string, PastState>();
  for (let from = 0; from < alarmIds.length; from += STATES_AT_ONCE) {
    const { rows } = await db.query<StateRow>(STATES_AT, [alarmIds.slice(from, from + STATES_AT_ONCE), at]);
    for (const { id, state, since, detail } of rows)
      states.set(id, { state, since, reason: detail === null ? null : reasonIn(detail) });
  }
  return states;
}

/**
 * The state after a change is the one before the next change, or the present one. Each alarm is read by the index, so
 * the work ends with the last row that is returned.
 */
const CHANGES_OF = `
  select h.alarm_id as "alarmId", h.timestamp as at, h.previous_state as "from",
         coalesce(later.previous_state, a.state) as "to", h.detail
    from unnest($1::text[]) as given (id) join alarms a on a.id = given.id
   cross join lateral (
      select alarm_id, timestamp, state_version, previous_state, detail from alarm_history
       where alarm_id = given.id and state_version is not null
         and timestamp between $2::timestamptz and $3::timestamptz
       order by timestamp, state_version limit $4::bigint) h
    left join lateral (
      select n.previous_state from alarm_history n
       where n.alarm_id = h.alarm_id and n.state_version is not null and n.timestamp >= h.timestamp
         and (n.timestamp, n.state_version) > (h.timestamp, h.state_version)
       order by n.timestamp, n.state_version limit 1) later on true
   limit $4::bigint`;

async function changesOf(
  db: Database,
  alarmIds: readonly string[],
  { start, stop, limit }: StateChangeQuery,
): Promise<StateChange[]> {
  const { rows } = await db.query<Omit<StateChange, 'reason'> & { detail: string }>(CHANGES_OF, [
    alarmIds,
    start,
    stop,
    limit,
  ]);
  const changes = rows.map(({ detail, ...change }) => ({ ...change, reason: reasonIn(detail) }));
  return changes.sort((a, b) => a.at.getTime() - b.at.getTime());
}

const LAST_FIRING = `
  select timestamp, detail from alarm_history
   where alarm_id = $1 and type = 'state transition' and user_id is null and timestamp < $2::timestamptz
   order by timestamp desc, state_version desc limit 1`;

async function lastFiring(db: Database, alarmId: string, at: Date): Promise<Firing | undefined> {
  const { rows } = await db.query<{ timestamp: Date; detail: string }>(LAST_FIRING, [alarmId, at]);
  return rows[0] && { at: rows[0].timestamp, reason: reasonIn(rows[0].detail) ?? '' };
}

/** Returns the reason in the detail of an entry. Evaluations and users write it under different keys. */
function reasonIn(detail: string): string | null {
  const { transition_reason: transition, state_reason: set } = JSON.parse(detail) as Record<string, unknown>;
  const reason = transition ?? set;
  return typeof reason === 'string' ? reason : null;
}
