import type { StoredActions } from '../../alarm/stored-action.js';
import { placeOfDetail, sealEntry, type HistoryEntry } from '../alarms/history-row.js';
import type { Database, QueryResult, Sql } from '../database.js';
import { KEYS_TO_SEAL, sealIdempotencyKeys } from '../idempotency/seal-idempotency-keys.js';
import {
  COLUMNS_TO_SEAL,
  sealNotifications,
  sealNotificationsOf,
  type NotificationToSeal,
} from '../notifications/seal-notifications.js';
import { placeOfHeaders } from '../receivers/receiver-store.js';
import { placeOfSigningSecret } from '../receivers/signing-secret-store.js';
import type { Sealer, SecretLocation } from './sealed.js';
import {
  hasUnsealed,
  isUnsealed,
  newActionSecrets,
  openActions,
  openSecrets,
  sealActions,
  sealSecrets,
  type SecretsOwner,
} from './sealed-actions.js';
import { placeOfTrust } from './trust-store.js';

/** Numbers of rows that were sealed with the current key. */
export interface RotatedRows {
  alarms: number;
  notifications: number;
  historyEntries: number;
  trusts: number;
  signingSecrets: number;
  /** Receivers with headers. */
  receivers: number;
  /** Requests with an `Idempotency-Key`, with their answers. */
  keptAnswers: number;
}

/** A database, and a sealer with a key. */
interface RotationDeps {
  db: Database;
  sealer: Sealer;
  /** The beginning of each text that the current key sealed. */
  prefix: string;
}

/** Rows that one statement reads. */
const PAGE = 500;

/**
 * Seals all secrets with the current key: those under another key, and those that were stored while there was no key.
 * It may run beside the service: it locks one alarm at a time, and changes no versions and times. It may be repeated,
 * also after it was interrupted.
 * @throws Error if a row needs a key that is not configured.
 */
export async function rotateSecrets(db: Database, sealer: Sealer): Promise<RotatedRows> {
  const deps = { db, sealer, prefix: prefixOf(sealer) };
  const alarms = await rotateAlarms(deps);
  const bodies = await rotateBodies(deps);
  const notifications = await rotateUnsealedNotifications(deps);
  const historyEntries = await rotateHistory(deps);
  const trusts = await rotateColumn(deps, TRUSTS);
  const signingSecrets = await rotateColumn(deps, SIGNING_SECRETS);
  const receivers = await rotateColumn(deps, HEADERS);
  const keptAnswers = await sealIdempotencyKeys(db, sealer, deps.prefix);
  const sealed = { alarms, notifications: bodies + notifications, historyEntries, trusts, signingSecrets };
  return { ...sealed, receivers, keptAnswers };
}

const LEFT = `
  select (select count(*) from alarms where not starts_with(action_secrets, $1))
    + (select count(*) from notification_bodies where not starts_with(action_secrets, $1))
    + (select count(*) from alarm_history where not starts_with(sealed_detail, $1))
    + (select count(*) from alarm_trusts where not starts_with(trust_id, $1))
    + (select count(*) from signing_secrets where not starts_with(secret, $1))
    + (select count(*) from receivers where not starts_with(headers, $1))
    + (${KEYS_TO_SEAL}) as "left"`;

/** Counts the rows that need another key than the current one. */
export async function rowsUnderOtherKeys(db: Database, sealer: Sealer): Promise<number> {
  return (await db.query<{ left: number }>(LEFT, [prefixOf(sealer)])).rows[0]?.left ?? 0;
}

function prefixOf({ currentPrefix, refusal }: Sealer): string {
  if (currentPrefix === undefined) throw new Error(refusal);
  return currentPrefix;
}

/** Calls `seal` with pages of rows in the order of their ids, and returns the sum of its results. */
async function eachPage<Row extends { id: string }>(
  read: (after: string) => Promise<QueryResult<Row>>,
  seal: (rows: readonly Row[]) => Promise<number>,
): Promise<number> {
  let sealed = 0;
  for (let after = ''; ;) {
    const { rows } = await read(after);
    sealed += await seal(rows);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return sealed;
    after = last.id;
  }
}

type AlarmToSeal = SecretsOwner & StoredActions & { sealed: string | null };

