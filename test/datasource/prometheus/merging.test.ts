import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  askAbout,
  keyOf,
  NOON,
  prometheusAt,
  refusal,
  startPrometheusDouble,
  success,
  valuesOf,
  vector,
  type Observed,
  type PrometheusDouble,
  type PrometheusReply,
  type Queries,
} from '../../support/prometheus-double.js';
import { PATIENCE_MS } from '../../support/patience.js';

let double: PrometheusDouble;
let prometheus: Observed;

beforeEach(async () => {
  double = await startPrometheusDouble();
  prometheus = prometheusAt(double.url);
});
afterEach(async () => {
  prometheus.datasource.close?.();
  await double.close();
});

const cpuOf = (instance: string | number): string => `cpu{instance="${instance}"}`;
const cpus = (count: number): string[] => Array.from({ length: count }, (_, index) => cpuOf(index));

/** The values of the label that a query names. */
function named(query: string, label = 'instance'): string[] {
  return (new RegExp(`${label}=~?"([^"]*)"`).exec(query)?.[1] ?? '').split('|');
}

/**
 * Answers with one series for each instance named, whose value is the instance's name, unless `bad` gives another
 * answer.
 */
function answering(bad: (instances: string[]) => PrometheusReply | undefined = () => undefined): PrometheusReply {
  return (request, response) => {
    const instances = named(request.form['query'] ?? '');
    const reply =
      bad(instances) ??
      vector(...instances.map((instance): [Record<string, string>, string] => [{ instance }, instance]));
    return typeof reply === 'function' ? reply(request, response) : reply;
  };
}

describe('one of many merged queries that takes Prometheus too long', () => {
  test(
    'is an outage for fewer and fewer others, a request at a ' + 'time, and does not count against Prometheus',
    async () => {
      double.reply = answering((instances) =>
        instances.includes('3') ? refusal(503, 'timeout', 'query timed out') : undefined,
      );
      const inOutage: number[] = [];
      for (let round = 0; round < 6; round += 1) {
        const before = double.asked.length;
        const answers = Object.values(await askAbout(prometheus, cpus(16)));
        inOutage.push(answers.filter(({ kind }) => kind === 'outage').length);
        expect(double.asked.length - before).toBe(Math.min(round, 4) + 1);
      }
      expect(inOutage).toEqual([16, 8, 4, 2, 1, 1]);
      const slow = (await askAbout(prometheus, [cpuOf(3)]))[cpuOf(3)];
      expect(slow).toEqual({ kind: 'outage', reason: 'the query took it too long' });
      expect(new Set(prometheus.outcomes)).toEqual(new Set(['ok']));
    },
  );
});

test('causes no growing number of requests if all of them take too long', async () => {
  double.reply = refusal(503, 'timeout', 'query timed out');
  const some = ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [0, 1, 2, 3].map((n) => `${name}{instance="${n}"}`));
  await askAbout(prometheus, some);
  const first = double.asked.length;
  await askAbout(prometheus, some);
  expect([first, double.asked.length - first]).toEqual([5, 7]);
});

