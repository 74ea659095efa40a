import type { Database } from '../database.js';
import { pruneHours } from '../notifications/hourly-limit-store.js';
import { pruneHolds, pruneHosts } from '../notifications/receiver-host-store.js';
import { fromLastBatch, PRUNE_BATCH, PruneCursor, type PrunedBatch } from './retention-store.js';

/** Advisory lock of the deletion of notifications. Any constant that no other lock has. */
const PRUNE_LOCK = 8042_0004;
const LOCK_PRUNING = 'select pg_try_advisory_xact_lock($1) as "isMine"';

/**
 * Deletes rows in the order of an index. Locks them before, since a replay may make one pending at the same moment.
 * Parameters: the time before which they are deleted, the end of the last batch, those of the condition.
 */
const deletion = (time: 'finished_at' | 'created_at', condition: string): string => `
  delete from notifications where id in (
    select n.id from notifications n
     where ${condition} and n.${time} < $1 and ${fromLastBatch(`n.${time}`)}
     order by n.${time} limit ${PRUNE_BATCH} for update of n skip locked)
  returning body_id as "bodyId", ${time} as at`;

const HAS_ENDED = `n.status not in ('pending', 'in_flight')`;
const ENDED = deletion('finished_at', 'n.status = $3');
/** Keeps those of the present state of an alarm that is not settled yet, since they may still be sent. */
const SILENCED = deletion(
  'finished_at',
  `n.status = 'silenced' and not exists (
     select 1 from alarms a
      where a.id = n.alarm_id and a.told_state is not null and a.state_version = n.sequence
        and a.deleted_at is null)`,
);
const REPEATS = deletion('finished_at', `n.kind = 'repeat' and ${HAS_ENDED}`);
const TESTS = deletion('finished_at', `n.kind = 'test' and ${HAS_ENDED}`);
const HEARTBEATS = deletion('created_at', `n.alarm_id = '' and n.kind = 'heartbeat' and ${HAS_ENDED}`);
const BODIES = `
  delete from notification_bodies b
   where b.id = any($1::text[]::uuid[]) and not exists (select from notifications n where n.body_id = b.id)`;

/** Times before which rows of notifications are deleted, by status and kind. */
export interface NotificationRetention {
  delivered: Date;
  /** Repeats, tests and heartbeats. */
  repeats: Date;
  dead: Date;
  /** Hosts without a call since this time are deleted. */
  hosts: Date;
  /** Each Retry-After that ended before this time is deleted. */
  holds: Date;
  /** Hours of the limit of notifications that began before this time are deleted. */
  hours: Date;
}

interface Deletion {
  text: string;
  before: 'delivered' | 'repeats' | 'dead';
  parameters?: readonly string[];
}

const DELETIONS: readonly Deletion[] = [
  { text: ENDED, before: 'delivered', parameters: ['delivered'] },
  { text: ENDED, before: 'delivered', parameters: ['superseded'] },
  { text: ENDED, before: 'delivered', parameters: ['cancelled'] },
  { text: ENDED, before: 'dead', parameters: ['dead'] },
  { text: SILENCED, before: 'delivered' },
  { text: REPEATS, before: 'repeats' },
  { text: TESTS, before: 'repeats' },
  { text: HEARTBEATS, before: 'repeats' },
];

/**
 * Deletes ended notifications with their bodies and attempts, and what belongs to hosts and projects without recent
 * notifications. Each statement deletes at most `PRUNE_BATCH` rows. A call returns the number of deleted notifications.
 * After full batches, the next call goes on with these.
 */
export function createNotificationRetention(db: Database): (before: NotificationRetention) => Promise<number> {
  const all = DELETIONS.map((deletion) => ({ ...deletion, cursor: new PruneCursor() }));
  let left = all;
  return async (before) => {
    let deleted = 0;
    const full: typeof all = [];
    for (const one of left) {
      const rows = await one.cursor.next((after) =>
        deleteWithBodies(db, one.text, [before[one.before], after, ...(one.parameters ?? [])]),
      );
      deleted += rows;
      if (rows >= PRUNE_BATCH) full.push(one);
    }
    left = full.length > 0 ? full : all;
    await pruneHosts(db, before.hosts);
    await pruneHolds(db, before.holds);
    await pruneHours(db, before.hours);
    return deleted;
  };
}

/**
 * Deletes notifications, and the bodies whose last notification is among them. One process does so at a time: of two
 * that delete the last two notifications of a body, each would see the other's and leave the body.
 */
function deleteWithBodies(db: Database, statement: string, parameters: readonly unknown[]): Promise<PrunedBatch> {
  return db.transaction(async (tx) => {
    const { rows: locks } = await tx.query<{ isMine: boolean }>(LOCK_PRUNING, [PRUNE_LOCK]);
    if (!locks[0]?.isMine) return { rows: 0, last: null };
    const { rows, rowCount } = await tx.query<{ bodyId: string | null; at: Date }>(statement, parameters);
    const bodies = [...new Set(rows.flatMap(({ bodyId }) => bodyId ?? []))];
    if (bodies.length > 0) await tx.query(BODIES, [bodies]);
    return { rows: rowCount, last: lastOf(rows) };
  });
}

function lastOf(rows: readonly { at: Date }[]): Date | null {
  return rows.reduce<Date | null>((last, { at }) => (last === null || at > last ? at : last), null);
}
