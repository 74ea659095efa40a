import type { Database } from '../database.js';

/** Most rows that one statement deletes, so that locks are short. */
export const PRUNE_BATCH = 5_000;

const PRUNE_SAMPLES = `
  delete from samples where id in (select id from samples where timestamp < $1 order by timestamp
    limit ${PRUNE_BATCH})`;

/** Locks the rows before it deletes them, since a sample may arrive for one at the same moment. */
const PRUNE_METER_RESOURCES = `
  delete from meter_resources where (meter, resource_id, project_id) in (
    select meter, resource_id, project_id from meter_resources where last_sample_at < $1 limit ${PRUNE_BATCH}
      for update skip locked)`;

const PRUNE_EVENTS = `
  delete from events where (project_id, message_id) in (
    select project_id, message_id from events where received_at < $1 order by received_at limit ${PRUNE_BATCH}
      for update skip locked)`;

/** Deletes history of deleted alarms, too. */
const PRUNE_HISTORY = `
  delete from alarm_history where event_id in (
    select event_id from alarm_history where timestamp < $1 order by timestamp, event_id limit ${PRUNE_BATCH}
      for update skip locked)`;

/**
 * Deletes a tombstone only after every live evaluator has read a later revision. An evaluator that has not loaded its
 * alarms yet (`seen` is null) keeps all tombstones.
 */
const PRUNE_TOMBSTONES = `
  with old as materialized (
    select id from alarms where deleted_at < $1
       and not exists (
         select 1 from members m where m.role = 'evaluator' and (m.seen is null or m.seen <= alarms.revision))
     order by deleted_at limit ${PRUNE_BATCH} for update skip locked
  ), results as (delete from evaluation_counters where alarm_id in (select id from old))
  delete from alarms where id in (select id from old)`;

/**
 * Deletes rows after their retention, a bounded number at a time, and leaves locked ones to the next time. Each method
 * returns the number of rows.
 */
export function createRetentionStore(db: Database) {
  const prune = async (text: string, before: Date): Promise<number> => (await db.query(text, [before])).rowCount;
  return {
    pruneSamples: async (before: Date) => {
      await prune(PRUNE_METER_RESOURCES, before);
      return prune(PRUNE_SAMPLES, before);
    },
    /** An event that is sent again after its deletion is new. */
    pruneEvents: (before: Date) => prune(PRUNE_EVENTS, before),
    pruneHistory: (before: Date) => prune(PRUNE_HISTORY, before),
    pruneTombstones: (before: Date) => prune(PRUNE_TOMBSTONES, before),
  };
}
