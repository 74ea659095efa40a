import { usesTrust } from '../../alarm/action.js';
import type { AlarmState } from '../../alarm/state.js';
import { typeOf, type AlarmRule } from '../../alarm/types/index.js';
import { createSystemClock } from '../../clock.js';
import { countChanges, moveCount, startCounting, type PauseClock } from './alarm-count-store.js';
import { listAlarms, type AlarmQuery } from './alarm-list-store.js';
import { AlarmsNotCounted, insertAlarm, type Insertion, type InsertionRules } from './alarm-insert-store.js';
import {
  ALARM_COLUMNS,
  ALARM_TABLES,
  ALARM_WRITTEN,
  alarmParameters,
  openedAlarm,
  secretsIn,
  storedActionsIn,
  type AlarmRow,
  type StoredAlarm,
} from './alarm-row.js';
import { lockAndCheckMembers, writeMembers, type Combination } from './combination-store.js';
import type { Database, Sql } from '../database.js';
import { appendHistory, type HistoryEntry } from './history-store.js';
import { bringAlarmForward } from '../notifications/bring-forward-store.js';
import { sealNotificationsOf } from '../notifications/seal-notifications.js';
import { cancelRemovedBy } from '../notifications/removed-action-store.js';
import { scopeParameter, type Scope } from '../scope.js';
import type { Sealer } from '../secrets/sealed.js';
import {
  hasUnsealed,
  newActionSecrets,
  sealActions,
  type ActionSecrets,
  type SealedActions,
} from '../secrets/sealed-actions.js';
import { writeTrust, type SealedTrust, type TrustChange } from '../secrets/trust-store.js';

export type { StoredAlarm } from './alarm-row.js';

/** The new version of an alarm, and the entry for its history (null if nothing changed). */
export interface AlarmChange {
  next: StoredAlarm;
  entry: HistoryEntry | null;
}

/** A replacement of an alarm by its owner's edit. */
export interface Replacement {
  /** The new rule, and the project whose alarms it may combine (null: any). Needed before the alarm is locked. */
  rule: AlarmRule;
  memberProject: string | null;
  /** Called with the alarm locked. If it throws, the transaction is rolled back. */
  change: (current: StoredAlarm) => AlarmChange;
  trust?: TrustChange | undefined;
}

/** A deletion of an alarm. */
export interface Removal {
  at: Date;
  /** Called with the alarm locked. If it throws, the alarm is not deleted. */
  entry: (current: StoredAlarm) => HistoryEntry;
}

/** An alarm to create, with its trust. */
export interface Creation extends Insertion {
  memberProject: string | null;
  trust?: SealedTrust | undefined;
}

export type AlarmStore = ReturnType<typeof createAlarmStore>;

/**
 * The alarms that API users read and write. Evaluators use `evaluation-store.ts`. `clock` is for the pauses while the
 * alarms of an owner are first counted.
 */
export function createAlarmStore(db: Database, rules: InsertionRules, clock: PauseClock = createSystemClock()) {
  const { sealer } = rules;
  const createWithin = <T>(creation: Creation, write: (insert: () => Promise<void>) => Promise<T>): Promise<T> =>
    counting({ db, clock }, () => write(() => createCounted(db, rules, creation)));
  return {
    /**
     * Creates an alarm with its history entry. For a combination, also checks and records its members.
     * @throws AppError `forbidden` when the quota of its owner is exhausted.
     */
    create: (creation: Creation): Promise<void> => createWithin(creation, (insert) => insert()),
    /**
     * The same in a transaction that `write` begins before it calls `insert`. It is called again if the alarms of an
     * owner must be counted first. That is done outside of the transaction, since it waits for all that write alarms.
     */
    createWithin,
    async find(scope: Scope, id: string): Promise<StoredAlarm | undefined> {
      return (await find({ sql: db, sealer }, scope, id, ''))?.alarm;
    },
    /** Pages of alarms. A page can be empty. */
    list: (scope: Scope, query: AlarmQuery): AsyncIterable<StoredAlarm[]> => listAlarms({ db, sealer }, scope, query),
    /** Returns the new version of the alarm, or undefined if the scope has no such alarm. */
    replace: (scope: Scope, id: string, replacement: Replacement): Promise<StoredAlarm | undefined> =>
      db.transaction((sql) => replace({ sql, sealer }, scope, id, replacement)),
    /** Writes only the state columns. Returns the same as `replace`. */
    setState: (scope: Scope, id: string, change: Replacement['change']): Promise<StoredAlarm | undefined> =>
      db.transaction((sql) => setState({ sql, sealer }, scope, id, change)),
    /**
     * Turns the alarm into a tombstone, which tells evaluators of the deletion, and cancels its pending notifications.
     * Returns false if the scope has no such alarm.
     */
    remove: (scope: Scope, id: string, removal: Removal): Promise<boolean> =>
      db.transaction((sql) => remove({ sql, sealer }, scope, id, removal)),
  };
}

