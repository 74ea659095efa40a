import type { Database } from '../database.js';

/** Most rows that one statement deletes, so that locks are short. */
export const PRUNE_BATCH = 5_000;

/** SQL that is true for times of rows from the end of the last batch on. */
export const fromLastBatch = (time: string): string => `${time} >= coalesce($2::timestamptz, '-infinity')`;

/** The result of a batch, of a CTE `gone` with the times of its rows. */
const RESULT = 'select count(*) as rows, max(at) as last from gone';

const PRUNE_SAMPLES = `
  with gone as (
    delete from samples where id in (
      select id from samples where timestamp < $1 and ${fromLastBatch('timestamp')}
       order by timestamp limit ${PRUNE_BATCH})
    returning timestamp as at)
  ${RESULT}`;

/** Locks the rows before it deletes them, since a sample may arrive for one at the same moment. */
const PRUNE_METER_RESOURCES = `
  delete from meter_resources where (meter, resource_id, project_id) in (
    select meter, resource_id, project_id from meter_resources where last_sample_at < $1 limit ${PRUNE_BATCH}
      for update skip locked)`;

const PRUNE_EVENTS = `
  with gone as (
    delete from events where (project_id, message_id) in (
      select project_id, message_id from events where received_at < $1 and ${fromLastBatch('received_at')}
       order by received_at limit ${PRUNE_BATCH} for update skip locked)
    returning received_at as at)
  ${RESULT}`;

/** Deletes history of deleted alarms, too. */
const PRUNE_HISTORY = `
  with gone as (
    delete from alarm_history where event_id in (
      select event_id from alarm_history where timestamp < $1 and ${fromLastBatch('timestamp')}
       order by timestamp, event_id limit ${PRUNE_BATCH} for update skip locked)
    returning timestamp as at)
  ${RESULT}`;

/**
 * Deletes a tombstone only after every live evaluator has read a later revision. An evaluator that has not loaded its
 * alarms yet (`seen` is null) keeps all tombstones.
 */
const PRUNE_TOMBSTONES = `
  with old as materialized (
    select id from alarms where deleted_at < $1 and ${fromLastBatch('deleted_at')}
       and not exists (
         select 1 from members m where m.role = 'evaluator' and (m.seen is null or m.seen <= alarms.revision))
     order by deleted_at limit ${PRUNE_BATCH} for update skip locked
  ), results as (delete from evaluation_counters where alarm_id in (select id from old)
  ), gone as (delete from alarms where id in (select id from old) returning deleted_at as at)
  ${RESULT}`;

/** The rows that a batch has deleted. */
export interface PrunedBatch {
  rows: number;
  /** The time of the last row; null if there is none. */
  last: Date | null;
}

/**
 * Deletes old rows in batches, the oldest first. Each call is one batch. It goes on at the time at which the last one
 * has ended, so it does not read again the deleted rows that PostgreSQL keeps for older transactions. After a batch
 * that is not full, the next one begins with the oldest row: those that were locked, or arrived late, are deleted then.
 */
export class PruneCursor {
  #after: Date | null = null;

  async next(run: (after: Date | null) => Promise<PrunedBatch>): Promise<number> {
    const { rows, last } = await run(this.#after);
    this.#after = rows < PRUNE_BATCH ? null : last;
    return rows;
  }
}

/**
 * Deletes rows after their retention, a bounded number at a time, and leaves locked ones to the next time. Each method
 * returns the number of rows. A call after a full batch goes on where that has ended.
 */
export function createRetentionStore(db: Database) {
  const inBatches = (text: string): ((before: Date) => Promise<number>) => {
    const cursor = new PruneCursor();
    return (before) =>
      cursor.next(async (after) => {
        const { rows } = await db.query<PrunedBatch>(text, [before, after]);
        return rows[0] ?? { rows: 0, last: null };
      });
  };
  return {
    pruneSamples: inBatches(PRUNE_SAMPLES),
    /** Deletes the meters of resources without a recent sample. */
    pruneMeterResources: async (before: Date): Promise<number> =>
      (await db.query(PRUNE_METER_RESOURCES, [before])).rowCount,
    /** An event that is sent again after its deletion is new. */
    pruneEvents: inBatches(PRUNE_EVENTS),
    pruneHistory: inBatches(PRUNE_HISTORY),
    pruneTombstones: inBatches(PRUNE_TOMBSTONES),
  };
}
