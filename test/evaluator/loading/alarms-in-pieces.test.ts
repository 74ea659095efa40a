import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { AlarmCache } from '../../../src/evaluator/alarm-cache.js';
import type { Database } from '../../../src/storage/database.js';
import { createEvaluationStore, type ReadPosition } from '../../../src/storage/evaluation/evaluation-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarms, thresholdRule } from '../../support/stored-alarms.js';

const PARTITIONS = [3, 9, 200];
/** In each partition. One statement stores them, so all have one revision. */
const ALARMS = 1_000;
/** A statement that reads more rows is cancelled, as on a database that needs longer than the time limit for them. */
const TOO_MANY = 70;

interface PieceLog {
  rows: number[];
  failed: number;
  /** Statements that find the partitions with changes. */
  searches: number;
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let cache: AlarmCache;
  let pieces: PieceLog;
  let mostRows: number;
  /** Called before each piece is read. */
  let beforePiece: (pieceIndex: number) => Promise<void>;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    const rule = thresholdRule();
    const ids = Array.from({ length: PARTITIONS.length * ALARMS }, (_, n) => `a${String(n).padStart(4, '0')}`);
    await storeAlarms(
      db,
      ids.map((id) => ({ id, rule })),
    );
    await db.query(
      `update alarms set partition = (array[${PARTITIONS.join()}])[1 + substr(id, 2)::int / ${ALARMS}],
                         previous_partition = null`,
    );
    pieces = { rows: [], failed: 0, searches: 0 };
    mostRows = Infinity;
    beforePiece = () => Promise.resolve();
    const store = createEvaluationStore(db);
    const slow =
      (read: typeof store.loadPiece): typeof store.loadPiece =>
      async (positions, rows) => {
        await beforePiece(pieces.rows.length + pieces.failed);
        if (rows > mostRows) {
          pieces.failed += 1;
          throw new Error('canceling statement due to statement timeout');
        }
        const piece = await read(positions, rows);
        pieces.rows.push(piece.alarms.length);
        return piece;
      };
    cache = new AlarmCache({
      ...store,
      loadPiece: slow(store.loadPiece),
      changesPiece: slow(store.changesPiece),
      changedSince: (revisions) => {
        pieces.searches += 1;
        return store.changedSince(revisions);
      },
      byId: async (ids) => {
        if (ids.length > mostRows) {
          pieces.failed += 1;
          throw new Error('canceling statement due to statement timeout');
        }
        pieces.rows.push(ids.length);
        return store.byId(ids);
      },
      isConfigured: () => true,
      onUnreadable: () => undefined,
      clock: new FakeClock(),
    });
    cache.take(PARTITIONS);
  });
  afterAll(() => db.close());

  const sizes = (): number[] => PARTITIONS.map((id) => [...cache.alarmsOf(id)].length);
  /** Calls until one succeeds, as the evaluation loop does. Returns the number of alarms in memory after each call. */
  const untilDone = async (work: () => Promise<void>): Promise<number[]> => {
    for (const held: number[] = []; ; held.push(cache.size)) {
      const isDone = await work().then(
        () => true,
        () => false,
      );
      if (isDone) return held;
    }
  };

  test('are all loaded, each once, a bounded number with each statement', async () => {
    await cache.load();
    expect(sizes()).toEqual([ALARMS, ALARMS, ALARMS]);
    expect(pieces.rows.reduce((sum, rows) => sum + rows, 0)).toBe(PARTITIONS.length * ALARMS);
    expect(Math.max(...pieces.rows)).toBeLessThanOrEqual(4_000);
    expect(pieces.rows.length).toBeGreaterThan(2);
  });

  test('are all loaded by smaller pieces if the database cancels large ones, and none is read again', async () => {
    mostRows = TOO_MANY;
    const held = await untilDone(() => cache.load());
    expect(pieces.failed).toBe(held.length);
    expect(pieces.failed).toBeGreaterThan(0);
    expect(held).toEqual(held.toSorted((a, b) => a - b));
    expect(sizes()).toEqual([ALARMS, ALARMS, ALARMS]);
    expect(pieces.rows.reduce((sum, rows) => sum + rows, 0)).toBe(PARTITIONS.length * ALARMS);
  });

  test('of a partition can be evaluated before those of the next one are loaded', async () => {
    const loaded = new Set<string>();
    await cache.load(() => loaded.add(PARTITIONS.filter((id) => cache.isLoaded(id)).join()));
    expect([...loaded]).toEqual(expect.arrayContaining(['', '3', '3,9,200']));
  });

  test('that change, are deleted, move or come while others are loaded are right after the next refresh', async () => {
    const write = (set: string, id: string): Promise<unknown> =>
      db.query(`update alarms set ${set}, revision = pg_current_xact_id() where id = '${id}'`);
    beforePiece = async (index) => {
      if (index !== 1) return;
      await write("state = 'alarm', state_version = 1", 'a0001');
      await write('deleted_at = now()', 'a0002');
      await write('previous_partition = partition, partition = 9', 'a0003');
      await write('previous_partition = partition, partition = 3', 'a2999');
      await write('previous_partition = partition, partition = 77', 'a0004');
      await write('previous_partition = partition, partition = 77', 'a2998');
      await storeAlarms(db, [{ id: 'new', rule: thresholdRule() }]);
      await write('partition = 9', 'new');
    };
    await cache.load();
    await cache.refresh();
    expect(sizes()).toEqual([ALARMS - 2, ALARMS + 2, ALARMS - 2]);
    expect(cache.alarmOf(3, 'a0001')).toMatchObject({ state: 'alarm', stateVersion: 1 });
    expect(PARTITIONS.map((id) => cache.alarmOf(id, 'a0002'))).toEqual([undefined, undefined, undefined]);
    expect([cache.alarmOf(9, 'a0003'), cache.alarmOf(3, 'a2999'), cache.alarmOf(9, 'new')]).not.toContain(undefined);
  });

  test('that an import changed are refreshed by pieces, which go on after one that the database cancels', async () => {
    await cache.load();
    await db.query(`update alarms set state = 'ok', state_version = 1, revision = pg_current_xact_id()
                     where partition = any('{3,9}')`);
    pieces.rows.length = 0;
    mostRows = TOO_MANY;
    await untilDone(() => cache.refresh());
    const changed = pieces.rows.reduce((sum, rows) => sum + rows, 0);
    // The read that was broken off ends, and a second one follows it: the first began before the last call.
    expect(changed).toBeGreaterThanOrEqual(2 * ALARMS);
    expect(changed).toBeLessThanOrEqual(4 * ALARMS);
    expect([...cache.alarmsOf(3), ...cache.alarmsOf(9)].every(({ state }) => state === 'ok')).toBe(true);
    expect(cache.alarmOf(200, 'a2997')).toMatchObject({ state: 'insufficient data' });
  });

  test('that have not changed are not read: one statement finds that', async () => {
    await cache.load();
    await cache.refresh();
    pieces.rows.length = 0;
    pieces.searches = 0;
    for (let n = 0; n < 3; n += 1) await cache.refresh();
    expect([pieces.searches, pieces.rows]).toEqual([3, []]);
  });

  test('of a partition with one change are read, and those of the others are not', async () => {
    await cache.load();
    await cache.refresh();
    pieces.rows.length = 0;
    await db.query(`update alarms set state = 'alarm', state_version = 1, revision = pg_current_xact_id()
                     where id = 'a0001'`);
    await cache.refresh();
    expect(pieces.rows).toEqual([1]);
    expect(cache.alarmOf(3, 'a0001')).toMatchObject({ state: 'alarm' });
  });

  test('whose outcomes a commit has refused are read again by pieces, also after one that is cancelled', async () => {
    await cache.load();
    await cache.refresh();
    const ids = Array.from({ length: ALARMS }, (_, n) => `a${String(n).padStart(4, '0')}`);
    cache.reread(ids);
    expect(sizes()).toEqual([0, ALARMS, ALARMS]);
    pieces.rows.length = 0;
    mostRows = TOO_MANY;
    const held = await untilDone(() => cache.refresh());
    expect(held.length).toBeGreaterThan(0);
    expect(sizes()).toEqual([ALARMS, ALARMS, ALARMS]);
    expect(pieces.rows.reduce((sum, rows) => sum + rows, 0)).toBe(ALARMS);
  });

  test('are read by statements that stop at their limit', async () => {
    if (db.kind === 'postgres') await db.query('analyze alarms');
    const plans: string[] = [];
    const explained: Database = {
      ...db,
      query: async (text, parameters, options) => {
        const { rows } = await db.query<{ 'QUERY PLAN': unknown }>(
          `explain (analyze, format json) ${text}`,
          parameters,
          { prepare: false },
        );
        plans.push(JSON.stringify(rows[0]?.['QUERY PLAN']));
        return db.query(text, parameters, options);
      },
    };
    const store = createEvaluationStore(explained);
    const positions = PARTITIONS.map((partition): ReadPosition => ({
      partition,
      after: { revision: '0', id: 'a0100' },
      until: null,
    }));
    await store.loadPiece(positions, 50);
    await store.changesPiece(positions, 50);
    const most = plans.map((plan) =>
      Math.max(...[...plan.matchAll(/"Actual Rows":(\d+)/g)].map(([, rows]) => Number(rows))),
    );
    expect(most).toHaveLength(2);
    if (db.kind === 'pglite') return; // it has no statistics, so it may sort the alarms of a partition
    for (const rows of most) expect(rows).toBeLessThanOrEqual(PARTITIONS.length * 50);
  });
}

describeWithPostgres('alarms on PostgreSQL', () => contract(serverDatabase));
describe('alarms in the embedded database', () => contract(embeddedDatabase));
