import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { createRetentionStore } from '../../../src/storage/retention/retention-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, storeSample, thresholdRule } from '../../support/stored-alarms.js';

const NOW = new Date('2026-01-08T12:00:00Z');
const ago = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

function retention(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function ids(table: 'alarms' | 'samples', column: 'id' | 'meter'): Promise<string[]> {
    return (await db.query<{ x: string }>(`select ${column} as x from ${table} order by 1`)).rows.map(({ x }) => x);
  }

  /**
   * Stores an evaluator that has read all changes before its own transaction; null: it has not loaded yet. The oldest
   * open transaction will not do as the mark: those of other tests and of autovacuum count, too.
   */
  async function evaluator(id: string, seen: 'now' | null): Promise<void> {
    await db.query(
      `insert into members (id, role, heartbeat_at, seen)
       values ($1, 'evaluator', clock_timestamp(), case when $2 then pg_current_xact_id() end)`,
      [id, seen === 'now'],
    );
  }

  test('samples older than their retention are deleted, newer ones are not', async () => {
    await storeSample(db, 'old', { volume: 1, at: ago(3_601) });
    await storeSample(db, 'young', { volume: 1, at: ago(3_599) });
    expect(await createRetentionStore(db).pruneSamples(ago(3_600))).toBe(1);
    expect(await ids('samples', 'meter')).toEqual(['young']);
  });

  test('events older than their retention are deleted, newer ones are not', async () => {
    const insert = `insert into events (message_id, event_type, project_id, body, received_at) values ($1, 't', 'p',
      '{}', $2)`;
    await db.query(insert, ['old', ago(3_601)]);
    await db.query(insert, ['young', ago(3_599)]);
    expect(await createRetentionStore(db).pruneEvents(ago(3_600))).toBe(1);
    expect((await db.query('select message_id from events')).rows).toEqual([{ message_id: 'young' }]);
  });

  const kinds = ['creation', 'state transition', 'deletion'];
  test.each(kinds)('an old entry of the history is deleted, a newer one is not: %s', async (type) => {
    const insert = `insert into alarm_history (event_id, alarm_id, type, detail, timestamp)
      values ($1, 'a', $2, '{}', $3)`;
    await db.query(insert, ['old', type, ago(3_601)]);
    await db.query(insert, ['young', type, ago(3_599)]);
    expect(await createRetentionStore(db).pruneHistory(ago(3_600))).toBe(1);
    expect((await db.query('select event_id from alarm_history')).rows).toEqual([{ event_id: 'young' }]);
  });

  describe('the tombstone of a deleted alarm', () => {
    beforeEach(async () => {
      await storeAlarm(db, { id: 'kept', rule: thresholdRule() });
      await storeAlarm(db, { id: 'gone', rule: thresholdRule() });
      await db.query("update alarms set deleted_at = $1, revision = pg_current_xact_id() where id = 'gone'", [
        ago(120),
      ]);
    });

    test.each([
      { when: 'every evaluator has read past it', seen: ['now', 'now'] as const, before: 60, left: ['kept'] },
      { when: 'one evaluator has not loaded yet', seen: ['now', null] as const, before: 60, left: ['gone', 'kept'] },
      { when: 'it is too young', seen: ['now'] as const, before: 180, left: ['gone', 'kept'] },
    ])('is deleted only when no evaluator needs it: $when', async ({ seen, before, left }) => {
      for (const [index, one] of seen.entries()) await evaluator(`e${index}`, one);
      await createRetentionStore(db).pruneTombstones(ago(before));
      expect(await ids('alarms', 'id')).toEqual(left);
    });

    test('stays while an evaluator has not read a later revision', async () => {
      await empty(db);
      await storeAlarm(db, { id: 'gone', rule: thresholdRule() });
      await evaluator('e0', 'now');
      await db.query("update alarms set deleted_at = $1, revision = pg_current_xact_id() where id = 'gone'", [
        ago(120),
      ]);
      expect(await createRetentionStore(db).pruneTombstones(ago(60))).toBe(0);
    });
  });
}

describe('retention on PGlite', () => {
  retention(embeddedDatabase);
});
describeWithPostgres('retention on PostgreSQL', () => {
  retention(serverDatabase);

  test('a meter of a resource that gets a sample while old ones are deleted is kept', async () => {
    const db = await serverDatabase({ statementTimeoutMs: 2_000 });
    try {
      await db.query(
        `insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at,
          last_sample_at, resource_metadata)
         select 'cpu', r, 'p', 'test', 'gauge', '%', $1, $1, '{}' from unnest(array['busy', 'gone']) r`,
        [ago(3_601)],
      );
      const resources = async (): Promise<string[]> =>
        (await db.query<{ id: string }>('select resource_id as id from meter_resources')).rows.map(({ id }) => id);
      await db.transaction(async (tx) => {
        await tx.query("update meter_resources set last_sample_at = $1 where resource_id = 'busy'", [NOW]);
        await createRetentionStore(db).pruneMeterResources(ago(3_600)); // on a connection of its own
        expect(await resources()).toEqual(['busy']);
      });
      expect(await resources()).toEqual(['busy']);
    } finally {
      await db.close();
    }
  });
});