/** Repeats a creation after it has counted the alarms of an owner that were not counted yet. */
async function counting<T>(deps: { db: Database; clock: PauseClock }, create: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await create();
    } catch (thrown) {
      // At most once for the project and once for the user, since counters are never removed.
      if (!(thrown instanceof AlarmsNotCounted)) throw thrown;
      await startCounting(deps.db, thrown.owner, deps.clock);
    }
  }
}

async function createCounted(db: Database, rules: InsertionRules, creation: Creation): Promise<void> {
  const { alarm, memberProject, trust } = creation;
  const combination = combinationOf(alarm.id, alarm.rule, memberProject);
  if (!combination && !trust && rules.quotas.user < 0) return insertAlarm(db, creation, rules);
  await db.transaction(async (tx) => {
    if (combination) await lockAndCheckMembers(tx, { ...combination, ownerProjectId: alarm.projectId });
    await insertAlarm(tx, creation, rules);
    if (combination) await writeMembers(tx, alarm.id, combination.memberIds);
    if (trust) await writeTrust(tx, alarm.id, { next: trust, at: alarm.timestamp });
  });
}

/** A transaction or the database, and the encryption of the rows in it. */
interface SealedSql {
  sql: Sql;
  sealer: Sealer;
}

/** An alarm with the secrets of its actions, which an edit keeps. */
interface FoundAlarm {
  alarm: StoredAlarm;
  secrets: ActionSecrets | undefined;
  /** True if it was stored while there was no key. */
  isUnsealed: boolean;
}

async function find(
  { sql, sealer }: SealedSql,
  scope: Scope,
  id: string,
  lock: '' | 'for update of a',
): Promise<FoundAlarm | undefined> {
  const { rows } = await sql.query<AlarmRow>(
    `select ${ALARM_COLUMNS} from ${ALARM_TABLES}
     where a.id = $1 and ($2::text is null or a.project_id = $2) and a.deleted_at is null ${lock}`,
    [id, scopeParameter(scope)],
  );
  const [row] = rows;
  if (!row) return undefined;
  const secrets = secretsIn(row, sealer);
  return { alarm: openedAlarm(row, secrets), secrets, isUnsealed: hasUnsealed(storedActionsIn(row)) };
}

const [PARTITION, ENABLED, STATE] = (['partition', 'enabled', 'state'] as const).map((name) =>
  ALARM_WRITTEN.parameter(name),
);
/** Of a disabled alarm, nothing that a silence has held will be sent. */
const UPDATE = `
  update alarms
     set ${ALARM_WRITTEN.assignments('id')},
         told_state = case when ${ENABLED} and told_state <> ${STATE} then told_state end,
         previous_partition = case when partition = ${PARTITION} then previous_partition else partition end,
         definition_version = definition_version + 1, revision = pg_current_xact_id()
   where id = $1`;

