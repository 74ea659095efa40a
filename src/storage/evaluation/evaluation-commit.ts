import type { Database, Sql } from '../database.js';
import {
  OUTCOME_COLUMNS,
  writeOutcomeRows,
  type TransitionOrRepeat,
  type OutcomeAlarm,
  type AppliedChange,
} from './outcome-rows.js';

/** The alarm of an outcome, with the versions that were evaluated. */
interface OfAlarm {
  alarmId: string;
  partition: number;
  stateVersion: number;
  definitionVersion: number;
}

/** A transition or a repeat. */
export type TransitionOrRepeatOutcome = OfAlarm & TransitionOrRepeat;

/** A new `state_reason` for a state that stays: no history row, no notification, no new version. */
export interface ReasonOutcome extends OfAlarm {
  kind: 'reason';
  reason: string;
}

/** The writes of one evaluation of one alarm. */
export type EvaluationOutcome = TransitionOrRepeatOutcome | ReasonOutcome;

export interface EvaluationBatch {
  memberId: string;
  /** Partitions the outcomes belong to, with the epochs this member took them under. */
  partitions: readonly { id: number; epoch: number }[];
  outcomes: readonly EvaluationOutcome[];
  /** The moment of evaluation. */
  at: Date;
  /**
   * `progress` also marks the partitions as being evaluated, `checkpoint` as evaluated; `none` leaves them alone
   * (combinations).
   */
  mark: 'none' | 'progress' | 'checkpoint';
  /** Under policy `current`, a notification older than this gives way to a newer transition of its alarm. */
  staleBefore: Date;
  defaultPolicy: string;
}

export interface CommitResult {
  /** Outcomes that are now durable, with the alarm's new state version. */
  committed: { outcome: EvaluationOutcome; stateVersion: number }[];
  /**
   * Outcomes refused because the alarm was edited, disabled, moved or deleted meanwhile, or its partition has a new
   * owner.
   */
  fenced: EvaluationOutcome[];
  /** Partitions that are no longer this member's. */
  lost: number[];
  notifications: number;
}

/**
 * Locked in order of their numbers, as every other writer of partitions does, so that two of them cannot wait for each
 * other.
 */
const MINE = `select p.id from partitions p
  where p.owner = $1 and (p.id, p.epoch) in (select * from unnest($2::smallint[], $3::bigint[])) order by p.id`;
const FENCE = {
  none: `${MINE} for share`,
  progress: `with mine as (${MINE} for no key update)
    update partitions p set evaluation_started_at = $4 from mine where p.id = mine.id returning p.id`,
  checkpoint: `with mine as (${MINE} for no key update)
    update partitions p set evaluation_started_at = $4, last_evaluated_at = $4 from mine where p.id = mine.id
      returning p.id`,
} as const;

const UNEDITED = `a.id = i.id and a.state_version = i.state_version and a.definition_version = i.definition_version
   and a.partition = i.partition and a.enabled and a.deleted_at is null`;
const GUARDS = `unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[]`;

const COMPARE_AND_SET = `
  update alarms a set state = i.state, state_version = a.state_version + 1, state_reason = i.reason,
    state_timestamp = $7
    from ${GUARDS}, $5::text[], $6::text[]) as i (id, state_version, definition_version, partition, state, reason)
   where ${UNEDITED} returning ${OUTCOME_COLUMNS}`;

const REPLACE_REASON = `
  update alarms a set state_reason = i.reason
    from ${GUARDS}, $5::text[]) as i (id, state_version, definition_version, partition, reason)
   where ${UNEDITED} returning a.id, a.state_version`;

const COMPARE_FOR_REPEAT = `
  select ${OUTCOME_COLUMNS} from ${GUARDS}) as i (id, state_version, definition_version, partition)
    join alarms a on ${UNEDITED} for share of a`;

export type CommitEvaluations = (batch: EvaluationBatch) => Promise<CommitResult>;

/**
 * Makes a batch's outcomes durable: state, history and notifications of every transition, and the progress of the
 * partitions, in one transaction, or nothing. Each partition is fenced by its epoch, each alarm by its versions; what
 * is refused is reported, not an error. Writes state columns only, so it can never undo an owner's edit. When it
 * rejects, the outcome is unknown: re-read before the next evaluation.
 */
