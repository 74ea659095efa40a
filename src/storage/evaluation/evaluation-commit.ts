import type { DeliveryPolicy } from '../../alarm/alarm.js';
import type { AlarmLink } from '../../alarm/notification.js';
import { observedSql } from '../observed-sql.js';
import type { Database, Sql } from '../database.js';
import { OpenSilences } from '../silences/open-silences.js';
import { writeToldStates } from '../silences/told-state.js';
import { OWNED_PARTITIONS } from './owned-partitions.js';
import {
  OUTCOME_COLUMNS,
  writeOutcomeRows,
  type TransitionOrRepeat,
  type OutcomeAlarm,
  type AppliedChange,
} from './outcome-rows.js';
import { matchedAlarmOf } from './matched-alarm.js';

/** The alarm of an outcome, with the versions that were evaluated. */
export interface EvaluatedAlarm {
  alarmId: string;
  partition: number;
  stateVersion: number;
  definitionVersion: number;
}

/** An outcome with notifications: a transition or a repeat. */
export type TransitionOrRepeatOutcome = EvaluatedAlarm & TransitionOrRepeat;

/** A new `state_reason` for an unchanged state, without history row, notification and new version. */
export interface ReasonOutcome extends EvaluatedAlarm {
  kind: 'reason';
  reason: string;
}

/** The change that one evaluation of one alarm leads to. */
export type EvaluationOutcome = TransitionOrRepeatOutcome | ReasonOutcome;

/** Outcomes to commit together. */
export interface EvaluationBatch {
  /** The evaluator that commits. */
  memberId: string;
  /** Partitions of the outcomes, with the epochs of their ownership by this member. */
  partitions: readonly { id: number; epoch: number }[];
  outcomes: readonly EvaluationOutcome[];
  /** Time of the evaluation. */
  at: Date;
  /** Service time of the commit. It decides whether a silence holds the outcomes. */
  now: Date;
  /**
   * `progress` also records that the evaluation of the partitions has started, and `checkpoint` that it is complete.
   * `none`, for combinations, records neither.
   */
  mark: 'none' | 'progress' | 'checkpoint';
  /** Under policy `current`, a pending notification older than this is superseded by a newer transition. */
  staleBefore: Date;
  defaultPolicy: DeliveryPolicy;
  /**
   * Earlier outcomes of these partitions that are not committed, since their alarms were locked. The commit stores the
   * alarms of these, and those that it finds locked itself, in the partitions, so that combinations wait for them. If
   * there are none, or if this is absent, a checkpoint removes the stored alarms, and `none` keeps them. `progress`
   * always keeps them. Alarms that are stored count until the next checkpoint.
   */
  waiting?: readonly EvaluatedAlarm[];
  /** Called after each statement. */
  onStatement?: (() => void) | undefined;
}

/** The result of a commit, by outcome. */
export interface CommitResult {
  /** Committed outcomes, with the alarm's new state version. */
  committed: { outcome: EvaluationOutcome; stateVersion: number }[];
  /**
   * Outcomes that were not committed, because the alarm was edited, disabled, moved or deleted after the evaluation, or
   * its partition has a new owner.
   */
  fenced: EvaluationOutcome[];
  /**
   * Outcomes that were not committed, because another transaction has locked the alarm. The alarm is as it was
   * evaluated, so they may be committed later.
   */
  locked: EvaluationOutcome[];
  /** Partitions that this member no longer owns. */
  lost: number[];
  /** Number of new notifications. */
  notifications: number;
}

const FENCE = {
  none: `${OWNED_PARTITIONS} for share`,
  progress: `with mine as (${OWNED_PARTITIONS} for no key update)
    update partitions p set evaluation_started_at = $4 from mine where p.id = mine.id returning p.id`,
  checkpoint: `with mine as (${OWNED_PARTITIONS} for no key update)
    update partitions p set evaluation_started_at = $4, last_evaluated_at = $4, locked_alarms = null
      from mine where p.id = mine.id returning p.id`,
} as const;
/** As `none`, for a commit that may write to the partitions at its end: two such commits must not share a lock. */
const FENCE_TO_WRITE = `${OWNED_PARTITIONS} for no key update`;

/** Writes only partitions whose alarms differ. Readers ignore the alarms of an earlier checkpoint. */
const SET_LOCKED = `
  update partitions p set locked_alarms = w.alarms, locked_checkpoint = p.last_evaluated_at
    from (select m.id, array_agg(distinct i.alarm_id) filter (where i.alarm_id is not null) as alarms
            from unnest($1::smallint[]) as m (id)
            left join unnest($2::smallint[], $3::text[]) as i (partition, alarm_id) on i.partition = m.id
           group by m.id) w
   where p.id = w.id and (p.locked_alarms is distinct from w.alarms
      or w.alarms is not null and p.locked_checkpoint is distinct from p.last_evaluated_at)`;

