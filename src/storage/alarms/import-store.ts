import { pythonJson } from '../../alarm/wire/python-json.js';
import { typeOf } from '../../alarm/types/index.js';
import { countNewAlarm } from './alarm-count-store.js';
import { ALARM_CREATION, alarmParameters, type StoredAlarm } from './alarm-row.js';
import { lockAndCheckMembers, writeMembers } from './combination-store.js';
import type { Database, Sql } from '../database.js';
import { appendHistory, type HistoryEntry } from './history-store.js';
import type { Sealer } from '../secrets/sealed.js';
import { sealActions } from '../secrets/sealed-actions.js';

/** The state, in this service, of the id of an alarm to import. */
export type ImportStatus = 'absent' | 'muted' | 'active' | 'deleted';

/** An alarm to import. `memberProject`: as in `Combination`. */
export interface Import {
  alarm: StoredAlarm;
  memberProject: string | null;
  entry: HistoryEntry;
}

/** Which muted alarms to activate: those of one project, those with these ids, or all if neither is given. */
export interface Activation {
  projectId?: string | undefined;
  ids?: readonly string[] | undefined;
  by: { projectId: string | null; userId: string | null };
  at: Date;
}

/** An alarm that is no longer muted. */
export interface ActivatedAlarm {
  id: string;
  projectId: string | null;
}

export type ImportStore = ReturnType<typeof createImportStore>;

/**
 * Imports of alarms from another service, for admins only. An imported alarm keeps its id, owner, state and times, and
 * is muted until it is activated.
 */
export function createImportStore(db: Database, sealer: Sealer) {
  return {
    importStatusOf: (id: string): Promise<ImportStatus> => importStatusOf(db, id),
    /** Inserts an alarm without a check of the quota. Returns false if the id exists. */
    insertMuted: (imported: Import): Promise<boolean> => db.transaction((tx) => insertMuted(tx, imported, sealer)),
    /** Activates muted alarms and adds an entry to their history. Each page is a transaction. */
    activate: (activation: Activation): AsyncIterable<ActivatedAlarm[]> => activate(db, activation),
  };
}

async function importStatusOf(db: Sql, id: string): Promise<ImportStatus> {
  const { rows } = await db.query<{ muted: boolean; deleted: boolean }>(
    // The row of a deleted alarm is removed after a time; its history stays.
    `select muted, deleted_at is not null as deleted from alarms where id = $1
     union all
     select false, true where exists (select 1 from alarm_history where alarm_id = $1 and type = 'deletion')`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return 'absent';
  if (row.deleted) return 'deleted';
  return row.muted ? 'muted' : 'active';
}

const INSERT = `
  insert into alarms (${ALARM_CREATION.names}) values (${ALARM_CREATION.parameters}) on conflict (id) do nothing`;

async function insertMuted(tx: Sql, { alarm, memberProject, entry }: Import, sealer: Sealer): Promise<boolean> {
  const memberIds = typeOf(alarm.rule).members(alarm.rule);
  if (memberIds.length > 0) {
    const combination = { alarmId: alarm.id, memberIds, projectId: memberProject };
    await lockAndCheckMembers(tx, { ...combination, ownerProjectId: alarm.projectId });
  }
  const actions = sealActions(alarm, sealer, undefined);
  const { rowCount } = await tx.query(INSERT, alarmParameters({ ...alarm, muted: true }, actions));
  if (rowCount === 0) return false;
  await countNewAlarm(tx, alarm);
  await writeMembers(tx, alarm.id, memberIds);
  await appendHistory(tx, entry, sealer);
  return true;
}

/** Alarms that one statement activates. */
const ACTIVATED_AT_ONCE = 500;

const activateAlarms = (lock: 'for update' | 'for update skip locked'): string => `
  with chosen as (
    select id from alarms
     where muted and deleted_at is null and ($1::text is null or project_id = $1)
       and ($2::text[] is null or id = any($2))
     order by id limit ${ACTIVATED_AT_ONCE} ${lock}
  ), activated as (
    update alarms a set muted = false, definition_version = definition_version + 1, revision = pg_current_xact_id()
      from chosen where a.id = chosen.id
    returning a.id, a.project_id
  )
  insert into alarm_history (event_id, alarm_id, type, detail, project_id, user_id, on_behalf_of, timestamp)
  select gen_random_uuid()::text, id, 'rule change', $3, $4, $5, project_id, $6 from activated
  returning alarm_id as id, on_behalf_of as "projectId"`;

/** Alarms that another transaction has locked come last: one that stays locked delays none of the others. */
const ACTIVATIONS = [activateAlarms('for update skip locked'), activateAlarms('for update')];

async function* activate(
  db: Database,
  { projectId, ids, by, at }: Activation,
): AsyncGenerator<ActivatedAlarm[], void, void> {
  const detail = pythonJson({ tocsin: { muted: false } });
  const parameters = [projectId ?? null, ids ?? null, detail, by.projectId, by.userId, at];
  for (const text of ACTIVATIONS) {
    for (let isLast = false; !isLast;) {
      const { rows } = await db.query<ActivatedAlarm>(text, parameters);
      yield rows;
      isLast = rows.length < ACTIVATED_AT_ONCE;
    }
  }
}
