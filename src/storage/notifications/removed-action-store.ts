import { listedActions, type NotificationAddress } from '../../alarm/notification.js';
import type { StoredActions } from '../../alarm/stored-action.js';
import type { Sql } from '../database.js';

/** The `last_error` of notifications whose action an edit has removed. */
export const ACTION_REMOVED = 'action removed from the alarm';

/**
 * SQL condition on a notification `n` and its alarm `a`, which may be null. True if the alarm's present list has the
 * action in the same spelling, or if there is no alarm. If false, `removedAmong` decides, since the list may have the
 * action in another spelling.
 */
export const IS_LISTED = `(a.id is null or a.deleted_at is not null or (n.project_id is not distinct from a.project_id
  and coalesce(
    n.action = any(case n.action_list when 'ok_actions' then a.ok_actions when 'alarm_actions' then a.alarm_actions
      when 'insufficient_data_actions' then a.insufficient_data_actions end),
    n.action_list not in ('ok_actions', 'alarm_actions', 'insufficient_data_actions'))))`;

/**
 * SQL condition on a notification `n` and its alarm `a`, which may be null. True if the alarm was deleted or disabled;
 * for a replayed notification, only if that was after the replay.
 */
export const IS_UNWANTED = `((a.id is null and n.replayed_at is null) or coalesce(
  a.deleted_at > coalesce(n.replayed_at, '-infinity')
  or (not a.enabled and a.timestamp > coalesce(n.replayed_at, '-infinity')), false))`;

const ADDRESSES = `select n.id, n.alarm_id, n.action_list as "actionList", n.action, n.project_id as "projectId"
  from notifications n`;
const ALARMS = `
  select id, project_id as "projectId", ok_actions as "okActions", alarm_actions as "alarmActions",
         insufficient_data_actions as "insufficientDataActions"
    from alarms where id = any($1::text[]) and deleted_at is null`;

const CANCEL = `
  update notifications set status = 'cancelled', last_error = $2, finished_at = $3::timestamptz
   where id = any($1::text[]) and status = 'pending' returning id`;

type AddressRow = NotificationAddress & { id: string; alarm_id: string };
type ActionLists = StoredActions & { projectId: string | null };

/** Returns the notifications whose action an edit has removed from its list, or whose alarm has another project now. */
export async function removedAmong(sql: Sql, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql.query<AddressRow>(`${ADDRESSES} where n.id = any($1::text[])`, [ids]);
  const alarmIds = [...new Set(rows.map(({ alarm_id }) => alarm_id))];
  const alarms = (await sql.query<ActionLists & { id: string }>(ALARMS, [alarmIds])).rows;
  const isListed = new Map(alarms.map((alarm) => [alarm.id, listedActions(alarm)]));
  return rows.filter((one) => isListed.get(one.alarm_id)?.(one) === false).map(({ id }) => id);
}

/** Cancels those of these notifications that are pending and whose action was removed. Returns their ids. */
export async function cancelRemoved(sql: Sql, ids: readonly string[], at: Date): Promise<string[]> {
  return cancelPending(sql, { ids: await removedAmong(sql, ids), reason: ACTION_REMOVED, at });
}

/** Cancels pending notifications whose action an edit has removed. Call in the transaction of the edit. */
export async function cancelRemovedBy(tx: Sql, alarm: ActionLists & { id: string }, at: Date): Promise<void> {
  const { rows } = await tx.query<AddressRow>(`${ADDRESSES} where n.alarm_id = $1 and n.status = 'pending'`, [
    alarm.id,
  ]);
  const isListed = listedActions(alarm);
  const ids = rows.filter((one) => !isListed(one)).map(({ id }) => id);
  await cancelPending(tx, { ids, reason: ACTION_REMOVED, at });
}

/** Cancels those of these notifications that are pending. Returns their ids. */
export async function cancelPending(
  sql: Sql,
  { ids, reason, at }: { ids: readonly string[]; reason: string; at: Date },
): Promise<string[]> {
  if (ids.length === 0) return [];
  return (await sql.query<{ id: string }>(CANCEL, [ids, reason, at])).rows.map(({ id }) => id);
}