const UNEDITED = `a.id = i.id and a.state_version = i.state_version and a.definition_version = i.definition_version
   and a.partition = i.partition and a.enabled and a.deleted_at is null`;
const GUARDS = `unnest($1::text[], $2::bigint[], $3::bigint[], $4::smallint[]`;

/**
 * The time of a transition is never before the creation of its alarm and its last transition (as `stateTimeAfter`).
 *
 * Each statement skips alarms that another transaction has locked, so that one such alarm delays no other. The lock is
 * the one that these updates take: checks of foreign keys do not conflict with it.
 */
const COMPARE_AND_SET = `
  with free as materialized (
    select a.id, i.state, i.reason
      from ${GUARDS}, $5::text[], $6::text[]) as i (id, state_version, definition_version, partition, state, reason)
      join alarms a on ${UNEDITED} for no key update of a skip locked)
  update alarms a set state = free.state, state_version = a.state_version + 1, state_reason = free.reason,
    state_timestamp = case when $7 < a.state_timestamp then a.state_timestamp + interval '1 millisecond'
      else greatest($7, a.created_at) end
    from free where a.id = free.id returning ${OUTCOME_COLUMNS}`;

const REPLACE_REASON = `
  with free as materialized (
    select a.id, i.reason
      from ${GUARDS}, $5::text[]) as i (id, state_version, definition_version, partition, reason)
      join alarms a on ${UNEDITED} for no key update of a skip locked)
  update alarms a set state_reason = free.reason from free where a.id = free.id returning a.id, a.state_version`;

const COMPARE_FOR_REPEAT = `
  select ${OUTCOME_COLUMNS} from ${GUARDS}) as i (id, state_version, definition_version, partition)
    join alarms a on ${UNEDITED} for share of a skip locked`;

const UNCHANGED = `
  select a.id from ${GUARDS}) as i (id, state_version, definition_version, partition) join alarms a on ${UNEDITED}`;

/** Settings of commits. */
export interface EvaluationCommitOptions {
  /** The links in the bodies of notifications. Default: bodies have none. */
  alarmLink?: AlarmLink | undefined;
}

/** Commits a batch of outcomes. */
export type CommitEvaluations = (batch: EvaluationBatch) => Promise<CommitResult>;

/**
 * Commits a batch in one transaction: state, history and notifications of the outcomes, and the progress of the
 * partitions. Each partition is fenced by its epoch, each alarm by its versions; a fenced outcome, and one whose alarm
 * is locked, is part of the result and no error. It writes only state columns, so it never undoes an edit. If it
 * rejects, the transaction may have been committed: read the alarms again before the next evaluation.
 */
export function createEvaluationCommit(db: Database, options: EvaluationCommitOptions = {}): CommitEvaluations {
  const context = { silences: new OpenSilences(), ...options };
  return (batch) => {
    const observed = (sql: Sql): Promise<CommitResult> => commit(observedSql(sql, batch.onStatement), batch, context);
    // Without outcomes there is only one statement, which needs no transaction.
    const isOneStatement = batch.outcomes.length === 0 && (batch.waiting ?? []).length === 0;
    return isOneStatement ? observed(db) : db.transaction(observed);
  };
}

async function commit(
  tx: Sql,
  batch: EvaluationBatch,
  { silences, alarmLink }: EvaluationCommitOptions & { silences: OpenSilences },
): Promise<CommitResult> {
  const mine = await fence(tx, batch);
  const admitted = batch.outcomes.filter(({ partition }) => mine.has(partition));
  const decided = admitted.filter((outcome) => outcome.kind !== 'reason');
  const transitions = decided.filter(({ kind }) => kind === 'transition');
  const repeats = decided.filter(({ kind }) => kind === 'repeat');
  const changed = await compareAndSet(tx, transitions, batch.at);
  const repeated = await compareForRepeat(tx, repeats);
  const { at, now, staleBefore, defaultPolicy } = batch;
  const silencedBy = await silences.holding(tx, [...changed, ...repeated].map(matchedAlarmOf), now);
  await writeToldStates(tx, changed, silencedBy);
  const notifications = await writeOutcomeRows(tx, {
    changed,
    repeated: repeated.filter(({ row }) => row.told_state === null && !silencedBy.has(row.id)),
    at,
    staleBefore,
    defaultPolicy,
    silencedBy,
    alarmLink,
  });
  const reasons = await replaceReasons(tx, admitted.filter(isReason));
  const written: CommitResult['committed'] = [...changed, ...repeated, ...reasons].map(({ outcome, row }) => ({
    outcome,
    stateVersion: row.state_version,
  }));
  const done = new Set(written.map(({ outcome }) => outcome));
  const locked = await lockedAmong(
    tx,
    admitted.filter((outcome) => !done.has(outcome)),
  );
  await writeLocked(tx, batch, { mine, locked });
  return {
    committed: written,
    fenced: batch.outcomes.filter((outcome) => !done.has(outcome) && !locked.has(outcome)),
    locked: [...locked],
    lost: batch.partitions.filter(({ id }) => !mine.has(id)).map(({ id }) => id),
    notifications,
  };
}

