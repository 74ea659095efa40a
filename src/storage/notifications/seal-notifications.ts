import { randomUUID } from 'node:crypto';

import { deliveryQueueOf } from '../../alarm/notification.js';
import type { StoredAction } from '../../alarm/stored-action.js';
import type { Sql } from '../database.js';
import type { Sealer } from '../secrets/sealed.js';
import { AddedSecrets, isUnsealed, openSecrets, sealSecrets } from '../secrets/sealed-actions.js';

/** A notification, as far as its action is to be sealed. */
export interface NotificationToSeal {
  id: string;
  alarmId: string;
  projectId: string | null;
  action: StoredAction;
  lane: string;
  /** Null for a notification with a body of its own. */
  bodyId: string | null;
}

/** SQL for the columns of `NotificationToSeal`, from `notifications n`. */
export const COLUMNS_TO_SEAL = `n.id, n.alarm_id as "alarmId", n.project_id as "projectId", n.action, n.lane,
  n.body_id::text as "bodyId"`;

/** Two branches, since each kind has its own index by alarm. */
const UNSEALED_OF_ALARM = ['transition', 'repeat']
  .map(
    (kind) => `select ${COLUMNS_TO_SEAL} from notifications n
      where n.alarm_id = $1 and n.kind = '${kind}' and n.status <> 'delivered' and n.action not like 'sealed:%'`,
  )
  .join(' union all ');

const SECRETS_OF_BODY = `
  select action_secrets as sealed from notification_bodies where id = $1::text::uuid for update`;
const SEAL_BODY = 'update notification_bodies set action_secrets = $2 where id = $1::text::uuid';
const GIVE_BODY = `
  with own as (
    insert into notification_bodies (id, body, action_secrets)
    select $2::text::uuid, n.body, $3 from notifications n where n.id = $1)
  update notifications set body_id = $2::text::uuid, body = null where id = $1`;
const SEAL_NOTIFICATIONS = `
  update notifications n set action = i.action, lane = i.lane
    from unnest($1::text[], $2::text[], $3::text[]) as i (id, action, lane) where n.id = i.id`;
/** The Retry-After of a delivery queue also holds under its new id. */
const COPY_HOLDS = `
  insert into delivery_holds (lane, not_before)
  select distinct i.lane, h.not_before from unnest($1::text[], $2::text[]) as i (former, lane)
    join delivery_holds h on h.lane = i.former
  on conflict (lane) do nothing`;

/**
 * Seals the actions of an alarm's notifications that can still be sent or replayed, and that were stored while there
 * was no key. Does nothing if there is still none. Call in the transaction that seals the alarm, so that no
 * notification has another address than its alarm.
 */
export async function sealNotificationsOf(tx: Sql, alarmId: string, salt: string, sealer: Sealer): Promise<number> {
  if (sealer.refusal !== undefined) return 0;
  const { rows } = await tx.query<NotificationToSeal>(UNSEALED_OF_ALARM, [alarmId]);
  return sealNotifications(tx, rows, salt, sealer);
}

/** Seals those actions of an alarm's notifications that have secret parts. Returns their number. */
export async function sealNotifications(
  tx: Sql,
  all: readonly NotificationToSeal[],
  salt: string,
  sealer: Sealer,
): Promise<number> {
  const unsealed = all.filter(({ action }) => isUnsealed(action));
  for (const group of byBody(unsealed)) await sealGroup(tx, group, salt, sealer);
  return unsealed.length;
}

function byBody(all: readonly NotificationToSeal[]): NotificationToSeal[][] {
  const groups = new Map<string, NotificationToSeal[]>();
  for (const one of all) {
    const key = one.bodyId ?? one.id;
    const group = groups.get(key);
    if (group) group.push(one);
    else groups.set(key, [one]);
  }
  return [...groups.values()];
}

async function sealGroup(tx: Sql, group: readonly NotificationToSeal[], salt: string, sealer: Sealer): Promise<void> {
  const [first] = group;
  if (!first) return;
  const { id, alarmId, projectId, bodyId } = first;
  const owner = { id: alarmId, projectId };
  const before = bodyId === null ? undefined : await secretsOfBody(tx, bodyId);
  const added = new AddedSecrets(owner, before ? openSecrets(before, owner, sealer) : { salt, actions: {} });
  const actions = group.map(({ action }) => added.store(action));
  const lanes = group.map((one, index) => {
    const hasQueueOfItsOwn = one.lane !== deliveryQueueOf(alarmId, one.action); // a test
    return hasQueueOfItsOwn ? one.lane : deliveryQueueOf(alarmId, actions[index] ?? one.action);
  });
  const sealed = sealSecrets(added.secrets, owner, sealer);
  await (bodyId === null ? tx.query(GIVE_BODY, [id, randomUUID(), sealed]) : tx.query(SEAL_BODY, [bodyId, sealed]));
  await tx.query(SEAL_NOTIFICATIONS, [group.map((one) => one.id), actions, lanes]);
  await tx.query(COPY_HOLDS, [group.map(({ lane }) => lane), lanes]);
}

async function secretsOfBody(tx: Sql, bodyId: string): Promise<string | undefined> {
  return (await tx.query<{ sealed: string | null }>(SECRETS_OF_BODY, [bodyId])).rows[0]?.sealed ?? undefined;
}
