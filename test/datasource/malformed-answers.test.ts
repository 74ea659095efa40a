import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createPrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { disagreement, disagreementsOf } from './malformed/judged.js';
import { HOSTS, judgedPrometheus, prometheusCases, type PrometheusCase } from './malformed/prometheus-answers.js';

/** Bodies are the same at each run, unless another number is given. */
const SEED = Number(process.env['TOCSIN_TEST_SEED'] ?? 20_260_101);
const observer = { succeeded: () => undefined, failed: () => undefined };
const rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

describe('whatever Prometheus answers, alarms are judged by the points in it, or not at all', () => {
  const CASES = 6_000;
  let server: Receiver;
  let cases: PrometheusCase[] = [];
  let served = 0;

  beforeAll(async () => {
    cases = fc.sample(prometheusCases, { seed: SEED, numRuns: CASES });
    server = await startReceiver(({ body }, response) => {
      served += 1;
      const query = new URLSearchParams(body).get('query') ?? '';
      const one = cases[Number(/case="(\d+)"/.exec(query)?.[1])]!;
      const alone = HOSTS.findIndex((host) => query.includes(`host="${host}"`));
      const isWhole = alone === -1 || one.alarms.length === 1;
      response.writeHead(one.status, { 'content-type': 'application/json' }).end(isWhole ? one.body : one.bodies[alone]);
    });
  });
  afterAll(() => server.close());

  test(`in ${CASES} bodies`, async () => {
    const client = createPrometheusClient({ url: server.url, auth: { kind: 'none' }, timeoutMs: 20_000 });
    const problems = await disagreementsOf(cases, (one, index) => {
      // Its own way to the server each time, since one that gives bad answers is left alone for a while.
      const datasource = createPrometheusDatasource({ client, tenancy: { kind: 'none' }, observer });
      return disagreement(datasource, judgedPrometheus(one, index));
    });
    client.close();
    expect({ seed: SEED, problems }).toEqual({ seed: SEED, problems: [] });
    expect(served).toBeGreaterThanOrEqual(CASES);
    expect(rejections).toEqual([]);
  });
});
