import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { storedRule } from '../../../src/alarm/types/index.js';
import { NO_QUOTAS } from '../../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore, type AlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import { createHistoryStore } from '../../../src/storage/alarms/history-store.js';
import type { Database } from '../../../src/storage/database.js';
import { OUTCOME_COLUMNS, writeOutcomeRows, type OutcomeAlarm } from '../../../src/storage/evaluation/outcome-rows.js';
import { createActionOpener } from '../../../src/storage/notifications/claimed-notification.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationAdminStore } from '../../../src/storage/notifications/notification-admin-store.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { createReceiverStore } from '../../../src/storage/receivers/receiver-store.js';
import { createSigningSecretStore } from '../../../src/storage/receivers/signing-secret-store.js';
import { createWebhookSettingsStore } from '../../../src/storage/receivers/webhook-settings-store.js';
import { createIdempotencyStore } from '../../../src/storage/idempotency/idempotency-store.js';
import { rotateSecrets, rowsUnderOtherKeys } from '../../../src/storage/secrets/rotate-secrets.js';
import { createSealer, type Sealer } from '../../../src/storage/secrets/sealed.js';
import { createTrustStore } from '../../../src/storage/secrets/trust-store.js';
import { anEntry } from '../../contract/alarm-store.js';
import { anAlarm, NOON } from '../../support/builders.js';
import { allOf } from '../../support/pages.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { WITHOUT_KEY } from '../../support/sealer.js';
import { describeWithPostgres } from '../../support/servers.js';

const ALL = { all: true } as const;
const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);
const BEFORE = createSealer({ current: OLD, previous: [] });
const DURING = createSealer({ current: NEW, previous: [OLD] });
const AFTER = createSealer({ current: NEW, previous: [] });

