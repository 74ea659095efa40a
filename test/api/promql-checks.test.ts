import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createRuleChecks } from '../../src/app/rule-checks.js';
import { Config } from '../../src/config/schema.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  refusal,
  startPrometheusDouble,
  type PrometheusDouble,
  type PrometheusReply,
} from '../support/prometheus-double.js';

/** Whom the service believes anything of, where it believes headers and there are none. */
const ANONYMOUS: Caller = {};
const PARSED: PrometheusReply = [200, { status: 'success', data: 'up' }];
const UNCLOSED = refusal(400, 'bad_data', 'invalid parameter "query": 1:8: parse error: unclosed left parenthesis');
const NOT_CHECKED = 'not checked: the prometheus backend cannot check queries: it answered with status 404';
const NOT_CONFIGURED = 'not evaluated: no prometheus backend is configured (set prometheus.url)';

let db: Database;
let api: TestApi;
let double: PrometheusDouble;
let resources: ReleaseStack;

beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  double = await startPrometheusDouble();
  double.reply = PARSED;
  resources = new ReleaseStack();
});
afterEach(async () => {
  await api.close();
  await resources.release();
  await double.close();
});
afterAll(() => db.close());

async function start(prometheus: object): Promise<void> {
  const ruleChecks = createRuleChecks({
    config: Config.parse({ prometheus }),
    clock: new FakeClock(),
    resources,
    keystone: undefined,
  });
  api = await startApi(db, { ruleChecks });
}

type Body = Record<string, unknown>;

function plain(query = 'up', fields: Body = {}): Body {
  return { name: 'p', type: 'prometheus', prometheus_rule: { query, threshold: 1 }, ...fields };
}

function composite(query = 'up', fields: Body = {}): Body {
  const leaf = { type: 'prometheus', query, threshold: 1 };
  return {
    name: 'c',
    type: 'composite',
    composite_rule: { or: [{ ...leaf, query: 'fine' }, { and: [leaf] }] },
    ...fields,
  };
}

function atEast(query = 'up'): Body {
  return plain(query, { tocsin: { backend: 'east' } });
}

function leafAtEast(query = 'up'): Body {
  const leaf = { type: 'prometheus', query, threshold: 1, tocsin: { backend: 'east' } };
  return { name: 'c', type: 'composite', composite_rule: { or: [leaf] } };
}

const FORMS = [
  ['an alarm of its own', plain],
  ['a leaf of a composite rule', composite],
  ['an alarm that names its backend', atEast],
  ['a leaf that names its backend', leafAtEast],
] as const;

const AUTHORS = [
  ['an admin', ADMIN],
  ['a member', MEMBER],
  ['a caller without authentication', ANONYMOUS],
] as const;

describe.each(FORMS)('a query of %s', (_, body) => {
  beforeEach(async () => {
    const settings = { url: double.url, tenancy: 'header' };
    await start({ ...settings, others: { east: settings } });
  });

  test.each(AUTHORS)('that Prometheus does not parse is refused at creation and update: %s', async (__, as) => {
    const id = await api.create(body(), as);
    double.reply = ({ form }) => (form['query'] === 'rate(up' ? UNCLOSED : [200, { status: 'success', data: '' }]);
    for (const [method, path] of [
      ['POST', '/v2/alarms'],
      ['PUT', `/v2/alarms/${id}`],
    ] as const) {
      const answer = await api.ask(method, path, { as, body: body('rate(up') });
      expect([answer.status, answer.fault]).toEqual([
        400,
        "Invalid input for field/attribute query. Value: 'rate(up'. Prometheus says: " +
          'bad_data: invalid parameter "query": 1:8: parse error: unclosed left parenthesis (HTTP 400)',
      ]);
    }
  });

  test.each(AUTHORS)('that Prometheus parses is not evaluated yet: %s', async (__, as) => {
    const answer = await api.ask('POST', '/v2/alarms', { as, body: body() });
    expect([answer.status, answer.json().state_reason]).toEqual([201, 'Not evaluated yet']);
  });

  test('is accepted as not checked if the server has no such route', async () => {
    double.reply = [404, 'page not found'];
    const answer = await api.ask('POST', '/v2/alarms', { as: ADMIN, body: body('rate(up') });
    const name = JSON.stringify(body()).includes('east') ? ' east' : '';
    expect([answer.status, answer.json().state_reason]).toEqual([
      201,
      NOT_CHECKED.replace('backend', `backend${name}`),
    ]);
    const stored = await api.ask('GET', `/v2/alarms/${String(answer.json().alarm_id)}`, { as: ADMIN });
    expect(stored.json().state_reason).toBe(answer.json().state_reason);
  });
});

