import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createTrustTidier } from '../../../src/app/left-over-trusts.js';
import { storedRule } from '../../../src/alarm/types/index.js';
import { silentLogger } from '../../../src/logger.js';
import { createAlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { createSealer } from '../../../src/storage/secrets/sealed.js';
import { createTrustStore, type SealedTrust, type TrustStore } from '../../../src/storage/secrets/trust-store.js';
import { anAlarm, NOON, removedAt } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { TEST_SEALER } from '../../support/sealer.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';

const SCOPE = { all: true } as const;
const LATER = new Date(NOON.getTime() + 3_600_000);
const sealer = createSealer({ current: Buffer.alloc(32, 1), previous: [] });

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let store: TrustStore;
  let alarms: ReturnType<typeof createAlarmStore>;

  beforeAll(async () => {
    db = await open();
    store = createTrustStore(db, sealer);
    alarms = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  function trust(id: string, alarmId = 'a1'): SealedTrust {
    return store.seal({ id, alarmId, projectId: 'p1', trustorId: 'u1', trustId: `trust of ${id}` });
  }

  function alarmWith(actions: string[]): StoredAlarm {
    const alarm = anAlarm({ alarmActions: actions });
    return { ...alarm, ...storedRule(alarm.rule) };
  }

  const entryOf = removedAt(NOON).entry;
  const create = (id: string): Promise<void> => {
    const alarm = alarmWith(['trust+heat:']);
    return alarms.create({ alarm, memberProject: null, entry: entryOf(alarm), trust: trust(id) });
  };
  const replace = (next: SealedTrust | null, fails = false): Promise<unknown> =>
    alarms.replace(SCOPE, 'a1', {
      rule: anAlarm().rule,
      memberProject: null,
      trust: { next, at: NOON },
      change: (current) => {
        if (fails) throw new Error('refused');
        return { next: current, entry: null };
      },
    });
  const ids = async () => ({
    inUse: (await store.ofAlarm('a1'))?.id,
    discarded: (await store.discarded('a1')).map(({ id }) => id).sort(),
  });

  test('is stored with its alarm, and can be read only with the key', async () => {
    await create('t1');
    const stored = await store.ofAlarm('a1');
    expect(stored).toMatchObject({ id: 't1', alarmId: 'a1', projectId: 'p1', trustorId: 'u1' });
    expect(stored?.sealed).not.toContain('trust of');
    expect(stored && store.reveal(stored).trustId).toBe('trust of t1');
    expect([await store.isKnown('t1'), await store.isKnown('t2')]).toEqual([true, false]);
  });

  test('is not stored if its alarm is not stored', async () => {
    await create('t1');
    await expect(create('t2')).rejects.toThrow();
    expect(await ids()).toEqual({ inUse: 't1', discarded: [] });
    await expect(replace(trust('t3'), true)).rejects.toThrow('refused');
    expect(await ids()).toEqual({ inUse: 't1', discarded: [] });
  });

  test('is discarded when the alarm gets another trust or none, and stays stored until it is deleted', async () => {
    await create('t1');
    await replace(trust('t2'));
    expect(await ids()).toEqual({ inUse: 't2', discarded: ['t1'] });
    await replace(null);
    expect(await ids()).toEqual({ inUse: undefined, discarded: ['t1', 't2'] });
    await store.forget('t1');
    expect(await ids()).toEqual({ inUse: undefined, discarded: ['t2'] });
  });

  test('is discarded when its alarm is deleted, and cannot be deleted before', async () => {
    await create('t1');
    await store.forget('t1');
    expect(await ids()).toEqual({ inUse: 't1', discarded: [] });
    await alarms.remove(SCOPE, 'a1', removedAt(NOON));
    expect(await ids()).toEqual({ inUse: undefined, discarded: ['t1'] });
  });

  test('cannot be opened in another row or project', async () => {
    await create('t1');
    await db.query(
      `insert into alarm_trusts select 't2', 'a2', project_id, trustor_id, trust_id, created_at from alarm_trusts`,
    );
    const [first, copied] = await Promise.all([store.ofAlarm('a1'), store.ofAlarm('a2')]);
    expect(() => copied && store.reveal(copied)).toThrow();
    expect(() => first && store.reveal({ ...first, projectId: 'p2' })).toThrow();
  });

  test('that was discarded is deleted later, and one that Keystone cannot delete moves to the end', async () => {
    for (const id of ['t1', 't2', 't3']) await store.addDiscarded(trust(id), NOON);
    const asked: string[] = [];
    const remove = async (trustId: string): Promise<void> => {
      asked.push(trustId);
      if (trustId === 'trust of t2') throw new Error('refused');
    };
    const tidy = createTrustTidier({ trusts: { remove }, store, log: silentLogger });
    expect(await tidy(NOON)).toBe(0); // the request that discarded them may still be running
    expect(await tidy(LATER)).toBe(2);
    expect(asked.sort()).toEqual(['trust of t1', 'trust of t2', 'trust of t3']);
    expect((await ids()).discarded).toEqual(['t2']);
    expect(await store.discardedBefore(LATER, 9)).toEqual([]);
    expect(await store.discardedBefore(new Date(LATER.getTime() + 1), 9)).toMatchObject([{ id: 't2' }]);
  });
}

describe('a trust in PGlite', () => contract(embeddedDatabase));
describeWithPostgres('a trust in PostgreSQL', () => contract(serverDatabase));