const SECRET = 's3cret0123456789abcdef';
const HOOK = `https://u:${SECRET}@hooks.example/v1?sig=${SECRET}`;
const DETAIL = `{"alarm_actions": ["${HOOK}"], "name": "é"}`;
/** The columns that a rotation must not change. */
const VERSIONS = 'select id, revision::text, definition_version, timestamp, state_version from alarms order by id';

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const storeWith = (sealer: Sealer): AlarmStore => createAlarmStore(db, { sealer, quotas: NO_QUOTAS });

  function alarmWith(id: string, alarmActions: string[]): StoredAlarm {
    const alarm = anAlarm({ id, alarmActions });
    return { ...alarm, ...storedRule(alarm.rule) };
  }

  async function create(sealer: Sealer, id: string, actions = [HOOK, 'http://plain/']): Promise<void> {
    const alarm = alarmWith(id, actions);
    const entry = anEntry({ alarmId: id, eventId: `created ${id}`, detail: DETAIL });
    await storeWith(sealer).create({ alarm, memberProject: null, entry });
  }

  /** A transition of the alarm to `alarm`, as an evaluator writes it: without a key. */
  async function fire(id: string): Promise<void> {
    await db.transaction(async (tx) => {
      await tx.query('update alarms set state_version = state_version + 1 where id = $1', [id]);
      const { rows } = await tx.query<OutcomeAlarm>(
        `select ${OUTCOME_COLUMNS} from alarms a where id = $1 for update`,
        [id],
      );
      const outcome = { kind: 'transition', from: 'ok', to: 'alarm', reason: 'because', reasonData: {} } as const;
      const changed = rows.map((row) => ({ outcome, row }));
      await writeOutcomeRows(tx, { changed, repeated: [], at: NOON, staleBefore: NOON, defaultPolicy: 'every' });
    });
  }

  /** The actions that are sent now, in the order of their claims. */
  async function sent(sealer: Sealer): Promise<string[]> {
    const openAction = createActionOpener(sealer);
    const claims = createNotificationClaimStore(db);
    const actions: string[] = [];
    for (;;) {
      const { claimed } = await claims.claim({
        now: new Date(NOON.getTime() + 10_000 * (actions.length + 1)),
        claimUntil: NOON,
        limit: 100,
        perHost: 100,
        perHostAndProject: 100,
        cursor: FROM_THE_START,
      });
      if (claimed.length === 0) return actions.sort();
      actions.push(...claimed.map(openAction));
      await db.query("update notifications set status = 'delivered' where status = 'in_flight'");
    }
  }

  async function textOfAll(): Promise<string> {
    const tables = ['alarms', 'alarm_history', 'notifications', 'notification_bodies', 'alarm_trusts'].concat(
      'idempotency_keys',
    );
    const rows = await Promise.all(
      tables.map((table) => db.query<{ text: string }>(`select to_jsonb(t)::text as text from ${table} t`)),
    );
    return rows.flatMap((result) => result.rows.map(({ text }) => text)).join('\n');
  }

  const detailsWith = async (sealer: Sealer, id: string): Promise<string[]> => {
    const sort = [{ key: 'event_id', descending: false }] as const;
    const entries = await allOf(createHistoryStore(db, sealer).list(ALL, id, { filter: { type: 'creation' }, sort }));
    return entries.map(({ detail }) => detail);
  };

  test.each([
    { when: 'another key', sealer: BEFORE },
    { when: 'no key', sealer: WITHOUT_KEY },
  ])('seals what was stored with $when, and changes neither versions nor what is read and sent', async ({ sealer }) => {
    for (const id of ['a1', 'a2', 'a3']) await create(sealer, id);
    for (const id of ['a1', 'a2', 'a1']) await fire(id);
    await storeWith(sealer).remove(ALL, 'a3', {
      at: NOON,
      entry: () => anEntry({ alarmId: 'a3', eventId: 'gone', type: 'deletion' }),
    });
    const { rows: versions } = await db.query(VERSIONS);
    const rotated = await rotateSecrets(db, DURING);
    expect(rotated).toMatchObject({ alarms: 3, historyEntries: 3 });
    expect(rotated.notifications).toBeGreaterThanOrEqual(sealer === BEFORE ? 3 : 0);
    expect((await db.query(VERSIONS)).rows).toEqual(versions);
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(0);
    expect(await textOfAll()).not.toContain(SECRET);
    expect(await storeWith(AFTER).find(ALL, 'a1')).toMatchObject({ alarmActions: [HOOK, 'http://plain/'] });
    expect(await detailsWith(AFTER, 'a3')).toEqual([DETAIL]);
    await fire('a2');
    const four = [1, 2, 3, 4];
    expect(await sent(AFTER)).toEqual([...four.map(() => 'http://plain/'), ...four.map(() => HOOK)]);
  });

  test('keeps the order of the notifications of one address that were made before and after it', async () => {
    await create(WITHOUT_KEY, 'a1', [HOOK]);
    await fire('a1');
    await rotateSecrets(db, DURING);
    await fire('a1');
    const { rows } = await db.query<{ lane: string }>('select distinct lane from notifications');
    expect(rows).toHaveLength(1);
  });

  test('seals notifications of the first release, which have a body of their own', async () => {
    await create(WITHOUT_KEY, 'a1', [HOOK]);
    await fire('a1');
    await db.query(
      'update notifications set body = b.body, body_id = null from notification_bodies b where b.id = body_id',
    );
    await db.query('delete from notification_bodies');
    const admin = createNotificationAdminStore(db);
    const before = await allOf(admin.list(ALL, {}));
    await rotateSecrets(db, DURING);
    expect(await allOf(admin.list(ALL, {}))).toEqual(before);
    expect(await textOfAll()).not.toContain(SECRET);
    expect(await sent(AFTER)).toEqual([HOOK]);
  });

  test('seals delivered notifications, and those of an alarm whose row is gone', async () => {
    for (const id of ['a1', 'a2']) await create(WITHOUT_KEY, id);
    for (const id of ['a1', 'a2']) await fire(id);
    await db.query("update notifications set status = 'delivered' where alarm_id = 'a1'");
    await db.query("delete from alarms where id = 'a2'");
    expect(await rotateSecrets(db, DURING)).toMatchObject({ alarms: 1, notifications: 2 });
    expect(await textOfAll()).not.toContain(SECRET);
  });

  test('seals signing secrets and headers of receivers', async () => {
    const [id, secret] = ['r1', `whsec_${Buffer.alloc(32, 3).toString('base64')}`];
    const receiver = { id, projectId: 'p', origin: 'https://h.example', name: '', description: '', createdAt: NOON };
    const headers = { authorization: 'Bearer t' };
    await createReceiverStore(db, BEFORE).create({ ...receiver, headers });
    const rules = { overlapMs: 0, most: 2 };
    await createSigningSecretStore(db, BEFORE).rotate(ALL, id, { id: 's1', secret, at: NOON }, rules);
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(2);
    expect(await rotateSecrets(db, DURING)).toMatchObject({ signingSecrets: 1, receivers: 1 });
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(0);
    const settings = await createWebhookSettingsStore(db, AFTER).ofOrigin('p', receiver.origin, NOON);
    expect(settings).toEqual({ secrets: [secret], headers });
  });

  test.each([
    { when: 'another key', sealer: BEFORE },
    { when: 'no key', sealer: WITHOUT_KEY },
  ])('seals answers and hashes that were kept for idempotency keys with $when', async ({ sealer }) => {
    const keys = Array.from({ length: 120 }, (_, at) => ({
      projectId: `p${at % 3}`,
      userId: '',
      route: `r${at % 2}`,
      key: `k${at}`,
    }));
    const kept = {
      status: 201,
      content: { headers: { ETag: '"1"' }, body: { contentType: 'application/json', text: HOOK } },
      entries: [],
    };
    const store = createIdempotencyStore(db, sealer);
    for (const id of keys) await store.add(db, { id, requestHash: `hash of ${SECRET}`, at: NOON }, kept);
    const running = { projectId: 'p', userId: 'u', route: 'r', key: 'running' };
    const until = new Date(NOON.getTime() + 60_000);
    await store.claim(db, { id: running, requestHash: `hash of ${SECRET}`, at: NOON }, { claimId: 'c', until });
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(121);
    expect(await rotateSecrets(db, DURING)).toMatchObject({ keptAnswers: 121 });
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(0);
    expect(await textOfAll()).not.toContain(SECRET);
    const rotated = createIdempotencyStore(db, AFTER);
    for (const id of keys)
      expect(await rotated.find(db, id, NOON)).toMatchObject({ requestHash: `hash of ${SECRET}`, answer: kept });
    expect(await rotated.find(db, running, NOON)).toMatchObject({ answer: undefined, runningUntil: until });
    expect(await rotateSecrets(db, DURING)).toMatchObject({ keptAnswers: 0 });
  });

  test('an idempotency key whose sealing key is lost stops no rotation, and stays used', async () => {
    const id = { projectId: 'p', userId: 'u', route: 'r', key: 'k' };
    const lost = createIdempotencyStore(db, createSealer({ current: Buffer.alloc(32, 3), previous: [] }));
    await lost.add(db, { id, requestHash: 'hash', at: NOON }, { status: 201, content: undefined, entries: [] });
    expect(await rotateSecrets(db, DURING)).toMatchObject({ keptAnswers: 1 });
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(0);
    const answer = { status: 201, content: undefined, entries: [] };
    expect(await createIdempotencyStore(db, AFTER).find(db, id, NOON)).toMatchObject({
      requestHash: undefined,
      answer,
    });
  });

  test('seals the ids of trusts', async () => {
    const trust = { id: 't', alarmId: 'a', projectId: 'p', trustorId: 'u', trustId: 'trust' };
    await createTrustStore(db, BEFORE).addDiscarded(createTrustStore(db, BEFORE).seal(trust), NOON);
    expect(await rotateSecrets(db, DURING)).toMatchObject({ trusts: 1 });
    const store = createTrustStore(db, AFTER);
    expect((await store.discarded('a')).map(store.reveal)).toEqual([trust]);
  });

  test('does nothing the second time, and does the rest after an interruption', async () => {
    for (const id of ['a1', 'a2', 'a3']) await create(BEFORE, id);
    let transactions = 0;
    const failing: Database = {
      ...db,
      kind: db.kind,
      query: (...given) => db.query(...given),
      close: () => db.close(),
      transaction: (work) => {
        if ((transactions += 1) > 1) throw new Error('interrupted');
        return db.transaction(work);
      },
    };
    await expect(rotateSecrets(failing, DURING)).rejects.toThrow('interrupted');
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(5);
    expect(await rotateSecrets(db, DURING)).toMatchObject({ alarms: 2, historyEntries: 3 });
    const nothing = { alarms: 0, notifications: 0, historyEntries: 0, trusts: 0, signingSecrets: 0, receivers: 0 };
    expect(await rotateSecrets(db, DURING)).toEqual({ ...nothing, keptAnswers: 0 });
    expect(await rowsUnderOtherKeys(db, DURING)).toBe(0);
  });

  test('runs beside edits and transitions', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `a${index}`);
    for (const id of ids) await create(WITHOUT_KEY, id, [HOOK]);
    const edit = (id: string): Promise<unknown> =>
      storeWith(DURING).replace(ALL, id, {
        rule: anAlarm().rule,
        memberProject: null,
        change: (current) => ({ next: { ...current, name: 'edited' }, entry: null }),
      });
    await Promise.all([rotateSecrets(db, DURING), ...ids.map(fire), ...ids.map(edit)]);
    await rotateSecrets(db, DURING);
    expect(await textOfAll()).not.toContain(SECRET);
    expect(await sent(AFTER)).toEqual(ids.map(() => HOOK));
  });

  test.each([
    { what: 'with a key seals', sealer: AFTER },
    { what: 'without a key keeps', sealer: WITHOUT_KEY },
  ])('an edit $what an alarm that was stored without one, and its notifications stay', async ({ sealer }) => {
    await create(WITHOUT_KEY, 'a1', [HOOK, `${HOOK}2`]);
    await fire('a1');
    await storeWith(sealer).replace(ALL, 'a1', {
      rule: anAlarm().rule,
      memberProject: null,
      change: (current) => ({ next: { ...current, alarmActions: [HOOK] }, entry: null }),
    });
    const { rows } = await db.query<{ status: string }>('select status from notifications order by action_index');
    expect(rows.map(({ status }) => status)).toEqual(['pending', 'cancelled']);
    expect(await storeWith(sealer).find(ALL, 'a1')).toMatchObject({ alarmActions: [HOOK] });
    const { rows: alarms } = await db.query<{ isSealed: boolean }>(
      'select action_secrets is not null as "isSealed" from alarms',
    );
    expect(alarms).toEqual([{ isSealed: sealer === AFTER }]);
    expect(await sent(AFTER)).toEqual([HOOK]);
  });

  test('needs a key, and the key of each row', async () => {
    await create(BEFORE, 'a1');
    await expect(rotateSecrets(db, WITHOUT_KEY)).rejects.toThrow('secrets.key');
    await expect(rotateSecrets(db, AFTER)).rejects.toThrow(/secrets\.previous_key/);
  });
}

describe('tocsin secrets rotate on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('tocsin secrets rotate on PostgreSQL', () => contract(serverDatabase));
