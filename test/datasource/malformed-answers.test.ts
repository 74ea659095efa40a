import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { AlarmRule } from '../../src/alarm/types/index.js';
import { createSystemClock } from '../../src/clock.js';
import { createGnocchiClient } from '../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import { createBackendGate } from '../../src/datasource/gate/gate.js';
import { createOctaviaClient } from '../../src/datasource/octavia/octavia-client.js';
import { createOctaviaDatasource } from '../../src/datasource/octavia/octavia.js';
import { createPrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { caseNumber, gnocchiCases, numbered, searchAlone, type GnocchiCase } from './malformed/gnocchi-answers.js';
import { judgedGnocchi } from './malformed/gnocchi-oracle.js';
import { disagreement, disagreementsOf, verdictOf } from './malformed/judged.js';
import { CREATION_TIME_S, healthIn, octaviaCases, type OctaviaCase } from './malformed/octavia-answers.js';
import { HOSTS, judgedPrometheus, prometheusCases, type PrometheusCase } from './malformed/prometheus-answers.js';

/** Bodies are the same at each run, unless another seed is given. */
const SEED = Number(process.env['TOCSIN_TEST_SEED'] ?? 20_260_101);
const observer = { succeeded: () => undefined, failed: () => undefined };
/** Half a minute when nothing else runs. */
const TIMEOUT_MS = 600_000;
const rejections: unknown[] = [];
const note = (reason: unknown): void => void rejections.push(reason);

beforeAll(() => void process.on('unhandledRejection', note));
afterAll(() => void process.off('unhandledRejection', note));

describe('for any answer of Prometheus, alarms are judged by the points in it, or not at all', () => {
  const CASES = 1_500;
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
      response
        .writeHead(one.status, { 'content-type': 'application/json' })
        .end(isWhole ? one.body : one.bodies[alone]);
    });
  });
  afterAll(() => server.close());

  test(
    `in ${CASES} bodies`,
    async () => {
      const client = createPrometheusClient({ url: server.url, auth: { kind: 'none' }, timeoutMs: 60_000 });
      const problems = await disagreementsOf(cases, (one, index) => {
        // A gate of its own each time, since malformed answers open the circuit.
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

describe('for any answer of Gnocchi, alarms are judged by the points in it, or not at all', () => {
  const CASES = 1_000;
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
      const client = createGnocchiClient({
        url: server.url,
        auth: { kind: 'basic', user: 'admin' },
        timeoutMs: 60_000,
      });
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

describe('for any answer of Octavia, alarms are judged by the members in it, or not at all', () => {
  const CASES = 400;
  let server: Receiver;
  let cases: OctaviaCase[] = [];

  beforeAll(async () => {
    cases = fc.sample(octaviaCases, { seed: SEED, numRuns: CASES });
    server = await startReceiver(({ target }, response) => {
      response.end(cases[Number(/pools\/(\d+)\//.exec(target)?.[1])]!.body);
    });
  });
  afterAll(() => server.close());

  test(`in ${CASES} bodies`, async () => {
    const url = (): Promise<string> => Promise.resolve(server.url);
    const client = createOctaviaClient({ url, tokens: undefined, ca: undefined, timeoutMs: 60_000 });
    const problems = await disagreementsOf(cases, async (one, index) => {
      const gate = createBackendGate({ concurrency: 2, observer, probe: () => Promise.resolve() });
      const datasource = createOctaviaDatasource({ client, gate, creationTimeS: CREATION_TIME_S });
      const rule: AlarmRule = {
        type: 'loadbalancer_member_health',
        pool_id: String(index),
        stack_id: 's',
        autoscaling_group_id: 'a',
        scope_to_project: null,
      };
      const found = await verdictOf(datasource, rule);
      return found === healthIn(one)
        ? undefined
        : `${found} instead of ${healthIn(one)}: ${one.body.toString().slice(0, 2_000)}`;
    });
    client.close();
    expect({ seed: SEED, problems }).toEqual({ seed: SEED, problems: [] });
    expect(rejections).toEqual([]);
  });
});

describe('an answer that does not end', () => {
  const PATIENCE_MS = 400;
  const beginnings = [
    '',
    '{"status":"success","data":{"resultType":"vector","result":[',
    '{"measures":{"aggregated":[',
  ];
  let server: Receiver;
  let beginning = '';
  let isFast = false;

  beforeAll(async () => {
    server = await startReceiver((_, response) => {
      response.write(beginning);
      const more = (): void => {
        if (!response.destroyed && response.write(isFast ? ' '.repeat(65_536) : ' ')) setTimeout(more, isFast ? 0 : 50);
      };
      if (isFast) response.on('drain', more);
      more();
    });
  });
  afterAll(() => server.close());

  test.each(beginnings.flatMap((start) => [true, false].map((fast) => ({ start, fast }))))(
    'is given up at the deadline, or when it is too large: $start, quickly: $fast',
    async ({ start, fast }) => {
      [beginning, isFast] = [start, fast];
      const given = { url: server.url, timeoutMs: PATIENCE_MS };
      const prometheus = createPrometheusClient({ ...given, auth: { kind: 'none' } });
      const gnocchi = createGnocchiClient({ ...given, auth: { kind: 'none' } });
      const verdicts = await Promise.all([
        verdictOf(
          createPrometheusDatasource({ client: prometheus, tenancy: { kind: 'none' }, observer }),
          ON_PROMETHEUS,
        ),
        verdictOf(
          createGnocchiDatasource({
            client: gnocchi,
            observer,
            clock: createSystemClock(),
            creator: () => Promise.resolve('admin'),
            externalOwner: () => Promise.resolve(null),
          }),
          ON_GNOCCHI,
        ),
      ]);
      for (const each of [prometheus, gnocchi]) each.close();
      // An answer that is too large is a refusal of this query; a slow one is not.
      for (const verdict of verdicts) expect(fast ? ['outage', 'insufficient data'] : ['outage']).toContain(verdict);
      expect(rejections).toEqual([]);
    },
  );
});

const CONDITION = { comparison_operator: 'gt', threshold: 1 } as const;
const ON_PROMETHEUS: AlarmRule = { type: 'prometheus', ...CONDITION, query: 'up', scope_to_project: null };
const ON_GNOCCHI: AlarmRule = {
  type: 'gnocchi_aggregation_by_resources_threshold',
  ...CONDITION,
  metric: 'cpu',
  query: '{"=":{"server_group":"g"}}',
  resource_type: 'instance',
  aggregation_method: 'mean',
  evaluation_periods: 1,
  granularity: 60,
};
