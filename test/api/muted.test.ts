import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, startApi, thresholdBody, type Answered, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

const saying = (tocsin?: object | null): Record<string, unknown> =>
  thresholdBody(tocsin === undefined ? {} : { tocsin });
const faultOf = (said: string, muted: string): string =>
  `Invalid input for field/attribute muted. Value: '${said}'. ` +
  `It is ${muted} for this alarm, and only an import or its activation changes it. ` +
  'To hold the notifications of an alarm for a time, make a silence: POST /v1/silences.';

async function bringOver(tocsin?: object): Promise<Record<string, unknown> | undefined> {
  const body = [{ ...saying(tocsin), alarm_id: 'a' }];
  return (await api.ask('POST', '/v1/imports', { as: ADMIN, body })).json<Record<string, unknown>[]>()[0];
}

const NOT_MUTED: [object | null | undefined, string | undefined][] = [
  [undefined, undefined],
  [null, undefined],
  [{}, undefined],
  [{ muted: null }, undefined],
  [{ muted: false }, undefined],
  [{ muted: 'no' }, undefined],
  [{ muted: true }, faultOf('True', 'False')],
  [{ muted: 'yes' }, faultOf('True', 'False')],
  [{ muted: 1, delivery_policy: 'every' }, faultOf('True', 'False')],
];

describe('a tocsin.muted that differs from the value of the alarm is refused', () => {
  test.each(NOT_MUTED)('when an alarm is created with %j', async (tocsin, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: ADMIN, body: saying(tocsin) });
    expect([answer.status, answer.fault]).toEqual([fault === undefined ? 201 : 400, fault]);
  });

  test.each(NOT_MUTED)('when an alarm that runs its actions is replaced with %j', async (tocsin, fault) => {
    const id = await api.create(saying());
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { as: ADMIN, body: saying(tocsin) });
    expect([answer.status, answer.fault]).toEqual([fault === undefined ? 200 : 400, fault]);
  });

  test.each(NOT_MUTED)('when an alarm is backtested with %j', async (tocsin, fault) => {
    const body = { alarm: saying(tocsin), start: '2026-01-01T11:59:00', stop: '2026-01-01T12:00:00' };
    const answer = await api.ask('POST', '/v2/alarms/backtest', { as: ADMIN, body });
    expect([answer.status, answer.fault]).toEqual([fault === undefined ? 200 : 400, fault]);
  });

  const MUTED: [object | null | undefined, string | undefined][] = [
    [undefined, undefined],
    [null, undefined],
    [{ muted: null }, undefined],
    [{ muted: true }, undefined],
    [{ muted: false }, faultOf('False', 'True')],
    [{ muted: 'off' }, faultOf('False', 'True')],
  ];

  test.each(MUTED)('when an imported alarm is replaced with %j, and the alarm stays muted', async (tocsin, fault) => {
    await bringOver();
    const answer = await api.ask('PUT', '/v2/alarms/a', { as: ADMIN, body: saying(tocsin) });
    expect([answer.status, answer.fault]).toEqual([fault === undefined ? 200 : 400, fault]);
    expect((await api.ask('GET', '/v2/alarms/a')).json()).toMatchObject({ tocsin: { muted: true } });
  });

  test('when an alarm is imported', async () => {
    expect(await bringOver({ muted: false })).toMatchObject({ outcome: 'refused', reason: faultOf('False', 'True') });
    expect(await bringOver({ muted: true })).toMatchObject({ outcome: 'created' });
  });

  test('as soon as the alarm is activated', async () => {
    await bringOver();
    const read = (await api.ask('GET', '/v2/alarms/a')).json();
    const put = (): Promise<Answered> => api.ask('PUT', '/v2/alarms/a', { as: ADMIN, body: read });
    expect((await put()).status).toBe(200);
    await api.ask('POST', '/v1/imports/activate', { as: ADMIN, body: {} });
    expect((await put()).fault).toBe(faultOf('True', 'False'));
  });
});

test.each([
  ['ok', '', 200],
  ['ok', '?state=ok', 200],
  [undefined, '?state=ok', 200],
  ['ok', '?state=alarm', 400],
  ['alarm', '?state=nothing', 400],
])(
  'PUT state with the body %j and the URL %j is answered with %i: the ' +
    'state is given once, or twice with the same value',
  async (body, search, status) => {
    const id = await api.create(saying());
    expect((await api.ask('PUT', `/v2/alarms/${id}/state${search}`, { as: ADMIN, body })).status).toBe(status);
  },
);
