import type { MatchedAlarm } from '../../alarm/silence/matchers.js';
import type { Database, Sql } from '../database.js';
import { observedSql } from '../observed-sql.js';
import { OWNED_PARTITIONS } from '../evaluation/owned-partitions.js';
import { OpenSilences } from './open-silences.js';

/** Which alarms to settle: those of partitions that this member owns under these epochs. */
export interface SettleRequest {
  memberId: string;
  partitions: readonly { id: number; epoch: number }[];
  /** Service time. */
  now: Date;
  /** Called after each statement. */
  onStatement?: (() => void) | undefined;
}

/** An alarm that no silence holds any more. */
export interface SettledAlarm {
  id: string;
  partition: number;
  /** Number of notifications of its present state that are sent now; 0 if there were none. */
  released: number;
}

/** The result of a settlement. */
export interface Settlement {
  settled: SettledAlarm[];
  /** The partition of each alarm that is not settled. */
  held: number[];
}

/** Settles alarms, a bounded number in each transaction. */
export type SettleAlarms = (request: SettleRequest) => Promise<Settlement>;

/** Alarms of one transaction. */
const PAGE = 500;

const TO_SETTLE = `
  select a.id, a.partition, a.project_id as "projectId", a.name, a.type, a.severity,
         a.state_version as "stateVersion", a.definition_version as "definitionVersion"
    from alarms a
   where a.partition = any($1::smallint[]) and a.told_state is not null and a.deleted_at is null and a.id > $2
   order by a.id limit ${PAGE}`;

/** SQL condition on an alarm `l` of `SETTLE` and its notification `n`. */
const TO_RELEASE = `l.is_to_tell and n.alarm_id = l.id and n.kind = 'transition' and n.sequence = l.state_version
  and n.status = 'silenced'`;

/**
 * An alarm that was changed meanwhile, or that another transaction has locked, is left to the next settlement. So is
 * one with a notification to release that another transaction has locked. The notification is as old as its release: it
 * waited for the silence, and not for its receiver.
 */
const SETTLE = `
  with locked as (
    select a.id, a.partition, a.state_version, a.enabled and a.told_state <> a.state as is_to_tell
      from unnest($1::text[], $2::bigint[], $3::bigint[]) as i (id, state_version, definition_version)
      join alarms a on a.id = i.id and a.state_version = i.state_version
       and a.definition_version = i.definition_version
     where a.told_state is not null and a.deleted_at is null for update of a skip locked
  ), to_release as materialized (
    select n.id, n.alarm_id from locked l join notifications n on ${TO_RELEASE} for no key update of n skip locked
  ), complete as (
    select l.* from locked l
     where (select count(*) from notifications n where ${TO_RELEASE})
         = (select count(*) from to_release r where r.alarm_id = l.id)
  ), settled as (
    update alarms a set told_state = null from complete c where a.id = c.id
    returning a.id, a.partition
  ), released as (
    update notifications n set status = 'pending', finished_at = null, created_at = $4, next_attempt_at = $4
      from to_release r join complete c on c.id = r.alarm_id
     where n.id = r.id
    returning n.alarm_id
  )
  select s.id, s.partition, (select count(*) from released r where r.alarm_id = s.id)::int as released from settled s`;

type UnsettledAlarm = MatchedAlarm & { partition: number; stateVersion: number; definitionVersion: number };

/**
 * Settles the alarms that a silence held and that none holds any more: the notifications of the present state are sent
 * if the receivers know another one. Notifications of states that are over stay silenced. Each transaction is fenced by
 * the epochs of its partitions.
 */
export function createSettleAlarms(db: Database): SettleAlarms {
  const silences = new OpenSilences();
  return async (request) => {
    const settlement: Settlement = { settled: [], held: [] };
    const { onStatement } = request;
    const ids = request.partitions.map(({ id }) => id);
    for (let after = ''; ;) {
      // Mostly there is none, and then this is the only statement.
      const { rows } = await observedSql(db, onStatement).query<UnsettledAlarm>(TO_SETTLE, [ids, after]);
      const last = rows.at(-1);
      if (!last) return settlement;
      const settled = await db.transaction((tx) => settlePage(observedSql(tx, onStatement), rows, request, silences));
      const done = new Set(settled.map(({ id }) => id));
      settlement.settled.push(...settled);
      settlement.held.push(...rows.filter(({ id }) => !done.has(id)).map(({ partition }) => partition));
      if (rows.length < PAGE) return settlement;
      after = last.id;
    }
  };
}

async function settlePage(
  tx: Sql,
  alarms: readonly UnsettledAlarm[],
  { memberId, partitions, now }: SettleRequest,
  silences: OpenSilences,
): Promise<SettledAlarm[]> {
  const touched = new Set(alarms.map(({ partition }) => partition));
  const fenced = partitions.filter(({ id }) => touched.has(id));
  const { rows } = await tx.query<{ id: number }>(`${OWNED_PARTITIONS} for share`, [
    memberId,
    fenced.map(({ id }) => id),
    fenced.map(({ epoch }) => epoch),
  ]);
  const mine = new Set(rows.map(({ id }) => id));
  const candidates = alarms.filter(({ partition }) => mine.has(partition));
  const held = await silences.holding(tx, candidates, now);
  const free = candidates.filter(({ id }) => !held.has(id));
  if (free.length === 0) return [];
  const settled = await tx.query<SettledAlarm>(SETTLE, [
    free.map(({ id }) => id),
    free.map(({ stateVersion }) => stateVersion),
    free.map(({ definitionVersion }) => definitionVersion),
    now,
  ]);
  return settled.rows;
}
