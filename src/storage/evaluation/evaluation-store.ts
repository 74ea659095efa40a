import { NOT_EVALUATED_YET, type AlarmState } from '../../alarm/state.js';
import { PROVISIONAL_REASONS } from '../../alarm/state-reason.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import type { Database } from '../database.js';

/** The fields of an alarm that evaluators keep in memory. The other fields are read at commit. */
export interface LoadedAlarm {
  id: string;
  projectId: string;
  kind: AlarmKind;
  ruleJson: string;
  enabled: boolean;
  repeatActions: boolean;
  /** States for which the alarm has actions. */
  statesWithActions: AlarmState[];
  timeConstraintsJson: string;
  /** Null if all options have the behaviour of Aodh. */
  optionsJson: string | null;
  state: AlarmState;
  stateVersion: number;
  /** The `state_reason`, if an evaluation may replace it without a change of state. Otherwise null. */
  shownReason: string | null;
  definitionVersion: number;
  partition: number;
  deleted: boolean;
}

/** A member of a combination, from one snapshot of the database, with the progress of its partition. */
export interface MemberAlarm {
  id: string;
  kind: AlarmKind;
  /** Of a combination. The states of other members are stored, so that their long texts are not read. */
  ruleJson: string | null;
  enabled: boolean;
  /** As `ruleJson`. */
  timeConstraintsJson: string | null;
  state: AlarmState;
  partition: number;
  evaluationStartedAt: Date | null;
  lastEvaluatedAt: Date | null;
}

/** The alarms that changed since a revision. */
export interface AlarmChanges {
  /** Changed, moved and deleted alarms of the requested partitions, and alarms that left these. */
  alarms: LoadedAlarm[];
  /** Revision for the next query: each change that is not in this result has this revision or a later one. */
  seen: string;
}

/**
 * SQL condition that is true for each reason that `isProvisional` accepts, and for few others. None of these texts
 * contains a quote, `%` or `_`.
 */
const MAY_BE_PROVISIONAL = [
  `a.state_reason = '${NOT_EVALUATED_YET}'`,
  ...Object.values(PROVISIONAL_REASONS).map((beginning) => `a.state_reason like '${beginning}%'`),
].join(' or ');

const COLUMNS = `
  a.id, coalesce(a.project_id, '') as "projectId", a.type as kind, a.rule as "ruleJson", a.enabled,
  a.repeat_actions as "repeatActions",
  array_remove(array[
    case when cardinality(a.ok_actions) > 0 then 'ok' end,
    case when cardinality(a.alarm_actions) > 0 then 'alarm' end,
    case when cardinality(a.insufficient_data_actions) > 0 then 'insufficient data' end], null) as "statesWithActions",
  a.time_constraints as "timeConstraintsJson", a.evaluation_options as "optionsJson", a.state,
  a.state_version as "stateVersion",
  case when a.state = 'insufficient data' or ${MAY_BE_PROVISIONAL} then a.state_reason end as "shownReason",
  a.definition_version as "definitionVersion", a.partition, a.deleted_at is not null as deleted`;

/**
 * `seen` is the xmin of the snapshot of this statement. Each transaction that is still running has this id or a higher
 * one, so the next query finds its changes, in any order of commits. The left join returns `seen` without changes, too.
 */
const CHANGES = `
  select s.seen, ${COLUMNS}
    from (select pg_snapshot_xmin(pg_current_snapshot())::text as seen) s
    left join alarms a on (a.partition = any($1::smallint[]) or a.previous_partition = any($1::smallint[]))
                      and a.revision >= $2::text::xid8`;

const LOAD = `
  select s.seen, ${COLUMNS}
    from (select pg_snapshot_xmin(pg_current_snapshot())::text as seen) s
    left join alarms a on a.partition = any($1::smallint[]) and a.deleted_at is null
   order by a.partition`;

const BY_ID = `select ${COLUMNS} from alarms a where a.id = any($1::text[])`;

const REACHABLE = `
  with recursive reach (id) as (
    select unnest($1::text[]) union select m.member_id from alarm_members m join reach r on m.combination_id = r.id)
  select a.id, a.type as kind, case when a.type = 'combination' then a.rule end as "ruleJson", a.enabled,
         case when a.type = 'combination' then a.time_constraints end as "timeConstraintsJson", a.state, a.partition,
         p.evaluation_started_at as "evaluationStartedAt", p.last_evaluated_at as "lastEvaluatedAt"
    from reach r join alarms a on a.id = r.id join partitions p on p.id = a.partition
   where a.deleted_at is null`;

export type EvaluationStore = ReturnType<typeof createEvaluationStore>;

/** The alarms that evaluators read. They write with `evaluation-commit.ts`. */
export function createEvaluationStore(db: Database) {
  return {
    /** Reads all alarms of newly owned partitions. */
    load: (partitions: readonly number[]): Promise<AlarmChanges> => changes(db, LOAD, [partitions]),

    /** Reads the changes of these partitions with revision `since` or later. */
    changesSince: (partitions: readonly number[], since: string): Promise<AlarmChanges> =>
      changes(db, CHANGES, [partitions, since]),

    /** Reads these alarms. Alarms without a row are absent. */
    async byId(ids: readonly string[]): Promise<LoadedAlarm[]> {
      return (await db.query<LoadedAlarm>(BY_ID, [ids])).rows;
    },

    /** Reads these combinations and all alarms that can be reached from them, in one snapshot. */
    async reachableFrom(combinationIds: readonly string[]): Promise<MemberAlarm[]> {
      return (await db.query<MemberAlarm>(REACHABLE, [combinationIds])).rows;
    },
  };
}

async function changes(db: Database, text: string, parameters: readonly unknown[]): Promise<AlarmChanges> {
  // Without changes there is one row with nulls and `seen`.
  const { rows } = await db.query<(LoadedAlarm | { id: null }) & { seen: string }>(text, parameters);
  return { alarms: rows.filter((row) => row.id !== null), seen: rows[0]?.seen ?? '0' };
}
