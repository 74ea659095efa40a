import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { randomUUID } from 'node:crypto';

import { toError } from '../../../src/errors.js';
import type { Database, Sql } from '../../../src/storage/database.js';
import { isBefore, type StreamPosition } from '../../../src/storage/stream/stream-position.js';
import type { StreamEvent } from '../../../src/storage/stream/stream-sources.js';
import { createStreamStore, STREAM_PAGE, type StreamStore } from '../../../src/storage/stream/stream-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeNotification } from '../../support/stored-notifications.js';

describe('the stream of the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('the stream of PostgreSQL', () => {
  contract(() => serverDatabase());
  interleaved();
});

const minutes = (count: number): Date => new Date(NOON.getTime() + count * 60_000);

async function addTransition(sql: Sql, fields: { alarmId?: string; detail?: string } = {}): Promise<string> {
  const id = randomUUID();
  const { alarmId = randomUUID(), detail = '{"state": "alarm", "transition_reason": "too hot"}' } = fields;
  await sql.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp, state_version,
       previous_state) values ($1, $2, 'state transition', $3, 'p', 'low', $4, 1, 'ok')`,
    [id, alarmId, detail, NOON],
  );
  return id;
}

/** All events after a position, and the position after them. */
async function readAll(store: StreamStore, from: StreamPosition): Promise<[StreamEvent[], StreamPosition]> {
  const events: StreamEvent[] = [];
  for (let position = from; ;) {
    const page = await store.read(position);
    events.push(...page.events);
    position = page.through;
    if (!page.hasMore) return [events, position];
  }
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let store: StreamStore;
  let start: StreamPosition;
  beforeAll(async () => {
    db = await open();
    store = createStreamStore(db);
  });
  beforeEach(async () => {
    await empty(db);
    start = { transaction: (await store.head()).horizon, number: 0n };
  });
  afterAll(() => db.close());

  const seen = async (): Promise<string[]> => (await readAll(store, start))[0].map((event) => event.change);
  const setStatus = (id: string, status: string): Promise<unknown> =>
    db.query('update notifications set status = $2, finished_at = $3 where id = $1', [id, status, NOON]);

  test('has a transition with its states and its reason, and nothing of an alarm that is gone', async () => {
    const eventId = await addTransition(db);
    const [[event]] = await readAll(store, start);
    expect(event).toMatchObject({
      kind: 'transition',
      objectId: eventId,
      projectId: 'p',
      state: 'alarm',
      previousState: 'ok',
      severity: 'low',
      alarmName: null,
      alarmType: null,
      detail: '{"state": "alarm", "transition_reason": "too hot"}',
    });
  });

  test('has the state of a transition whose reason is too long to be read', async () => {
    await addTransition(db, { detail: `{"state": "ok", "transition_reason": "${'x'.repeat(10_000)}"}` });
    const [[event]] = await readAll(store, start);
    expect(event).toMatchObject({ state: 'ok', detail: null });
  });

  test('has each end of a delivery, also that of one which was replayed since', async () => {
    await storeNotification(db, { id: 'n', actionList: 'alarm_actions' });
    expect(await seen()).toEqual([]);
    await setStatus('n', 'in_flight');
    expect(await seen()).toEqual([]);
    await setStatus('n', 'dead');
    await setStatus('n', 'pending');
    await setStatus('n', 'delivered');
    const [events] = await readAll(store, start);
    expect(events.map(({ kind, change, state, objectId }) => [kind, change, state, objectId])).toEqual([
      ['delivery', 'dead', 'alarm', 'n'],
      ['delivery', 'delivered', 'alarm', 'n'],
    ]);
  });

  test('has the end of a delivery that ended when its notification was written', async () => {
    await storeNotification(db, { id: 'n', status: 'silenced' });
    expect(await seen()).toEqual(['silenced']);
    await setStatus('n', 'pending');
    await setStatus('n', 'superseded');
    expect(await seen()).toEqual(['silenced', 'superseded']);
  });

  test('is read in pages, in order, without gaps and repetitions', async () => {
    const ids: string[] = [];
    for (const rows of [STREAM_PAGE + 20, 3, 2 * STREAM_PAGE]) {
      await db.transaction(async (tx) => {
        const { rows: added } = await tx.query<{ id: string }>(
          `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
           select gen_random_uuid()::text, 'a', 'rule change', '{}', 'p', $1 from generate_series(1, $2::integer)
           returning event_id as id`,
          [NOON, rows],
        );
        ids.push(...added.map(({ id }) => id));
      });
    }
    const [events, through] = await readAll(store, start);
    expect(events.map(({ objectId }) => objectId)).toEqual(ids);
    expect((await store.read(through)).events).toEqual([]);
  });

  test.each(['alarm_history', 'notifications'])('notes that rows of %s were deleted unread', async (table) => {
    await addTransition(db);
    await storeNotification(db, { id: 'n', status: 'dead' });
    const before = await store.read(start);
    expect(before.lostThrough < start.transaction).toBe(true);
    const last = before.events.find(({ kind }) => (kind === 'delivery') === (table === 'notifications'));
    await db.query(`delete from ${table}`);
    expect((await store.read(start)).lostThrough).toBe(last?.transaction);
  });

  test('knows from which transaction events are kept', async () => {
    await db.query('delete from stream_marks');
    expect(await store.keptFrom(minutes(0))).toBeUndefined();
    await addTransition(db);
    const marked = (await store.head()).horizon;
    await store.mark(minutes(0), minutes(-60));
    await addTransition(db);
    await store.mark(minutes(1), minutes(-59));
    expect(await store.keptFrom(minutes(-1))).toBeUndefined();
    expect(await store.keptFrom(minutes(1))).toBe(marked);
    await store.mark(minutes(61), minutes(1));
    expect(await store.keptFrom(minutes(60))).toBe(marked);
    expect((await store.keptFrom(minutes(61))) ?? 0n).toBeGreaterThan(marked);
  });

  test('forgets what only readers of events that are no longer kept would need', async () => {
    await db.query('delete from stream_marks');
    await storeNotification(db, { id: 'n', status: 'dead' });
    await setStatus('n', 'pending');
    await store.mark(minutes(0), minutes(-60));
    expect(await store.prune(minutes(-1))).toBe(0);
    expect(await store.prune(minutes(1))).toBe(1);
  });

  test('has a new epoch, and no earlier event, after the rows were restored', async () => {
    await addTransition(db);
    const { epoch } = await store.head();
    expect((await store.head()).epoch).toBe(epoch);
    // As a dump does it: the same values in rows that another transaction has written.
    await db.query(
      `with old as (delete from stream_epoch returning *) select set_config('tocsin.x', '', true) from old`,
    );
    await db.query('insert into stream_epoch (epoch, origin, made_in) select $1, $2, $3::text::xid8', [
      epoch,
      'elsewhere',
      '7',
    ]);
    const restored = await store.head();
    expect(restored.epoch).not.toBe(epoch);
    expect((await store.head()).epoch).toBe(restored.epoch);
  });

  test('leaves out events of restored rows whose transactions are still to come here', async () => {
    await addTransition(db);
    await storeNotification(db, { id: 'n', status: 'dead' });
    await db.query(`update alarm_history set revision = (pg_current_xact_id()::text::bigint + 5)::text::xid8`);
    await db.query(`update notifications set ended_in = (pg_current_xact_id()::text::bigint + 5)::text::xid8`);
    await store.newEpoch();
    const horizon = (await store.head()).horizon;
    for (let count = 0; count < 10; count += 1) await db.query('select pg_current_xact_id()');
    const [events] = await readAll(store, { transaction: horizon, number: 0n });
    expect(events).toEqual([]);
  });
}

/** Opens transactions and ends them when the test says so. */
class OpenTransaction {
  #end!: (commits: boolean) => void;
  #sql!: Sql;
  #done!: Promise<void>;

  constructor(private readonly db: Database) {}

  async begin(): Promise<void> {
    const ended = new Promise<boolean>((resolve) => (this.#end = resolve));
    await new Promise<void>((begun, failed) => {
      this.#done = this.db
        .transaction(async (tx) => {
          this.#sql = tx;
          await tx.query('select pg_current_xact_id()');
          begun();
          if (!(await ended)) throw new Error('rolled back');
        })
        .catch((cause: unknown) => {
          if (!String(cause).includes('rolled back')) failed(toError(cause));
        });
    });
  }

  add(): Promise<string> {
    return addTransition(this.#sql);
  }

  end(commits: boolean): Promise<void> {
    this.#end(commits);
    return this.#done;
  }
}

const MOST_OPEN = 6;

function interleaved(): void {
  test('shows the events of transactions that end in any order once, never behind what was seen', async () => {
    const db = await serverDatabase({ maxConnections: MOST_OPEN + 2 });
    const store = createStreamStore(db);
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('add' as const), which: fc.nat(MOST_OPEN) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('end' as const),
          which: fc.nat(MOST_OPEN),
          commits: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, fc.constant(false)),
        }),
      },
      { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let position: StreamPosition = { transaction: (await store.head()).horizon, number: 0n };
        const seen: StreamEvent[] = [];
        const committed = new Set<string>();
        const open: { transaction: OpenTransaction; ids: string[] }[] = [];
        const read = async (): Promise<void> => {
          const page = await store.read(position);
          seen.push(...page.events);
          position = page.through;
        };
        const end = async (which: number, commits: boolean): Promise<void> => {
          const [ended] = open.splice(which % open.length, 1);
          await ended?.transaction.end(commits);
          if (commits) for (const id of ended?.ids ?? []) committed.add(id);
        };
        for (const next of steps) {
          if (next.kind === 'begin' && open.length < MOST_OPEN) {
            const transaction = new OpenTransaction(db);
            await transaction.begin();
            open.push({ transaction, ids: [] });
          }
          if (next.kind === 'add') {
            const chosen = open[next.which % Math.max(1, open.length)];
            if (chosen) chosen.ids.push(await chosen.transaction.add());
          }
          if (next.kind === 'end' && open.length > 0) await end(next.which, next.commits);
          if (next.kind === 'read') await read();
        }
        while (open.length > 0) await end(0, true);
        await read();
        for (const [index, event] of seen.entries()) {
          const before = seen[index - 1];
          if (before) expect(isBefore(before, event)).toBe(true);
        }
        expect(seen.map(({ objectId }) => objectId).sort()).toEqual([...committed].sort());
      }),
      { numRuns: 60 },
    );
    await db.close();
  });
}