async function fence(
  tx: Sql,
  { memberId, partitions, mark, at, waiting }: EvaluationBatch,
): Promise<ReadonlySet<number>> {
  const who = [memberId, partitions.map(({ id }) => id), partitions.map(({ epoch }) => epoch)];
  const text = mark === 'none' && waiting ? FENCE_TO_WRITE : FENCE[mark];
  const { rows } = await tx.query<{ id: number }>(text, mark === 'none' ? who : [...who, at]);
  return new Set(rows.map(({ id }) => id));
}

/**
 * Stores the alarms whose results wait for locks. Not while an evaluation is partly committed: combinations wait for
 * its checkpoint anyway.
 */
async function writeLocked(
  tx: Sql,
  { outcomes, waiting, mark }: EvaluationBatch,
  { mine, locked }: { mine: ReadonlySet<number>; locked: ReadonlySet<EvaluatedAlarm> },
): Promise<void> {
  if (!waiting || mark === 'progress' || (waiting.length === 0 && locked.size === 0)) return;
  const tried = new Set(outcomes.map(({ alarmId }) => alarmId));
  const left = [...waiting.filter(({ alarmId }) => !tried.has(alarmId)), ...locked].filter(({ partition }) =>
    mine.has(partition),
  );
  await tx.query(SET_LOCKED, [[...mine], left.map(({ partition }) => partition), left.map(({ alarmId }) => alarmId)]);
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
  const { rows } = await tx.query<OutcomeAlarm>(COMPARE_AND_SET, parameters);
  return pair(outcomes, rows).map((one) => ({ ...one, at: one.row.state_timestamp }));
}

async function compareForRepeat(
  tx: Sql,
  outcomes: readonly TransitionOrRepeatOutcome[],
): Promise<AppliedChange<TransitionOrRepeatOutcome>[]> {
  if (outcomes.length === 0) return [];
  return pair(outcomes, (await tx.query<OutcomeAlarm>(COMPARE_FOR_REPEAT, guards(outcomes))).rows);
}

type ReasonRow = Pick<OutcomeAlarm, 'id' | 'state_version'>;

/** Writes reasons, after the transitions and repeats. An alarm with a transition has no separate reason. */
async function replaceReasons(
  tx: Sql,
  outcomes: readonly ReasonOutcome[],
): Promise<{ outcome: ReasonOutcome; row: ReasonRow }[]> {
  if (outcomes.length === 0) return [];
  const parameters = [...guards(outcomes), outcomes.map(({ reason }) => reason)];
  return pair(outcomes, (await tx.query<ReasonRow>(REPLACE_REASON, parameters)).rows);
}

/** Those of the outcomes left out whose alarm is still as it was evaluated: only a lock can have kept them from it. */
async function lockedAmong(tx: Sql, leftOut: readonly EvaluationOutcome[]): Promise<Set<EvaluationOutcome>> {
  if (leftOut.length === 0) return new Set();
  const { rows } = await tx.query<{ id: string }>(UNCHANGED, guards(leftOut));
  const unchanged = new Set(rows.map(({ id }) => id));
  return new Set(leftOut.filter(({ alarmId }) => unchanged.has(alarmId)));
}

function guards(outcomes: readonly EvaluatedAlarm[]): unknown[] {
  return [
    outcomes.map(({ alarmId }) => alarmId),
    outcomes.map(({ stateVersion }) => stateVersion),
    outcomes.map(({ definitionVersion }) => definitionVersion),
    outcomes.map(({ partition }) => partition),
  ];
}

function pair<One extends EvaluatedAlarm, Row extends { id: string }>(
  outcomes: readonly One[],
  rows: readonly Row[],
): { outcome: One; row: Row }[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  return outcomes.flatMap((outcome) => {
    const row = byId.get(outcome.alarmId);
    return row ? [{ outcome, row }] : [];
  });
}