const ALARM_COLUMNS = `id, project_id as "projectId", ok_actions as "okActions", alarm_actions as "alarmActions",
  insufficient_data_actions as "insufficientDataActions", action_secrets as sealed`;
const ALARMS = `
  select ${ALARM_COLUMNS} from alarms
   where id > $1 and (not starts_with(action_secrets, $2)
     or (action_secrets is null
       and greatest(cardinality(ok_actions), cardinality(alarm_actions), cardinality(insufficient_data_actions)) > 0))
   order by id limit ${PAGE}`;
const LOCK_ALARM = `select ${ALARM_COLUMNS} from alarms where id = $1 for update`;
/** The revision stays, since evaluators do not keep actions in memory. */
const SEAL_ALARM = `
  update alarms set ok_actions = $2::text[], alarm_actions = $3::text[], insufficient_data_actions = $4::text[],
    action_secrets = $5 where id = $1`;

function rotateAlarms({ db, sealer, prefix }: RotationDeps): Promise<number> {
  return eachPage<AlarmToSeal>(
    (after) => db.query(ALARMS, [after, prefix]),
    async (rows) => {
      let sealed = 0;
      for (const { id } of rows.filter((row) => isToSeal(row, prefix)))
        sealed += await db.transaction((tx) => sealAlarm(tx, id, { sealer, prefix }));
      return sealed;
    },
  );
}

function isToSeal(alarm: AlarmToSeal, prefix: string): boolean {
  return alarm.sealed === null ? hasUnsealed(alarm) : !alarm.sealed.startsWith(prefix);
}

async function sealAlarm(tx: Sql, id: string, { sealer, prefix }: Omit<RotationDeps, 'db'>): Promise<number> {
  const [alarm] = (await tx.query<AlarmToSeal>(LOCK_ALARM, [id])).rows;
  if (!alarm || !isToSeal(alarm, prefix)) return 0;
  const secrets = alarm.sealed === null ? newActionSecrets() : openSecrets(alarm.sealed, alarm, sealer);
  const { okActions, alarmActions, insufficientDataActions, actionSecrets } = sealActions(
    { ...alarm, ...openActions(alarm, secrets) },
    sealer,
    secrets,
  );
  await tx.query(SEAL_ALARM, [id, okActions, alarmActions, insufficientDataActions, actionSecrets]);
  if (alarm.sealed === null) await sealNotificationsOf(tx, id, secrets.salt, sealer);
  return 1;
}

const BODIES = `
  select b.id::text as id, b.action_secrets as sealed, n.alarm_id as "alarmId", n.project_id as "projectId"
    from notification_bodies b cross join lateral (
      select n.alarm_id, n.project_id from notifications n where n.body_id = b.id limit 1) n
   where b.id > coalesce(nullif($1, ''), '00000000-0000-0000-0000-000000000000')::uuid
     and not starts_with(b.action_secrets, $2)
   order by b.id limit ${PAGE}`;
const SEAL_BODIES = `
  update notification_bodies b set action_secrets = i.sealed
    from unnest($1::text[]::uuid[], $2::text[], $3::text[]) as i (id, former, sealed)
   where b.id = i.id and b.action_secrets = i.former`;

interface BodyToSeal extends Pick<NotificationToSeal, 'id' | 'alarmId' | 'projectId'> {
  sealed: string;
}

function rotateBodies({ db, sealer, prefix }: RotationDeps): Promise<number> {
  return eachPage<BodyToSeal>(
    (after) => db.query(BODIES, [after, prefix]),
    async (rows) => {
      const sealed = rows.map((row) => {
        const owner = { id: row.alarmId, projectId: row.projectId };
        return sealSecrets(openSecrets(row.sealed, owner, sealer), owner, sealer);
      });
      const changes = [rows.map(({ id }) => id), rows.map((row) => row.sealed), sealed];
      return (await db.query(SEAL_BODIES, changes)).rowCount;
    },
  );
}

const NOTIFICATIONS = `
  select ${COLUMNS_TO_SEAL} from notifications n where n.id > $1 and n.action not like 'sealed:%'
   order by n.id limit ${PAGE}`;
const UNSEALED_AMONG = `
  select ${COLUMNS_TO_SEAL} from notifications n where n.id = any($1::text[]) order by n.id for update`;

