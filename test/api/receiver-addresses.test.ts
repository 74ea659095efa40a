import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { refuseForbiddenAddresses } from '../../src/api/alarms/check-addresses.js';
import { AlarmRequest } from '../../src/api/schema/alarm-request.js';
import { createEgressGuard } from '../../src/egress/egress-guard.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { egressWith, openRules } from '../support/egress.js';

const HEAT = '10.9.9.9:8004';
const OWN = new Set(['10.0.0.5:5000']);
/** A cloud whose operator allows receivers of project p1 in one network. */
const allow = [{ cidr: '10.20.0.0/16', ports: [8080], projects: ['p1'] }];

const rules = openRules({ allow });
let db: Database;
let api: TestApi;
let knowsHeat = true;

beforeAll(async () => {
  db = await anyDatabase();
  const heat = new Set([HEAT]);
  const egress = createEgressGuard({
    rules,
    ownServices: async () => OWN,
    heat: {
      known: () => (knowsHeat ? heat : undefined),
      fetched: async () => (knowsHeat ? heat : undefined),
    },
  });
  api = await startApi(db, { egress, queueActions: true });
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const ADDRESS = 'receivers may not have this address; an operator can allow it with egress.allow';
const PORT = 'receivers may not have this port; an operator can allow it with egress.allow or egress.deny_ports';

const REFUSED: [action: string, shown: string, why: string][] = [
  ['http://10.0.0.9/', 'http://10.0.0.9/', ADDRESS],
  ['http://user:word@10.0.0.9/', 'http://10.0.0.9/', ADDRESS],
  ['http://2130706433:8080/x?token=word', 'http://2130706433:8080/x?token=***', ADDRESS],
  ['http://0x7f.1/', 'http://0x7f.1/', ADDRESS],
  ['http://①②⑦.⓪.⓪.①/', 'http://①②⑦.⓪.⓪.①/', ADDRESS],
  ['http://127.0.0.1./', 'http://127.0.0.1./', ADDRESS],
  ['http://localhost:8080/', 'http://localhost:8080/', ADDRESS],
  ['http://a.localhost./', 'http://a.localhost./', ADDRESS],
  ['https://[::ffff:169.254.169.254]/', 'https://[::ffff:169.254.169.254]/', ADDRESS],
  ['http://10.20.0.1:8081/', 'http://10.20.0.1:8081/', ADDRESS],
  ['http://1.1.1.1:22/', 'http://1.1.1.1:22/', PORT],
  ['http://hooks.example.com:6379/', 'http://hooks.example.com:6379/', PORT],
  ['zaqar://?topic=t&subscriber=http://10.0.0.9/', 'zaqar://?topic=***&subscriber=***', ADDRESS],
  ['zaqar://?topic=t&subscriber=mailto:a@b&subscriber=trust%2Bhttps://10.0.0.9/', 'zaqar:', ADDRESS],
];

describe('an alarm with a receiver that is not allowed is refused', () => {
  test.each(REFUSED)('%s', async (action, shown, why) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody({ ok_actions: [action] }) });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(why)]);
    expect(answer.fault).toContain(`ok_actions: ${shown}`);
    expect(answer.text).not.toContain('word');
  });

  test('when it is updated, too, and stays as it was', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const body = thresholdBody({ alarm_actions: ['http://10.0.0.9/'] });
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body });
    expect([answer.status, answer.fault]).toEqual([400, `alarm_actions: http://10.0.0.9/ is refused: ${ADDRESS}`]);
    const stored = await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER });
    expect(stored.json()['alarm_actions']).toEqual([]);
  });

  test('when it is imported, too', async () => {
    const made = await api.create(thresholdBody(), MEMBER);
    const document = (await api.ask('GET', `/v2/alarms/${made}`, { as: MEMBER })).json();
    const foreign = { ...document, alarm_id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', ok_actions: ['http://10.0.0.9/'] };
    const answer = await api.ask('POST', '/v1/imports', { body: [foreign] });
    expect(answer.json<Record<string, unknown>[]>()).toEqual([
      expect.objectContaining({ outcome: 'refused', reason: `ok_actions: http://10.0.0.9/ is refused: ${ADDRESS}` }),
    ]);
  });
});