describe('queries that differ in one value of a label', () => {
  test('are sent in one request, and each gets its own series', async () => {
    double.reply = vector(
      [{ instance: '2' }, '20'],
      [{ instance: '1', job: 'a' }, '10'],
      [{ instance: '1', job: 'b' }, '11'],
    );
    const answers = await askAbout(prometheus, cpus(4));
    expect(double.asked).toHaveLength(1);
    expect(double.asked[0]).toMatchObject({
      method: 'POST',
      target: '/api/v1/query',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      form: { time: '1767268800.250', timeout: `${0.8 * PATIENCE_MS}ms` },
    });
    expect(named(double.asked[0]!.form['query']!)).toEqual(['0', '1', '2', '3']);
    expect(cpus(4).map((query) => valuesOf(answers[query]))).toEqual([[], [[10], [11]], [[20]], []]);
    expect(answers[cpuOf(2)]).toEqual({
      kind: 'series',
      series: [[{ at: NOON.getTime(), values: { value: 20 } }]],
      labels: [{ instance: '2' }],
    });
  });

  test('are sent a thousand at a time', async () => {
    double.reply = answering();
    const all = prometheusAt(double.url, { selectAll: null });
    const answers = await askAbout(all, cpus(2_500));
    all.datasource.close?.();
    expect(double.asked.map(({ form }) => named(form['query']!).length).sort()).toHaveLength(3);
    expect(Math.max(...double.asked.map(({ form }) => named(form['query']!).length))).toBeLessThanOrEqual(1_000);
    expect(cpus(2_500).map((query) => valuesOf(answers[query]))).toEqual(cpus(2_500).map((_, index) => [[index]]));
  });

  test('are sent in smaller portions if their values are long', async () => {
    const long = Array.from({ length: 100 }, (_, index) => `${'x'.repeat(3_000)}${index}`);
    double.reply = answering((instances) =>
      vector(...instances.map((instance): [Record<string, string>, string] => [{ instance }, '1'])),
    );
    const answers = await askAbout(prometheus, long.map(cpuOf));
    expect(Object.values(answers).map(valuesOf)).toEqual(long.map(() => [[1]]));
    expect(double.asked.length).toBeGreaterThan(1);
    expect(double.asked.every(({ body }) => body.length < 150_000)).toBe(true);
  });

  test('are sent once if several alarms have the same query', async () => {
    double.reply = answering();
    const same = { promql: cpuOf(1), project: null };
    const request = {
      granularityS: 0,
      periods: 1,
      lagS: 0,
      queries: ['x', 'y'].map((key) => ({ key, query: same })),
    };
    const answers = await prometheus.datasource.answers(request, { now: NOON, signal: new AbortController().signal });
    expect([...answers].map(([key, answer]) => [key, valuesOf(answer)])).toEqual([
      ['x', [[1]]],
      ['y', [[1]]],
    ]);
    expect(double.asked).toHaveLength(1);
  });

  test('and in their spelling get their own series too', async () => {
    double.reply = answering();
    const queries = ['cpu{instance="1"}', "cpu{instance='1'}", 'cpu{ instance="1" }', cpuOf(2)];
    const answers = await askAbout(prometheus, queries);
    expect(double.asked).toHaveLength(1);
    expect(queries.map((query) => valuesOf(answers[query]))).toEqual([[[1]], [[1]], [[1]], [[2]]]);
  });

  test('are sent for a range that ends at the end of the window', async () => {
    double.reply = success('matrix', [
      {
        metric: { instance: '1' },
        values: [
          [NOON.getTime() / 1000 - 90, '1'],
          [NOON.getTime() / 1000 - 60, '2'],
        ],
      },
    ]);
    const answers = await askAbout(prometheus, cpus(2), { granularityS: 30, periods: 2, lagS: 60 });
    expect(double.asked[0]).toMatchObject({
      target: '/api/v1/query_range',
      form: { start: '1767268710.250', end: '1767268740.250', step: '30' },
    });
    expect(answers[cpuOf(1)]).toEqual({
      kind: 'series',
      series: [
        [-90_000, -60_000].map((offset, index) => ({ at: NOON.getTime() + offset, values: { value: index + 1 } })),
      ],
      labels: [{ instance: '1' }],
    });
    expect(valuesOf(answers[cpuOf(0)])).toEqual([]);
  });
});