export function createEvaluationCommit(db: Database): CommitEvaluations {
  // Without outcomes it is one statement, which needs no transaction around it.
  return (batch) => (batch.outcomes.length === 0 ? commit(db, batch) : db.transaction((tx) => commit(tx, batch)));
}

async function commit(tx: Sql, batch: EvaluationBatch): Promise<CommitResult> {
  const mine = await fence(tx, batch);
  const admitted = batch.outcomes.filter(({ partition }) => mine.has(partition));
  const decided = admitted.filter((outcome) => outcome.kind !== 'reason');
  const transitions = decided.filter(({ kind }) => kind === 'transition');
  const repeats = decided.filter(({ kind }) => kind === 'repeat');
  const changed = await compareAndSet(tx, transitions, batch.at);
  const repeated = await compareForRepeat(tx, repeats);
  const { at, staleBefore, defaultPolicy } = batch;
  const notifications = await writeOutcomeRows(tx, { changed, repeated, at, staleBefore, defaultPolicy });
  const reasons = await replaceReasons(tx, admitted.filter(isReason));
  const written: CommitResult['committed'] = [...changed, ...repeated, ...reasons].map(({ outcome, row }) => ({
    outcome,
    stateVersion: row.state_version,
  }));
  const done = new Set(written.map(({ outcome }) => outcome));
  return {
    committed: written,
    fenced: batch.outcomes.filter((outcome) => !done.has(outcome)),
    lost: batch.partitions.filter(({ id }) => !mine.has(id)).map(({ id }) => id),
    notifications,
  };
}

async function fence(tx: Sql, { memberId, partitions, mark, at }: EvaluationBatch): Promise<ReadonlySet<number>> {
  const who = [memberId, partitions.map(({ id }) => id), partitions.map(({ epoch }) => epoch)];
  const { rows } = await tx.query<{ id: number }>(FENCE[mark], mark === 'none' ? who : [...who, at]);
  return new Set(rows.map(({ id }) => id));
}

function isReason(outcome: EvaluationOutcome): outcome is ReasonOutcome {
  return outcome.kind === 'reason';
}

async function compareAndSet(
  tx: Sql,
  outcomes: readonly TransitionOrRepeatOutcome[],
  at: Date,
): Promise<AppliedChange<TransitionOrRepeatOutcome>[]> {
  if (outcomes.length === 0) return [];
  const parameters = [...guards(outcomes), outcomes.map(({ to }) => to), outcomes.map(({ reason }) => reason), at];
  return pair(outcomes, (await tx.query<OutcomeAlarm>(COMPARE_AND_SET, parameters)).rows);
}

async function compareForRepeat(
  tx: Sql,
  outcomes: readonly TransitionOrRepeatOutcome[],
): Promise<AppliedChange<TransitionOrRepeatOutcome>[]> {
  if (outcomes.length === 0) return [];
  return pair(outcomes, (await tx.query<OutcomeAlarm>(COMPARE_FOR_REPEAT, guards(outcomes))).rows);
}

type ReasonRow = Pick<OutcomeAlarm, 'id' | 'state_version'>;

/**
 * Writes reasons after the transitions and repeats of the same transaction. An alarm with a transition has no separate
 * reason.
 */
async function replaceReasons(
  tx: Sql,
  outcomes: readonly ReasonOutcome[],
): Promise<{ outcome: ReasonOutcome; row: ReasonRow }[]> {
  if (outcomes.length === 0) return [];
  const parameters = [...guards(outcomes), outcomes.map(({ reason }) => reason)];
  return pair(outcomes, (await tx.query<ReasonRow>(REPLACE_REASON, parameters)).rows);
}

function guards(outcomes: readonly OfAlarm[]): unknown[] {
  return [
    outcomes.map(({ alarmId }) => alarmId),
    outcomes.map(({ stateVersion }) => stateVersion),
    outcomes.map(({ definitionVersion }) => definitionVersion),
    outcomes.map(({ partition }) => partition),
  ];
}

function pair<One extends OfAlarm, Row extends { id: string }>(
  outcomes: readonly One[],
  rows: readonly Row[],
): { outcome: One; row: Row }[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return outcomes.flatMap((outcome) => {
    const row = byId.get(outcome.alarmId);
    return row ? [{ outcome, row }] : [];
  });
}