describe('with notifier.https_only_actions, an alarm is refused with a receiver that is called without TLS', () => {
  const HTTPS = 'https is needed, since notifier.https_only_actions is on';
  beforeEach(() => void (rules.httpsOnly = true));
  afterEach(() => void (rules.httpsOnly = false));

  test.each([
    ['http://1.1.1.1/', 'http://1.1.1.1/'],
    ['HTTP://user:word@hooks.example.com/', 'http://hooks.example.com/'],
    [`http://${HEAT}/signal`, `http://${HEAT}/signal`],
    ['zaqar://?topic=t&subscriber=http://1.1.1.1/', 'zaqar://?topic=***&subscriber=***'],
    ['zaqar://?topic=t&subscriber=https://1.1.1.1/&subscriber=trust%2Bhttp://1.1.1.1/', 'zaqar:'],
  ])('%s', async (action, shown) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody({ ok_actions: [action] }) });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(HTTPS)]);
    expect(answer.fault?.toLowerCase()).toContain(`ok_actions: ${shown}`);
    expect(answer.text).not.toContain('word');
  });

  test.each([
    'https://1.1.1.1/',
    'https://hooks.example.com/',
    'zaqar://?topic=t&subscriber=https://1.1.1.1/&subscriber=mailto:a@b',
    'queue://work',
  ])('but accepted with %s', async (action) => {
    await api.create(thresholdBody({ ok_actions: [action] }), MEMBER);
  });

  test('when it is updated, too', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const body = thresholdBody({ alarm_actions: ['http://1.1.1.1/'] });
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body });
    expect([answer.status, answer.fault]).toEqual([400, `alarm_actions: http://1.1.1.1/ is refused: ${HTTPS}`]);
  });

  test('when it is imported, too', async () => {
    const made = await api.create(thresholdBody(), MEMBER);
    const document = (await api.ask('GET', `/v2/alarms/${made}`, { as: MEMBER })).json();
    const foreign = { ...document, alarm_id: 'f47ac10b-58cc-4372-a567-0e02b2c3d479', ok_actions: ['http://1.1.1.1/'] };
    const answer = await api.ask('POST', '/v1/imports', { body: [foreign] });
    expect(answer.json<Record<string, unknown>[]>()).toEqual([
      expect.objectContaining({ outcome: 'refused', reason: `ok_actions: http://1.1.1.1/ is refused: ${HTTPS}` }),
    ]);
  });
});

describe('an alarm is accepted with a receiver', () => {
  test.each([
    ['with a public address', 'http://1.1.1.1/'],
    ['with a name, which is resolved when it is called', 'https://hooks.example.com:8443/x'],
    ['in a network that is allowed for the project', 'http://10.20.0.1:8080/'],
    ['at Heat’s address and port', `http://${HEAT}/signal`],
    ['at Zaqar, which sends mail', 'zaqar://?topic=t&subscriber=mailto:a@b'],
    ['in a queue', 'queue://work'],
  ])('%s: %s', async (_, action) => {
    await api.create(thresholdBody({ ok_actions: [action] }), MEMBER);
  });

  test('at an address that may be Heat’s while Keystone does not answer', async () => {
    knowsHeat = false;
    await api.create(thresholdBody({ ok_actions: [`http://${HEAT}/signal`] }), MEMBER);
    knowsHeat = true;
  });
});

test('other work runs between the checks of thousands of actions', async () => {
  const actions = Array.from({ length: 4_500 }, (_, at) => `http://10.20.0.1:8080/${at}`);
  const turns: string[] = [];
  setImmediate(() => turns.push('other work'));
  const request = AlarmRequest.parse(thresholdBody({ ok_actions: actions }));
  await refuseForbiddenAddresses(request, 'p1', egressWith({ allow }));
  turns.push('checked');
  expect(turns).toEqual(['other work', 'checked']);
});