describe('a merged request that is refused', () => {
  const refused = {
    kind: 'refused',
    reason: 'alarm statistics retrieval failed: execution: many-to-many (HTTP 422)',
  };

  test.each<[string, readonly number[]]>([
    ['the first', [0]],
    ['the last', [63]],
    ['two neighbours', [7, 8]],
    ['several', [3, 31, 60]],
    ['all', [...Array(64).keys()]],
  ])('because of %s harms no other', async (_, bad) => {
    double.reply = answering((instances) =>
      instances.some((instance) => bad.includes(Number(instance)))
        ? refusal(422, 'execution', 'many-to-many')
        : undefined,
    );
    const answers = await askAbout(prometheus, cpus(64));
    cpus(64).forEach((query, index) =>
      expect(valuesOf(answers[query])).toEqual(bad.includes(index) ? refused : [[index]]),
    );
    expect(new Set(prometheus.outcomes)).toEqual(new Set(['ok']));
  });

  test('is sent in the pieces that were answered in the next calls', async () => {
    double.reply = answering((instances) => (instances.includes('5') ? refusal(400, 'bad_data', 'no') : undefined));
    await askAbout(prometheus, cpus(64));
    const first = double.asked.length;
    const answers = await askAbout(prometheus, cpus(64));
    expect(double.asked.length - first).toBeLessThan(first);
    expect(double.asked.slice(first).filter(({ form }) => named(form['query']!).includes('5'))).toHaveLength(1);
    expect(valuesOf(answers[cpuOf(6)])).toEqual([[6]]);
    expect(answers[cpuOf(5)]).toEqual({
      kind: 'refused',
      reason: 'alarm statistics retrieval failed: bad_data: no (HTTP 400)',
    });
  });

  test('only because it is too large is divided, and no query is refused', async () => {
    double.reply = answering((instances) =>
      instances.length > 10 ? refusal(422, '422', 'too long query') : undefined,
    );
    const answers = await askAbout(prometheus, cpus(100));
    expect(cpus(100).map((query) => valuesOf(answers[query]))).toEqual(cpus(100).map((_, index) => [[index]]));
    const first = double.asked.length;
    await askAbout(prometheus, cpus(100));
    expect(double.asked.slice(first).every(({ form }) => named(form['query']!).length <= 10)).toBe(true);
  });

  test.each<[string, PrometheusReply, string]>([
    ['500', refusal(500, 'internal', 'disk at 10.0.0.7 is gone'), 'it answered with status 500'],
    ['422 that may pass', refusal(422, 'canceled', 'x'), 'it answered with status 422 (canceled)'],
    ['400 of no Prometheus', [400, '<html>Bad Request</html>'], 'it answered with status 400'],
    ['401', [401, 'Unauthorized'], 'it answered with status 401'],
    ['403', [403, ''], 'it answered with status 403'],
    ['429', [429, ''], 'it answered with status 429'],
  ])('with %s is an outage for all, and not divided', async (_, reply, reason) => {
    double.reply = reply;
    const answers = await askAbout(prometheus, cpus(20));
    expect(Object.values(answers)).toEqual(cpus(20).map(() => ({ kind: 'outage', reason })));
    expect(double.asked).toHaveLength(1);
    expect(prometheus.outcomes).toEqual([reason]);
  });

  test('because its storage is unavailable is an outage, within a limited number of requests', async () => {
    double.reply = refusal(422, 'execution', 'expanding series: dial tcp 10.0.0.7:9090: refused');
    const answers = await askAbout(prometheus, cpus(1_000));
    expect(new Set(Object.values(answers).map((answer) => JSON.stringify(answer)))).toEqual(
      new Set([JSON.stringify({ kind: 'outage', reason: 'it answered with status 422 (execution)' })]),
    );
    expect(double.asked.length).toBeLessThan(150);
  });
});

describe('a merged answer', () => {
  test('with series that belong to no member is not used', async () => {
    double.reply = answering((instances) =>
      instances.length > 1
        ? vector([{ instance: '1' }, '1'], [{ job: 'x' }, '2'], [{ instance: '99' }, '3'])
        : undefined,
    );
    const answers = await askAbout(prometheus, cpus(4));
    expect(cpus(4).map((query) => valuesOf(answers[query]))).toEqual([[[0]], [[1]], [[2]], [[3]]]);
  });

  test('that is too large is divided, and only the member with the large answer is refused', async () => {
    const large = (count: number): [Record<string, string>, string][] =>
      Array.from({ length: count }, (_, index) => [{ instance: '3', filling: `${index}${'x'.repeat(1_000)}` }, '1']);
    double.reply = answering((instances) => (instances.includes('3') ? vector(...large(9_000)) : undefined));
    const answers = await askAbout(prometheus, cpus(16));
    expect(cpus(16).map((query) => valuesOf(answers[query]))).toEqual(
      cpus(16).map((_, index) =>
        index === 3
          ? { kind: 'refused', reason: 'alarm statistics retrieval failed: the answer is larger than 8388608 bytes' }
          : [[index]],
      ),
    );
  });

  test('of more than 100,000 points for one member refuses that one', async () => {
    const at = NOON.getTime() / 1000;
    double.reply = success('vector', [
      ...Array.from({ length: 100_001 }, () => ({ metric: { instance: '1' }, value: [at, '1'] })),
      { metric: { instance: '2' }, value: [at, '2'] },
    ]);
    const answers = await askAbout(prometheus, cpus(3));
    expect(answers[cpuOf(1)]).toEqual({
      kind: 'refused',
      reason: 'alarm statistics retrieval failed: the answer has more than 100000 points',
    });
    expect(valuesOf(answers[cpuOf(2)])).toEqual([[2]]);
  });
});

