import { NOT_EVALUATED_YET, type AlarmState } from '../../alarm/state.js';
import { PROVISIONAL_REASONS } from '../../alarm/state-reason.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import type { Database } from '../database.js';

/** What an evaluator keeps of an alarm in memory. The rest is read at commit. */
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
  /** Null where all is as in Aodh. */
  optionsJson: string | null;
  state: AlarmState;
  stateVersion: number;
  /** The `state_reason` if an evaluation may replace it without a change of state; otherwise null. */
  shownReason: string | null;
  definitionVersion: number;
  partition: number;
  deleted: boolean;
}

/** An alarm as a combination sees it: from one snapshot of the database, with the progress of the alarm's partition. */
export interface MemberAlarm {
  id: string;
  kind: AlarmKind;
  ruleJson: string;
  enabled: boolean;
  timeConstraintsJson: string;
  state: AlarmState;
  partition: number;
  evaluationStartedAt: Date | null;
  lastEvaluatedAt: Date | null;
}

export interface AlarmChanges {
  /** Changed, moved and deleted alarms, of the partitions asked about and those that left them. */
  alarms: LoadedAlarm[];
  /** Ask again from this revision: every change that is not in this answer has it or a later one. */
  seen: string;
}

/**
 * SQL that is true for each reason that `isProvisional` accepts, and for few others. None of these texts has a quote,
 * `%` or `_`.
 */
const MAY_BE_PROVISIONAL = [
  `a.state_reason = '${NOT_EVALUATED_YET}'`,
  ...Object.values(PROVISIONAL_REASONS).map((beginning) => `a.state_reason like '${beginning}%'`),
].join(' or ');

const COLUMNS = `
  a.id, coalesce(a.project_id, '') as "projectId", a.type as kind, a.rule as "ruleJson", a.enabled, a.repeat_actions
    as "repeatActions",
  array_remove(array[
    case when cardinality(a.ok_actions) > 0 then 'ok' end,
    case when cardinality(a.alarm_actions) > 0 then 'alarm' end,
    case when cardinality(a.insufficient_data_actions) > 0 then 'insufficient data' end], null) as "statesWithActions",
  a.time_constraints as "timeConstraintsJson", a.evaluation_options as "optionsJson", a.state, a.state_version
    as "stateVersion",
  case when a.state = 'insufficient data' or ${MAY_BE_PROVISIONAL} then a.state_reason end as "shownReason",
  a.definition_version as "definitionVersion", a.partition, a.deleted_at is not null as deleted`;

/**
 * `seen` is taken in the statement that reads: a transaction still running now has a number at or above it, so whatever
 * it commits is found next time, in whatever order transactions commit. The left join gives `seen` even when nothing
 * changed.
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
  select a.id, a.type as kind, a.rule as "ruleJson", a.enabled, a.time_constraints as "timeConstraintsJson", a.state,
    a.partition,
         p.evaluation_started_at as "evaluationStartedAt", p.last_evaluated_at as "lastEvaluatedAt"
    from reach r join alarms a on a.id = r.id join partitions p on p.id = a.partition
   where a.deleted_at is null`;

export type EvaluationStore = ReturnType<typeof createEvaluationStore>;

/** What evaluators read. What they write is in `evaluation-commit.ts`. */
export function createEvaluationStore(db: Database) {
  return {
    /** All alarms of partitions that were just taken. */
    load: (partitions: readonly number[]): Promise<AlarmChanges> => changes(db, LOAD, [partitions]),

    /** What was written to these partitions' alarms at `since` or later. */
    changesSince: (partitions: readonly number[], since: string): Promise<AlarmChanges> =>
      changes(db, CHANGES, [partitions, since]),

    /** These alarms as they are now; those that no longer exist at all are absent. */
    async byId(ids: readonly string[]): Promise<LoadedAlarm[]> {
      return (await db.query<LoadedAlarm>(BY_ID, [ids])).rows;
    },

    /** These combinations and everything below them, in one snapshot. */
    async reachableFrom(combinationIds: readonly string[]): Promise<MemberAlarm[]> {
      return (await db.query<MemberAlarm>(REACHABLE, [combinationIds])).rows;
    },
  };
}

async function changes(db: Database, text: string, parameters: readonly unknown[]): Promise<AlarmChanges> {
  // One row of nulls, but for `seen`, when nothing changed.
  const { rows } = await db.query<(LoadedAlarm | { id: null }) & { seen: string }>(text, parameters);
  return { alarms: rows.filter((row) => row.id !== null), seen: rows[0]?.seen ?? '0' };
}
