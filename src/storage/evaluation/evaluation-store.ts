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
  /** True if its last result is not committed yet, since another transaction had locked it. */
  isLocked: boolean;
  evaluationStartedAt: Date | null;
  lastEvaluatedAt: Date | null;
}

/** Where the read of a partition goes on. */
export interface ReadPosition {
  partition: number;
  /** The last alarm that was read; revision '0' and id '' before the first one. */
  after: { revision: string; id: string };
  /** Alarms of this revision and later ones are left to the next read; null for the first piece, which says it. */
  until: string | null;
}

/** An alarm of a piece, and the partition of the position at which it was found. */
export type ReadAlarm = LoadedAlarm & { readFor: number; revision: string };

/** A piece of the alarms that are read. */
export interface AlarmPiece {
  /** In the order of the positions, then of revision and id. Fewer than requested: all positions are at their ends. */
  alarms: ReadAlarm[];
  /** Each change that the snapshot of this piece does not show has this revision or a later one. */
  seen: string;
  /** Each change that the snapshot shows has an earlier revision. */
  until: string;
}

/** Which partitions have changes, in one snapshot. */
export interface ChangedPartitions {
  /** Each change that the snapshot does not show has this revision or a later one. */
  seen: string;
  /** The partitions with changed alarms, and those that such alarms have left. */
  changed: ReadonlySet<number>;
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
 * One piece, from several positions. `seen` is the xmin of the snapshot of the statement: each transaction that is
 * still running has this id or a higher one, so a later read from there finds its changes, in any order of commits. The
 * positions are a function with ordinality, which the planner knows to be in order. So it reads one partition after the
 * other and stops at the limit. The left join returns `seen` without alarms, too.
 */
const pieceOf = (found: string): string => `
  select s.seen, s.until, r.*
    from (select pg_snapshot_xmin(c)::text as seen, pg_snapshot_xmax(c)::text as until, pg_snapshot_xmax(c) as xmax
            from pg_current_snapshot() c) s
    left join lateral (
      select p.partition as "readFor", a.revision::text as revision, ${COLUMNS}
        from unnest($1::smallint[], $2::text[]::xid8[], $3::text[], $4::text[]::xid8[])
             with ordinality p (partition, after_revision, after_id, until, n)
       cross join lateral (${found}) a
       order by p.n, a.revision, a.id limit $5::bigint) r on true`;

const AFTER = '(a.revision, a.id) > (p.after_revision, p.after_id) and a.revision < coalesce(p.until, s.xmax)';
const IN_ORDER = 'order by a.revision, a.id limit $5::bigint';

const LOAD = pieceOf(`
  select a.* from alarms a where a.partition = p.partition and ${AFTER} and a.deleted_at is null ${IN_ORDER}`);

/** Changed, moved and deleted alarms of the partitions, and alarms that have left them. */
const CHANGES = pieceOf(`
  select a.* from (
    (select a.* from alarms a where a.partition = p.partition and ${AFTER} ${IN_ORDER})
    union all
    (select a.* from alarms a
      where a.previous_partition = p.partition and a.partition <> p.partition and ${AFTER} ${IN_ORDER})) a
   ${IN_ORDER}`);

/** It looks for one changed alarm of each partition in the indexes, and reads no alarm. */
const CHANGED_SINCE = `
  select s.seen, r.partition
    from (select pg_snapshot_xmin(c)::text as seen from pg_current_snapshot() c) s
    left join lateral (
      select p.partition from unnest($1::smallint[], $2::text[]::xid8[]) as p (partition, revision)
       where exists (select from alarms a where a.partition = p.partition and a.revision >= p.revision)
          or exists (select from alarms a where a.previous_partition = p.partition and a.revision >= p.revision)
    ) r on true`;

const BY_ID = `select ${COLUMNS} from alarms a where a.id = any($1::text[])`;

const REACHABLE = `
  with recursive reach (id) as (
    select unnest($1::text[]) union select m.member_id from alarm_members m join reach r on m.combination_id = r.id)
  select a.id, a.type as kind, case when a.type = 'combination' then a.rule end as "ruleJson", a.enabled,
         case when a.type = 'combination' then a.time_constraints end as "timeConstraintsJson", a.state, a.partition,
         coalesce(a.id = any(p.locked_alarms)
           and coalesce(p.locked_checkpoint, p.last_evaluated_at) = p.last_evaluated_at, false) as "isLocked",
         p.evaluation_started_at as "evaluationStartedAt", p.last_evaluated_at as "lastEvaluatedAt"
    from reach r join alarms a on a.id = r.id join partitions p on p.id = a.partition
   where a.deleted_at is null`;

export type EvaluationStore = ReturnType<typeof createEvaluationStore>;

/** The alarms that evaluators read. They write with `evaluation-commit.ts`. */
export function createEvaluationStore(db: Database) {
  return {
    /** Reads the next alarms of partitions, deleted ones excluded. */
    loadPiece: (positions: readonly ReadPosition[], rows: number): Promise<AlarmPiece> =>
      pieceAt(db, LOAD, positions, rows),

    /** Reads the next changes of partitions: after revision r and id '' are those with revision r and later. */
    changesPiece: (positions: readonly ReadPosition[], rows: number): Promise<AlarmPiece> =>
      pieceAt(db, CHANGES, positions, rows),

    /** Finds those of the partitions with changes of the given revisions and later ones. */
    changedSince: (revisions: ReadonlyMap<number, string>): Promise<ChangedPartitions> => changedSince(db, revisions),

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

async function changedSince(db: Database, revisions: ReadonlyMap<number, string>): Promise<ChangedPartitions> {
  const parameters = [[...revisions.keys()], [...revisions.values()]];
  const { rows } = await db.query<{ seen: string; partition: number | null }>(CHANGED_SINCE, parameters);
  const [first] = rows;
  if (first === undefined) throw new Error('the query of changed partitions returned no row');
  // Without changes there is one row with a null beside the revision.
  return { seen: first.seen, changed: new Set(rows.flatMap(({ partition }) => partition ?? [])) };
}

async function pieceAt(
  db: Database,
  text: string,
  positions: readonly ReadPosition[],
  limit: number,
): Promise<AlarmPiece> {
  const { rows } = await db.query<(ReadAlarm | { id: null }) & { seen: string; until: string }>(
    text,
    [
      positions.map(({ partition }) => partition),
      positions.map(({ after }) => after.revision),
      positions.map(({ after }) => after.id),
      positions.map(({ until }) => until),
      limit,
    ],
    // The plan depends on the limit, so it is made for each piece.
    { prepare: false },
  );
  const [first] = rows;
  if (first === undefined) throw new Error('a piece of alarms has no revision');
  // Without alarms there is one row with nulls beside the revisions.
  return { alarms: rows.filter((row) => row.id !== null), seen: first.seen, until: first.until };
}
