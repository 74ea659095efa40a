import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { createPrometheusProbe } from '../../../src/datasource/prometheus/probe.js';
import type { Tenancy } from '../../../src/datasource/prometheus/tenancy.js';
import {
  createPrometheusClient,
  type PrometheusRequest,
} from '../../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../../src/datasource/prometheus/prometheus.js';
import { toError } from '../../../src/errors.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PATIENCE_MS } from '../../support/patience.js';
import {
  askAbout,
  prometheusAt,
  refusal,
  startPrometheusDouble,
  type PrometheusDouble,
  type PrometheusReply,
} from '../../support/prometheus-double.js';

let double: PrometheusDouble;

beforeEach(async () => {
  double = await startPrometheusDouble();
});
afterEach(() => double.close());

const MIMIR: Tenancy = { kind: 'header', header: 'x-scope-orgid', adminTenant: undefined };

/** `answered`, or the reason of the failure. */
async function asked(tenancy: Tenancy, reply?: PrometheusReply): Promise<string> {
  if (reply) double.reply = reply;
  const client = createPrometheusClient({ url: double.url, auth: { kind: 'none' }, timeoutMs: PATIENCE_MS });
  const probe = createPrometheusProbe({ client, tenancy });
  probe.noteTenant('p1');
  return probe.send().then(
    () => 'answered',
    (thrown: unknown) => toError(thrown).message,
  );
}

test.each<[string, Tenancy, PrometheusReply | undefined, string]>([
  ['without series', { kind: 'none' }, undefined, 'answered'],
  ['with a refusal', { kind: 'none' }, refusal(422, 'execution', 'no'), 'answered'],
  ['that it has too much to do', { kind: 'none' }, [429, 'slower'], 'it answered with status 429'],
  ['that the tenant has sent too many queries', MIMIR, [429, 'slower'], 'answered'],
  ['that there is no such tenant', MIMIR, [401, 'no org id'], 'it answered with status 401'],
  ['500', MIMIR, [500, 'oops'], 'it answered with status 500'],
  ['a login page', { kind: 'label', label: 'project' }, [200, '<html>'], 'its answer is not JSON'],
])('the probe, answered %s', async (_, tenancy, reply, expected) => {
  expect(await asked(tenancy, reply)).toBe(expected);
});

test.each<[Tenancy, string | undefined]>([
  [MIMIR, 'p1'],
  [{ ...MIMIR, adminTenant: 'infra' }, 'infra'],
  [{ kind: 'label', label: 'project' }, undefined],
])('is sent, with %j, in the name of %p', async (tenancy, expected) => {
  await asked(tenancy);
  expect(double.asked[0]?.headers['x-scope-orgid']).toBe(expected);
});

test.each([undefined, 'infra'])(
  'keeps sending queries of a tenant although others are refused (%s)',
  async (adminTenant) => {
    const clock = new FakeClock();
    const text = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
    const refused = new Set(['gone0', 'gone1', 'infra']);
    const client = {
      send: ({ headers }: PrometheusRequest) =>
        Promise.resolve({ status: refused.has(headers['x-scope-orgid'] ?? '') ? 403 : 200, text, isCutOff: false }),
      close: () => undefined,
    };
    const observer = { succeeded: () => undefined, failed: () => undefined };
    const datasource = createPrometheusDatasource({ client, tenancy: { ...MIMIR, adminTenant }, observer, clock });
    const look = async (): Promise<number> => {
      const answers = await askAbout({ datasource, outcomes: [] }, [
        ...Array.from({ length: 20 }, (_, n) => ({ promql: `absent(a${n})`, project: `gone${n % 2}` })),
        ...Array.from({ length: 20 }, (_, n) => ({ promql: `absent(a${n})`, project: `p${n % 10}` })),
      ]);
      await clock.advance(1_000);
      return Object.entries(answers).filter(([key, { kind }]) => key.startsWith('p') && kind === 'outage').length;
    };
    for (let looks = 0; looks < 8; looks += 1) await look();
    for (let looks = 0; looks < 8; looks += 1) expect(await look()).toBe(0);
    refused.add('p9');
    const lost: number[] = [];
    for (let looks = 0; looks < 8; looks += 1) lost.push(await look());
    expect(lost.slice(4)).toEqual(Array(4).fill(2));
  },
);

test(
  'is all that is sent to an unavailable Prometheus, and one that ' +
    'cannot answer some queries is probed now and then',
  async () => {
    const observed = prometheusAt(double.url);
    const probes = (): number => double.asked.filter(({ form }) => form['query']!.startsWith('tocsin')).length;
    const bad = [500, 'oops'] as const;
    double.reply = ({ form }) =>
      form['query']!.startsWith('absent(')
        ? [...bad]
        : [200, { status: 'success', data: { resultType: 'vector', result: [] } }];
    const queries = Array.from({ length: 12 }, (_, n) => `absent(a${n})`);
    await askAbout(observed, queries);
    expect(double.asked.length - probes()).toBe(12);
    expect(probes()).toBeGreaterThan(0);
    expect(await askAbout(observed, ['up'])).toEqual({ up: { kind: 'series', series: [], labels: [] } });
    double.reply = [...bad];
    for (let look = 0; look < 5; look += 1) await askAbout(observed, queries);
    // Three, with those sent beside them, and the probe.
    expect(double.asked.length).toBeLessThan(12 + 1 + 2 * 12);
  },
);
