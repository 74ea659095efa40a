import type { Database } from '../database.js';
import { followIndex } from '../slices.js';
import { keepStreamEpoch, renewStreamEpoch } from './stream-epoch.js';
import type { StreamPosition } from './stream-position.js';
import { STREAM_SOURCES, type StreamEvent, type StreamSource } from './stream-sources.js';

/** The state of the stream, without events. */
export interface StreamHead {
  epoch: string;
  /** All transactions before it have ended. */
  horizon: bigint;
}

/** What one read of the stream found. */
export interface StreamPage extends StreamHead {
  /** In the order of the stream. */
  events: StreamEvent[];
  /** Every event up to here was read. */
  through: StreamPosition;
  /** True if more events can be read now. */
  hasMore: boolean;
  /** An event of this transaction, or an earlier one, was deleted. */
  lostThrough: bigint;
}

/** Most events of one read. */
export const STREAM_PAGE = 500;

/** The oldest transaction that is still running: an event of an earlier one can no longer appear. */
const HORIZON = 'pg_snapshot_xmin(pg_current_snapshot())';

const HEAD = `
  select ${HORIZON}::text as horizon, (select epoch from stream_epoch) as epoch,
         (select through::text from stream_gap) as "lostThrough"`;

const FIELDS = Object.keys(STREAM_SOURCES[0]?.fields ?? {});

/** Reads the rows first and then their alarms, so that no more alarms than rows are read. */
function sourceSql({ table, alias, transaction, number, fields, alarm }: StreamSource): string {
  const columns = Object.entries(fields).map(([name, sql]) => `(${sql}) as "${name}"`);
  return `(
    select ${transaction} as transaction, ${number} as number, ${columns.join(', ')}
      from (select * from ${table} ${alias}
             where (${transaction}, ${number}) > ($1::text::xid8, $2::bigint) and ${transaction} < ${HORIZON}
             order by ${transaction}, ${number} limit $3) ${alias}
      left join alarms a on ${alarm}
     order by ${transaction}, ${number})`;
}

const READ = `
  with head as materialized (${HEAD})
  select head.*, found.transaction::text as transaction, found.number::text as number,
         ${FIELDS.map((name) => `found."${name}"`).join(', ')}
    from head left join (
      select * from (${STREAM_SOURCES.map(sourceSql).join(' union all ')}) each
       order by transaction, number limit $3) found on true
   order by found.transaction, found.number`;

interface HeadRow {
  horizon: string;
  epoch: string | null;
  lostThrough: string | null;
}
type ReadRow = HeadRow & Omit<StreamEvent, 'transaction' | 'number'> & { transaction: string | null; number: string };

const KEPT_FROM = 'select revision::text as revision from stream_marks where at <= $1 order by revision desc limit 1';

const MARK = `
  insert into stream_marks (revision, at) select ${HORIZON}, $1
   where not exists (select from stream_marks where at > $2)
  on conflict (revision) do nothing`;
const OLDEST_KEPT = '(select revision from stream_marks where at <= $1 order by revision desc limit 1)';
const PRUNE_MARKS = `delete from stream_marks where revision < ${OLDEST_KEPT}`;
const PRUNE_ENTRIES = `
  delete from stream_entries where (revision, stream_number) in (
    select revision, stream_number from stream_entries where revision < ${OLDEST_KEPT} limit $2)`;

/** Most entries that one call of `prune` deletes. */
export const STREAM_PRUNE_BATCH = 5_000;

export type StreamStore = ReturnType<typeof createStreamStore>;

/** Reads the stream of events from the tables that have them. */
export function createStreamStore(db: Database) {
  return {
    /** The epoch, which is a new one if the data was restored, and the present end of the stream. */
    async head(): Promise<StreamHead> {
      const epoch = await keepStreamEpoch(db);
      const { rows } = await db.query<HeadRow>(HEAD);
      return { epoch, horizon: BigInt(rows[0]?.horizon ?? 0) };
    },

    /** Starts a new epoch: the ids of all events so far are no longer valid. */
    newEpoch: (): Promise<string> => db.transaction((tx) => renewStreamEpoch(tx, db.place, true)),

    /** The events after a position, at most `STREAM_PAGE`, whose order no later event can change. */
    async read({ transaction, number }: StreamPosition): Promise<StreamPage> {
      const parameters = [String(transaction), String(number), STREAM_PAGE];
      const rows =
        db.kind === 'pglite'
          ? await followIndex<ReadRow>(db, READ, parameters)
          : (await db.query<ReadRow>(READ, parameters)).rows;
      return pageOf(rows, { transaction, number });
    },

    /** The first transaction whose events are still kept at `before`; undefined if all are. */
    async keptFrom(before: Date): Promise<bigint | undefined> {
      const { rows } = await db.query<{ revision: string }>(KEPT_FROM, [before]);
      return rows[0] && BigInt(rows[0].revision);
    },

    /** Notes which transactions are over now, unless that was noted after `since`. */
    async mark(now: Date, since: Date): Promise<void> {
      await db.query(MARK, [now, since]);
    },

    /** Deletes what only readers of events before `before` need. Returns the number of entries. */
    async prune(before: Date): Promise<number> {
      const { rowCount } = await db.query(PRUNE_ENTRIES, [before, STREAM_PRUNE_BATCH]);
      if (rowCount < STREAM_PRUNE_BATCH) await db.query(PRUNE_MARKS, [before]);
      return rowCount;
    },
  };
}

function pageOf(rows: readonly ReadRow[], after: StreamPosition): StreamPage {
  const [head] = rows;
  const horizon = { transaction: BigInt(head?.horizon ?? 0), number: 0n };
  const events = rows.flatMap(({ horizon: _, epoch: _epoch, lostThrough: _lost, ...row }): StreamEvent[] =>
    row.transaction === null ? [] : [{ ...row, transaction: BigInt(row.transaction), number: BigInt(row.number) }],
  );
  const last = events.at(-1);
  const hasMore = events.length >= STREAM_PAGE;
  return {
    epoch: head?.epoch ?? '',
    horizon: horizon.transaction,
    events,
    through: hasMore && last ? { transaction: last.transaction, number: last.number } : later(horizon, after),
    hasMore,
    lostThrough: BigInt(head?.lostThrough ?? 0),
  };
}

/** A reader may be ahead of the horizon of this moment only if the database was set back. */
function later(horizon: StreamPosition, after: StreamPosition): StreamPosition {
  return horizon.transaction > after.transaction ? horizon : after;
}
