import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { QueryParameters } from '../../src/api/http/query-parameters.js';
import type { ApiAnswer } from '../../src/api/http/answer.js';
import { JsonList } from '../../src/api/http/json-list.js';
import { importRoutes } from '../../src/api/routes/imports.js';
import { createAlarmStore } from '../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import { createImportStore, type ImportStatus } from '../../src/storage/alarms/import-store.js';
import { thresholdBody } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';
import { egressWith } from '../support/egress.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import { TEST_SEALER } from '../support/sealer.js';

const HOOK = 'https://hook.example/';
const TRUSTED = 'trust+https://heat.example/v1/signal';

let db: Database;

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(() => empty(db));
afterAll(() => db.close());

/** Imports documents, as an admin. `standing` is the import status that is read before a concurrent change. */
async function bringOver(documents: object[], standing?: ImportStatus): Promise<Record<string, unknown>[]> {
  const imports = createImportStore(db, TEST_SEALER);
  const [route] = importRoutes({
    alarms: createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }),
    ruleChecks: { externalOwner: () => Promise.resolve(null), knownBackends: () => [] },
    imports: standing === undefined ? imports : { ...imports, importStatusOf: () => Promise.resolve(standing) },
    actions: {
      egress: egressWith(),
      alarmMaxActions: -1,
      queueActions: false,
      trustActions: { refusal: undefined, overHttp: false },
    },
    now: () => new Date('2026-01-01T00:00:00Z'),
    newId: () => randomUUID(),
  });
  const answer = await route?.handle?.({
    identity: { userId: 'root', projectId: 'ops', role: 'admin' },
    params: {},
    query: new QueryParameters('', []),
    body: undefined,
    list: await JsonList.parse(Buffer.from(JSON.stringify(documents)), { nextTimeSlice: () => Promise.resolve() }),
    origin: 'http://localhost',
    credentials: {
      headers: {},
      method: 'POST',
      path: '/v1/imports',
      origin: 'http://localhost',
      remoteAddress: '127.0.0.1',
    },
    ifMatch: undefined,
    headers: {},
    note: () => undefined,
    write: (change) => change(),
    signal: new AbortController().signal,
  });
  return (answer as ApiAnswer).body as Record<string, unknown>[];
}

const inAodh = (fields: object = {}): object => ({
  ...thresholdBody({ alarm_actions: [HOOK, TRUSTED], project_id: 'p', user_id: 'u' }),
  alarm_id: 'a',
  ...fields,
});

const row = async (): Promise<Record<string, unknown>> =>
  (await db.query<Record<string, unknown>>(`select name, alarm_actions, muted from alarms where id = 'a'`)).rows[0] ??
  {};

test('an import refuses an alarm that is activated by a concurrent request', async () => {
  await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: [HOOK] });
  const [result] = await bringOver([inAodh({ name: 'renamed' })], 'muted');
  expect(result).toMatchObject({ outcome: 'refused', reason: 'It was activated at the same time' });
  expect(await row()).toEqual({ name: 'alarm a', alarm_actions: [HOOK], muted: false });
});

test('an alarm with an action that cannot be sent is not imported, and the reason names the action', async () => {
  const [result] = await bringOver([inAodh({ alarm_actions: ['http://%zz@host/'] })]);
  expect(result).toMatchObject({
    outcome: 'refused',
    reason: expect.stringContaining('Unable to parse action http://host/'),
  });
  expect(await row()).toEqual({});
});

test('trust+ actions that the owner has set up here outlast another import', async () => {
  await bringOver([inAodh()]);
  await db.query(`update alarms set alarm_actions = array_append(alarm_actions, $1) where id = 'a'`, [TRUSTED]);
  expect((await bringOver([inAodh()]))[0]).toMatchObject({ outcome: 'unchanged' });
  expect((await bringOver([inAodh({ name: 'renamed' })]))[0]).toMatchObject({ outcome: 'updated' });
  expect(await row()).toEqual({ name: 'renamed', alarm_actions: [HOOK, TRUSTED], muted: true });
});

test('a trust does not serve a rule, or a project, that it was not lent for', async () => {
  await bringOver([inAodh()]);
  await db.query(`update alarms set alarm_actions = array_append(alarm_actions, $1) where id = 'a'`, [TRUSTED]);
  const otherRule = { threshold_rule: { meter_name: 'cpu', threshold: 1, comparison_operator: 'lt' } };
  for (const change of [otherRule, { project_id: 'p2' }]) {
    const [result] = await bringOver([inAodh(change)]);
    expect(result).toMatchObject({ outcome: 'refused', reason: expect.stringContaining('it has trust+ actions here') });
  }
});
