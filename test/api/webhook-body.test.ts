import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

import { alarmLinkAt } from '../../src/alarm/notification.js';
import { WebhookBody } from '../../src/api/openapi/webhook.js';
import { octavia as octaviaBackends } from '../../src/app/datasources/octavia.js';
import { createSystemClock } from '../../src/clock.js';
import { Config } from '../../src/config/schema.js';
import { ADMIN, startApi } from '../support/api.js';
import { embeddedDatabase } from '../support/databases.js';
import { startEvaluator } from '../support/evaluator-rig.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { startNotifier } from '../support/notifier-rig.js';
import { aPoolMember, startOctaviaDouble } from '../support/octavia-double.js';
import { startReceiver, type ReceivedRequest } from '../support/receiver-server.js';
import { RemoteDouble } from '../support/remote-double.js';

/** Alarms of each way of judging fire, and a receiver gets their webhooks as /openapi.json describes them. */

const ABOVE = { comparison_operator: 'gt', threshold: 80 };
const RULES: Readonly<Record<string, object>> = {
  threshold: { meter_name: 'cpu', ...ABOVE },
  prometheus: { query: 'up', ...ABOVE },
  composite: { or: [{ type: 'prometheus', query: 'up', ...ABOVE }] },
  event: { event_type: 'compute.*' },
  loadbalancer_member_health: { pool_id: 'pool', stack_id: 's', autoscaling_group_id: 'g' },
};
const KINDS = [...Object.keys(RULES), 'combination'];
const LINK = alarmLinkAt('https://alarms.example.com');
const SERIES = ', "series": [{"labels": {"instance": "web1", "job": "node"}, "value": 99.0}], "series_total": 1';
/** Kinds that look at series with labels. */
const WITH_SERIES = ['prometheus', 'composite'];

/** The bodies without the keys that only this service adds, by kind; with placeholders for the ids of alarms. */
const PLAIN_BODIES = JSON.parse(readFileSync('test/fixtures/webhook-bodies.json', 'utf8')) as Record<string, string>;

interface WebhookDocument {
  webhooks: { notification: { post: { parameters: { name: string; required: boolean }[] } } };
}

let document: WebhookDocument;
let received: readonly ReceivedRequest[];
const undo: (() => unknown)[] = [];
/** The ids of the alarms by kind. */
const ids = new Map<string, string>();

/** The webhook of the alarm of this kind. */
function webhookOf(kind: string): ReceivedRequest {
  return received.find(({ target }) => target === `/${kind}`)!;
}

