import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { createSystemClock } from '../../src/clock.js';
import { createGnocchiClient } from '../../src/datasource/gnocchi/gnocchi-client.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import { createPrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { caseNumber, gnocchiCases, numbered, searchAlone, type GnocchiCase } from './malformed/gnocchi-answers.js';
import { judgedGnocchi } from './malformed/gnocchi-oracle.js';
import { disagreement, disagreementsOf } from './malformed/judged.js';
import { HOSTS, judgedPrometheus, prometheusCases, type PrometheusCase } from './malformed/prometheus-answers.js';

/** Bodies are the same at each run, unless another number is given. */
const SEED = Number(process.env['TOCSIN_TEST_SEED'] ?? 20_260_101);
const observer = { succeeded: () => undefined, failed: () => undefined };
/** Half a minute when nothing else runs. */
const TIMEOUT_MS = 240_000;
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

  test(
    `in ${CASES} bodies`,
    async () => {
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
    },
    TIMEOUT_MS,
  );
});

describe('whatever Gnocchi answers, alarms are judged by the points in it, or not at all', () => {
  const CASES = 4_000;
  let server: Receiver;
  let cases: GnocchiCase[] = [];
  const served = new Set<number>();

  beforeAll(async () => {
    cases = fc.sample(gnocchiCases, { seed: SEED, numRuns: CASES }).map(numbered);
    server = await startReceiver(({ target, body }, response) => {
      const one = cases[caseNumber(body)]!;
      served.add(one.index);
      const { status, body: whole } = target.startsWith('/v1/search/') ? one.found : one.measured;
      const alone = searchAlone(body);
      const sent = alone === undefined || one.alarms.length === 1 ? whole : one.bodies[alone];
      response.writeHead(status, { 'content-type': 'application/json' }).end(sent);
    });
  });
  afterAll(() => server.close());

  test(
    `in ${CASES} bodies`,
    async () => {
      const client = createGnocchiClient({ url: server.url, auth: { kind: 'basic', user: 'admin' }, timeoutMs: 20_000 });
      const found = { creator: () => Promise.resolve('admin'), externalOwner: () => Promise.resolve(null) };
      const clock = createSystemClock();
      const problems = await disagreementsOf(cases, (one) =>
        disagreement(createGnocchiDatasource({ client, observer, clock, ...found }), judgedGnocchi(one)),
      );
      client.close();
      expect({ seed: SEED, problems }).toEqual({ seed: SEED, problems: [] });
      expect(served.size).toBe(CASES);
      expect(rejections).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
