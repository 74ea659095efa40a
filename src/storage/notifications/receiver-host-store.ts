import type { Sql } from '../database.js';

/** Shortest time between two attempts at an unresponsive host, for all notifiers together. */
export const UNRESPONSIVE_HOST_EVERY_MS = 1_000;

/** Hosts of the receivers `log://` and `test://` in this process. They are always responsive. */
export const LOCAL_HOSTS: readonly string[] = ['log:', 'test:'];

/** Most rows that one statement deletes. */
const PRUNE_BATCH = 5_000;

const PRUNE = `
  delete from receiver_hosts where host in (
    select host from receiver_hosts where greatest(outcome_at, claimed_at) < $1 limit ${PRUNE_BATCH}
      for update skip locked)`;

/** Deletes hosts without a call since `before`. They then count as new. */
export async function pruneHosts(sql: Sql, before: Date): Promise<void> {
  await sql.query(PRUNE, [before]);
}

const PRUNE_HOLDS = `
  delete from delivery_holds where lane in (
    select lane from delivery_holds where not_before < $1 limit ${PRUNE_BATCH} for update skip locked)`;

/** Deletes each Retry-After that has ended. */
export async function pruneHolds(sql: Sql, now: Date): Promise<void> {
  await sql.query(PRUNE_HOLDS, [now]);
}
