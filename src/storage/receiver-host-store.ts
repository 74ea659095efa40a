import type { Sql } from './database.js';

/** A host that does not answer is tried once in so long at most, by all notifiers together. */
export const HOST_PROBE_EVERY_MS = 1_000;

/** Hosts of receivers within the process, which always answer. */
export const LOCAL_HOSTS: readonly string[] = ['log:', 'test:'];

/** Rows that one call removes at most. */
const PRUNE_BATCH = 5_000;

const NOTE_PROBES = `
  insert into receiver_hosts (host, answered, claimed_at)
  select distinct host, false, $2::timestamptz from unnest($1::text[]) as p (host) order by host
  on conflict (host) do update set claimed_at = excluded.claimed_at`;

/** Of the claim's transaction: hosts that had not answered are tried now. */
export async function noteProbes(tx: Sql, { hosts, at }: { hosts: readonly string[]; at: Date }): Promise<void> {
  if (hosts.length > 0) await tx.query(NOTE_PROBES, [hosts, at]);
}

const PRUNE = `
  delete from receiver_hosts where host in (
    select host from receiver_hosts where greatest(outcome_at, claimed_at) < $1 limit ${PRUNE_BATCH} for update skip locked)`;

/** Forgets hosts that were not called since then: they are new hosts after that. */
export async function pruneHosts(sql: Sql, before: Date): Promise<void> {
  await sql.query(PRUNE, [before]);
}

const PRUNE_HOLDS = `
  delete from delivery_holds where lane in (
    select lane from delivery_holds where not_before < $1 limit ${PRUNE_BATCH} for update skip locked)`;

/** Removes every Retry-After that has passed. */
export async function pruneHolds(sql: Sql, now: Date): Promise<void> {
  await sql.query(PRUNE_HOLDS, [now]);
}