describe('the reason of an alarm whose rule was not checked', () => {
  async function reasonAfter(id: string, body: Body): Promise<string> {
    const answer = await api.ask('PUT', `/v2/alarms/${id}`, { as: ADMIN, body });
    expect(answer.status).toBe(200);
    return answer.json().state_reason as string;
  }

  beforeEach(() => start({ url: double.url, tenancy: 'none' }));

  test('is the state_reason after an update of its rule, too, in every state', async () => {
    const id = await api.create(plain('up', { state: 'ok' }), ADMIN);
    await db.query("update alarms set state_reason = 'Transition to ok' where id = $1", [id]);
    double.reply = [404, ''];
    expect(await reasonAfter(id, plain('down', { state: 'ok' }))).toBe(NOT_CHECKED);
  });

  test('does not replace the finding of an evaluation if the rule does not change', async () => {
    const id = await api.create(plain(), ADMIN);
    await db.query("update alarms set state_reason = 'datapoints are unknown' where id = $1", [id]);
    double.reply = [404, ''];
    expect(await reasonAfter(id, plain('up', { severity: 'critical' }))).toBe('datapoints are unknown');
    expect(await reasonAfter(id, plain('up', { state: 'ok' }))).toBe('Manually set via API');
  });

  test.each([
    ['a rule that Prometheus parses', plain('down')],
    ['an event rule', { name: 'a', type: 'event', event_rule: {} }],
    [
      'a rule of the built-in meters',
      { name: 'a', type: 'threshold', threshold_rule: { meter_name: 'cpu', threshold: 1 } },
    ],
    ['the same rule, which Prometheus parses by now', plain('up', { severity: 'critical' })],
  ])('does not stay after an update to %s', async (_, next) => {
    double.reply = [404, ''];
    const created = await api.ask('POST', '/v2/alarms', { as: ADMIN, body: plain() });
    expect(created.json().state_reason).toBe(NOT_CHECKED);
    double.reply = [200, { status: 'success', data: '' }];
    expect(await reasonAfter(String(created.json().alarm_id), next)).toBe('Not evaluated yet');
  });
});

describe('without a Prometheus', () => {
  test.each([plain, composite])('the state_reason of an alarm names the option to set', async (body) => {
    await start({});
    const answer = await api.ask('POST', '/v2/alarms', { as: ADMIN, body: body('rate(up') });
    expect([answer.status, answer.json().state_reason]).toEqual([201, NOT_CONFIGURED]);
  });
});

describe('where a label keeps projects apart', () => {
  beforeEach(() => start({ url: double.url, tenancy: 'label', project_label: 'project' }));

  test('Prometheus parses the query as it will be sent, and the author does not see that query', async () => {
    double.reply = refusal(400, 'bad_data', 'unexpected "p1" in {project="p1"}');
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: plain() });
    expect([answer.status, answer.fault]).toEqual([
      400,
      "Invalid input for field/attribute query. Value: 'up'. Prometheus " +
        'says: bad_data: the query is not valid (HTTP 400)',
    ]);
    expect(double.asked.map(({ target, form }) => [target, form['query']])).toEqual([
      ['/api/v1/format_query', 'up{project="p1"}'],
    ]);
  });

  test('a query that cannot be confined to its project is refused without a request to Prometheus', async () => {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: plain('rate(up') });
    expect([answer.status, double.asked.length]).toEqual([400, 0]);
  });
});