beforeAll(async () => {
  const started = createSystemClock().wallNow();
  const db = await embeddedDatabase();
  undo.push(() => db.close());
  const receiver = await startReceiver();
  undo.push(() => receiver.close());
  const api = await startApi(db, { alarmLink: LINK });
  undo.push(() => api.close());
  api.clock.synchronise(started, api.clock.monotonicMs());
  const octavia = await startOctaviaDouble();
  undo.push(() => octavia.close());
  octavia.pools.set('pool', [aPoolMember({ operating_status: 'ERROR' })]);
  const pools = octaviaBackends.open({
    config: Config.parse({ octavia: { url: octavia.url } }),
    keystone: undefined,
    observerOf: () => ({ succeeded: () => undefined, failed: () => undefined }),
  });
  undo.push(() => pools.get(null)?.close?.());
  const prometheus = new RemoteDouble();
  prometheus.mode = 99;
  prometheus.labels = { instance: 'web1', job: 'node' };
  const remote = { octavia: pools, prometheus: new Map([[null, prometheus]]) };
  const evaluator = await startEvaluator(db, { remote, clock: new FakeClock(started), alarmLink: LINK });
  undo.push(() => evaluator.stop());
  const notifier = startNotifier(db);
  undo.push(() => notifier.stop());
  document = (await api.ask('GET', '/openapi.json')).json();

  const create = (type: string, rule: object): Promise<string> =>
    api.create({ name: type, type, [`${type}_rule`]: rule, alarm_actions: [`${receiver.url}/${type}`] });
  for (const [type, rule] of Object.entries(RULES)) ids.set(type, await create(type, rule));
  ids.set('combination', await create('combination', { operator: 'or', alarm_ids: [...ids.values()] }));
  const send = async (path: string, body: object): Promise<void> => {
    const { status, text } = await api.ask('POST', path, { as: ADMIN, body });
    if (status >= 300) throw new Error(text);
  };
  const event = { message_id: 'm', event_type: 'compute.instance.update', traits: [['project_id', 1, 'ops']] };
  await send('/v2/events', event);
  const sample = { counter_type: 'gauge', counter_unit: '%', counter_volume: 95, resource_id: 'r' };
  // The combination is judged by the states that its members have after the first interval.
  for (let interval = 0; interval < 2; interval += 1) {
    await send('/v2/meters/cpu', [{ ...sample, timestamp: evaluator.clock.now().toISOString() }]);
    await evaluator.interval();
  }
  notifier.waker.wake(KINDS.length);
  await eventually(() => {
    const told = new Set(receiver.requests.map(({ target }) => target));
    expect([...told].sort()).toEqual(KINDS.map((kind) => `/${kind}`).sort());
  });
  received = receiver.requests;
});
afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe.each(KINDS)('the webhook of an alarm of type %s', (kind) => {
  test('has a body that the schema accepts', () => {
    const { error, data } = WebhookBody.safeParse(JSON.parse(webhookOf(kind).body));
    expect(error).toBeUndefined();
    expect(data).toMatchObject({ alarm_name: kind, current: 'alarm' });
  });

  test('has the stored bytes, followed in reason_data by the series, if it looks at any, and the link', () => {
    const { body } = webhookOf(kind);
    // Those that are in alarm when the combination is evaluated.
    const { alarm_ids = [] } = (JSON.parse(body) as { reason_data: { alarm_ids?: string[] } }).reason_data;
    const plain = (PLAIN_BODIES[kind] ?? '')
      .replace(`<${kind}>`, ids.get(kind) ?? '')
      .replace('<members>', alarm_ids.join(','))
      .replace('<quoted members>', alarm_ids.map((id) => JSON.stringify(id)).join(', '));
    const link = `, "link": "https://alarms.example.com/console#/alarm/${ids.get(kind)}"`;
    expect(plain.slice(-2)).toBe('}}');
    expect(body).toBe(`${plain.slice(0, -2)}${WITH_SERIES.includes(kind) ? SERIES : ''}${link}}}`);
  });

  test('has a body that /openapi.json accepts, and none with another member', () => {
    const ajv = new Ajv2020({ strict: false, schemas: [{ $id: 'doc', ...document }] });
    const valid = ajv.compile({
      $ref: 'doc#/webhooks/notification/post/requestBody/content/application~1json/schema',
    });
    const body = JSON.parse(webhookOf(kind).body) as object;
    expect([valid(body), ajv.errorsText(valid.errors)]).toEqual([true, 'No errors']);
    expect(valid({ ...body, more: 1 })).toBe(false);
  });

  test('has the headers that /openapi.json lists, and only those of HTTP beside them', () => {
    const ofHttp = ['host', 'connection', 'content-type', 'content-length', 'accept'];
    const { parameters } = document.webhooks.notification.post;
    const listed = parameters.filter(({ required }) => required).map(({ name }) => name);
    const sent = Object.keys(webhookOf(kind).headers).filter((name) => !ofHttp.includes(name));
    expect(sent.sort()).toEqual([...listed].sort());
  });
});

test('webhooks of all kinds have all kinds of reason_data between them, but those of a test and a heartbeat', () => {
  const types = received.map(({ body }) => WebhookBody.parse(JSON.parse(body)).reason_data.type);
  const known = WebhookBody.shape.reason_data.options.map(({ shape }) => shape.type.value);
  expect([...new Set(types), 'test', 'heartbeat'].sort()).toEqual([...known].sort());
});