async function replace(
  { sql: tx, sealer }: SealedSql,
  scope: Scope,
  id: string,
  { rule, memberProject, change, trust }: Replacement,
): Promise<StoredAlarm | undefined> {
  const combination = combinationOf(id, rule, memberProject);
  // Always before the row of the alarm, to avoid deadlocks.
  if (combination) await lockAndCheckMembers(tx, combination);
  const found = await find({ sql: tx, sealer }, scope, id, 'for update of a');
  if (!found) return undefined;
  const current = found.alarm;
  const { next, entry } = change(current);
  const secrets = secretsToKeep(found);
  const actions = sealActions(next, sealer, secrets);
  await tx.query(UPDATE, alarmParameters(next, actions));
  if (found.isUnsealed && secrets) await sealNotificationsOf(tx, id, secrets.salt, sealer);
  await moveCount(tx, current, next);
  await writeMembers(tx, id, combination?.memberIds ?? []);
  if (trust) await writeTrust(tx, id, trust);
  if (entry) await appendHistory(tx, entry, sealer);
  await reviewNotifications(tx, next, actions);
  return { ...next, definitionVersion: current.definitionVersion + 1 };
}

/** The secrets that an edit continues. An alarm that was stored while there was no key gets new ones. */
function secretsToKeep({ secrets, isUnsealed }: FoundAlarm): ActionSecrets | undefined {
  return secrets ?? (isUnsealed ? newActionSecrets() : undefined);
}

async function setState(
  { sql: tx, sealer }: SealedSql,
  scope: Scope,
  id: string,
  change: Replacement['change'],
): Promise<StoredAlarm | undefined> {
  const found = await find({ sql: tx, sealer }, scope, id, 'for update of a');
  if (!found) return undefined;
  const { next, entry } = change(found.alarm);
  await tx.query(
    `update alarms set state = $2, told_state = nullif(told_state, $2), state_reason = $3,
       state_timestamp = $4::timestamptz, state_version = $5::bigint, revision = pg_current_xact_id() where id = $1`,
    [id, next.state satisfies AlarmState, next.stateReason, next.stateTimestamp, next.stateVersion],
  );
  if (entry) await appendHistory(tx, entry, sealer);
  return next;
}

/** Evaluators may add results after this. These are not shown, and are deleted with the tombstone. */
const REMOVE = `with ${countChanges(`('project', $3::text, -1), ('user', $4::text, -1)`)},
  results as (delete from evaluation_counters where alarm_id = $1)
  update alarms set deleted_at = $2::timestamptz, definition_version = definition_version + 1,
    revision = pg_current_xact_id()
  where id = $1`;

async function remove(
  { sql: tx, sealer }: SealedSql,
  scope: Scope,
  id: string,
  { at, entry }: Removal,
): Promise<boolean> {
  const found = await find({ sql: tx, sealer }, scope, id, 'for update of a');
  if (!found) return false;
  const current = found.alarm;
  await tx.query(REMOVE, [id, at, current.projectId, current.userId]);
  await appendHistory(tx, entry(current), sealer);
  await writeMembers(tx, id, []);
  if (usesTrust(current)) await writeTrust(tx, id, { next: null, at });
  await cancelNotifications(tx, id, 'alarm deleted', at);
  return true;
}

/** Makes pending notifications due now, since the edit may have removed the cause of their failures. */
async function reviewNotifications(tx: Sql, alarm: StoredAlarm, actions: SealedActions): Promise<void> {
  if (!alarm.enabled) return cancelNotifications(tx, alarm.id, 'alarm disabled', alarm.timestamp);
  await cancelRemovedBy(tx, { ...alarm, ...actions }, alarm.timestamp);
  await bringAlarmForward(tx, alarm.id, alarm.timestamp);
}

async function cancelNotifications(tx: Sql, alarmId: string, reason: string, at: Date): Promise<void> {
  await tx.query(
    `update notifications set status = 'cancelled', last_error = $2, finished_at = $3::timestamptz
     where alarm_id = $1 and status = 'pending'`,
    [alarmId, reason, at],
  );
}

function combinationOf(alarmId: string, rule: AlarmRule, projectId: string | null): Combination | undefined {
  const memberIds = typeOf(rule).members(rule);
  return memberIds.length === 0 ? undefined : { alarmId, memberIds, projectId };
}
