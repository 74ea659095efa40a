import type { Sql } from '../database.js';

/** Least time between two attempts at a host that does not answer, for all notifiers together. */
export const UNRESPONSIVE_HOST_EVERY_MS = 1_000;

/** The hosts of receivers within the process, which always count as answering. */
export const LOCAL_HOSTS: readonly string[] = ['log:', 'test:'];

/** Most rows that one call removes. */
const PRUNE_BATCH = 5_000;

const NOTE_PROBES = `
  insert into receiver_hosts (host, answered, claimed_at)
  select distinct host, false, $2::timestamptz from unnest($1::text[]) as p (host) order by host
  on conflict (host) do update set claimed_at = excluded.claimed_at`;

/** For the transaction of a claim: records that these hosts, which did not answer, are tried now. */
export async function recordHostClaims(tx: Sql, { hosts, at }: { hosts: readonly string[]; at: Date }): Promise<void> {
  if (hosts.length > 0) await tx.query(NOTE_PROBES, [hosts, at]);
}

const PRUNE = `
  delete from receiver_hosts where host in (
    select host from receiver_hosts where greatest(outcome_at, claimed_at) < $1 limit ${PRUNE_BATCH}
      for update skip locked)`;

/** Forgets hosts without a call since that moment. They are new hosts then. */
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