describe('projects', () => {
  const ofTwo: Queries = ['a', 'b'].flatMap((project) => cpus(2).map((promql) => ({ promql, project })));

  test('are kept apart by a label, which is part of every query', async () => {
    const answers = await askAbout(prometheus, [...ofTwo, cpuOf(0), { promql: 'nonsense here', project: 'a' }]);
    const queries = double.asked.map(({ form }) => form['query']!);
    expect(queries.filter((query) => /project=~?"/.test(query)).length).toBe(queries.length - 1);
    expect(answers['a: nonsense here']).toMatchObject({ kind: 'refused', reason: expect.any(String) });
    expect(queries.some((query) => query.includes('nonsense'))).toBe(false);
  });

  test('are kept apart by a header, and their queries are never merged', async () => {
    prometheus = prometheusAt(double.url, {
      tenancy: { kind: 'header', header: 'X-Scope-OrgID', adminTenant: undefined },
    });
    double.reply = ({ form, headers }) =>
      vector(
        ...named(form['query']!).map((instance): [Record<string, string>, string] => [
          { instance },
          headers['x-scope-orgid'] === 'a' ? '1' : '2',
        ]),
      );
    const answers = await askAbout(prometheus, [...ofTwo, cpuOf(0)]);
    expect(double.asked.map(({ headers }) => headers['x-scope-orgid'] as string)).toEqual(
      expect.arrayContaining(['a', 'b', undefined]),
    );
    expect(double.asked).toHaveLength(3);
    expect(ofTwo.map((query) => valuesOf(answers[keyOf(query)]))).toEqual([[[1]], [[1]], [[2]], [[2]]]);
  });

  test("are apart from admins, who may have a tenant's name of their own", async () => {
    prometheus = prometheusAt(double.url, { tenancy: { kind: 'header', header: 'X-Scope-OrgID', adminTenant: 'all' } });
    await askAbout(prometheus, [cpuOf(0)]);
    expect(double.asked[0]?.headers['x-scope-orgid']).toBe('all');
  });

  test.each(['a|b', 'a,b', 'a b', 'a\r\nX-Scope-OrgID: b', 'ä', ''])(
    'whose id is %j cannot be tenants',
    async (project) => {
      prometheus = prometheusAt(double.url, {
        tenancy: { kind: 'header', header: 'X-Scope-OrgID', adminTenant: undefined },
      });
      const answers = await askAbout(prometheus, [{ promql: 'up', project }]);
      expect(Object.values(answers)).toMatchObject([{ kind: 'refused' }]);
      expect(double.asked).toHaveLength(0);
    },
  );

  test('cannot query if nothing keeps them apart; admins can', async () => {
    prometheus = prometheusAt(double.url, { tenancy: { kind: 'none' } });
    const answers = await askAbout(prometheus, [{ promql: 'up', project: 'a' }, 'up']);
    expect(answers['a: up']).toEqual({
      kind: 'refused',
      reason: 'prometheus.tenancy is none: only admins may use prometheus alarms',
    });
    expect(answers['up']).toEqual({ kind: 'series', series: [], labels: [] });
    expect(double.asked).toHaveLength(1);
  });
});