/** Delivered notifications, and those whose alarm is gone. The others were sealed together with their alarm. */
function rotateUnsealedNotifications({ db, sealer }: RotationDeps): Promise<number> {
  return eachPage<NotificationToSeal>(
    (after) => db.query(NOTIFICATIONS, [after]),
    async (rows) => {
      let sealed = 0;
      const unsealed = rows.filter(({ action }) => isUnsealed(action));
      for (const alarmId of new Set(unsealed.map((one) => one.alarmId))) {
        const ids = unsealed.filter((one) => one.alarmId === alarmId).map(({ id }) => id);
        sealed += await db.transaction(async (tx) => {
          const [alarm] = (await tx.query<AlarmToSeal>(LOCK_ALARM, [alarmId])).rows;
          const { salt } = alarm?.sealed ? openSecrets(alarm.sealed, alarm, sealer) : newActionSecrets();
          const still = (await tx.query<NotificationToSeal>(UNSEALED_AMONG, [ids])).rows;
          return sealNotifications(tx, still, salt, sealer);
        });
      }
      return sealed;
    },
  );
}

const ENTRIES = `
  select event_id as id, event_id as "eventId", detail, sealed_detail as sealed, on_behalf_of as "onBehalfOf"
    from alarm_history
   where event_id > $1 and (not starts_with(sealed_detail, $2)
     or (sealed_detail is null and detail like '%\\_actions": ["%'))
   order by event_id limit ${PAGE}`;
const SEAL_ENTRIES = `
  update alarm_history h set detail = i.detail, sealed_detail = i.sealed
    from unnest($1::text[], $2::text[], $3::text[]) as i (event_id, detail, sealed) where h.event_id = i.event_id`;

type EntryToSeal = Pick<HistoryEntry, 'eventId' | 'detail' | 'onBehalfOf'> & { id: string; sealed: string | null };

function rotateHistory({ db, sealer, prefix }: RotationDeps): Promise<number> {
  return eachPage<EntryToSeal>(
    (after) => db.query(ENTRIES, [after, prefix]),
    async (rows) => {
      const entries = rows
        .map(({ sealed, ...row }) => ({
          ...row,
          detail: sealed ? sealer.open(sealed, placeOfDetail(row)) : row.detail,
        }))
        .map((entry) => sealEntry(entry, sealer))
        .filter(({ sealedDetail }) => sealedDetail !== null);
      if (entries.length === 0) return 0;
      const changes = [
        entries.map(({ eventId }) => eventId),
        entries.map(({ detail }) => detail),
        entries.map(({ sealedDetail }) => sealedDetail),
      ];
      return (await db.query(SEAL_ENTRIES, changes)).rowCount;
    },
  );
}

/** A column of sealed texts, in a table with the columns `id` and `project_id`. */
interface SealedColumn {
  table: 'alarm_trusts' | 'signing_secrets' | 'receivers';
  column: 'trust_id' | 'secret' | 'headers';
  placeOf: (row: { id: string; projectId: string }) => SecretLocation;
}

const TRUSTS: SealedColumn = { table: 'alarm_trusts', column: 'trust_id', placeOf: placeOfTrust };
const SIGNING_SECRETS: SealedColumn = { table: 'signing_secrets', column: 'secret', placeOf: placeOfSigningSecret };
const HEADERS: SealedColumn = { table: 'receivers', column: 'headers', placeOf: placeOfHeaders };

function rotateColumn({ db, sealer, prefix }: RotationDeps, sealedColumn: SealedColumn): Promise<number> {
  const { table, column, placeOf } = sealedColumn;
  return eachPage<{ id: string; projectId: string; sealed: string }>(
    (after) =>
      db.query(
        `select id, project_id as "projectId", ${column} as sealed from ${table}
          where id > $1 and not starts_with(${column}, $2) order by id limit ${PAGE}`,
        [after, prefix],
      ),
    async (rows) => {
      const sealed = rows.map((row) => sealer.seal(sealer.open(row.sealed, placeOf(row)), placeOf(row)));
      const changes = [rows.map(({ id }) => id), rows.map((row) => row.sealed), sealed];
      const text = `update ${table} t set ${column} = i.sealed
        from unnest($1::text[], $2::text[], $3::text[]) as i (id, former, sealed)
       where t.id = i.id and t.${column} = i.former`;
      return (await db.query(text, changes)).rowCount;
    },
  );
}
