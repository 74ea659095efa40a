import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import type { BackendAnswer } from '../../../src/alarm/series.js';
import { alarmTypes, evaluatedTypeOf } from '../../../src/alarm/types/index.js';
import { createSystemClock } from '../../../src/clock.js';
import type { LocalServer } from '../../../dev/servers/redis.js';
import { eventually } from '../../support/eventually.js';
import { startPrometheus, type StoredSeries } from '../../support/prometheus.js';
import {
  askAbout,
  keyOf,
  NOON,
  prometheusAt,
  valuesOf,
  type Observed,
  type Queries,
} from '../../support/prometheus-double.js';
import { startReceiver } from '../../support/receiver-server.js';
import { describeWith } from '../../support/servers.js';

const MINUTE = 60_000;
const MINUTES = [5, 4, 3, 2, 1, 0];
const PROJECTS = ['p1', 'p2'];
const INSTANCES = ['i0', 'i1', 'i2', 'i3', 'dotted.name:9100', 'a|b', 'quoted"\\', ' ', 'ü(x)', '.*'];

/** A value a minute until noon; the values of each instance of each project in each mode differ from all others. */
const STORED: StoredSeries[] = PROJECTS.flatMap((project, p) =>
  INSTANCES.flatMap((instance, i) =>
    ['user', 'system'].map((mode, m): StoredSeries => ({
      metric: 'cpu',
      labels: { project, instance, mode },
      points: MINUTES.map((ago): [number, number] => [
        NOON.getTime() - ago * MINUTE,
        1000 * p + 100 * m + 10 * i + ago,
      ]),
    })),
  ),
);
const ODD: StoredSeries[] = [
  { metric: 'odd', labels: { instance: 'nan' }, points: [[NOON.getTime(), NaN]] },
  { metric: 'odd', labels: { instance: 'inf' }, points: [[NOON.getTime(), Infinity]] },
  {
    metric: 'odd',
    labels: { instance: 'some' },
    points: MINUTES.map((ago): [number, number] => [NOON.getTime() - ago * MINUTE, ago % 2 ? NaN : ago]),
  },
  { metric: 'capacity', labels: { project: 'p1', instance: 'i0' }, points: [[NOON.getTime(), 4]] },
  { metric: 'capacity', labels: { project: 'p1', instance: 'i1' }, points: [[NOON.getTime(), 8]] },
  { metric: 'capacity', labels: { project: 'p1', instance: 'i2', zone: 'a' }, points: [[NOON.getTime(), 1]] },
  { metric: 'capacity', labels: { project: 'p1', instance: 'i2', zone: 'b' }, points: [[NOON.getTime(), 2]] },
];

function text(value: string): string {
  return JSON.stringify(value);
}

describeWith(['prometheus'], 'a real Prometheus', () => {
  let server: LocalServer;
  let prometheus: Observed;

  beforeAll(async () => {
    server = await startPrometheus({ series: [...STORED, ...ODD], lookback: '59s' });
    prometheus = prometheusAt(server.url);
  });
  afterAll(async () => {
    prometheus.datasource.close?.();
    await server.stop();
  });

  async function alone(
    queries: Queries,
    request: Parameters<typeof askAbout>[2],
  ): Promise<Record<string, BackendAnswer>> {
    const answers: Record<string, BackendAnswer> = {};
    for (const query of queries) Object.assign(answers, await askAbout(prometheus, [query], request));
    return answers;
  }

  const shapes: [string, (instance: string) => string][] = [
    ['a selector', (instance) => `cpu{instance=${instance},mode="user"}`],
    ['several series', (instance) => `cpu{instance=${instance}}`],
    ['a function', (instance) => `abs(cpu{instance=${instance},mode="user"} - 1005)`],
    ['a range', (instance) => `rate(cpu{instance=${instance}}[3m])`],
    ['a sum', (instance) => `sum(cpu{instance=${instance}})`],
    ['an average by another label', (instance) => `avg by (mode) (cpu{instance=${instance}})`],
    ['a maximum without a label', (instance) => `max without (project) (cpu{instance=${instance}})`],
    ['a comparison', (instance) => `cpu{instance=${instance}} > 1050`],
    ['a comparison that gives 0 or 1', (instance) => `cpu{instance=${instance}} >bool 1050`],
    [
      'two selectors',
      (instance) => `cpu{instance=${instance},mode="user"} - ignoring(mode) cpu{instance=${instance},mode="system"}`,
    ],
    [
      'two selectors, with all series of one',
      (instance) => `cpu{instance=${instance}} / on(instance, project) group_left() capacity{instance=${instance}}`,
    ],
    [
      'two selectors, of which only one is narrowed',
      (instance) => `cpu{mode="user",project="p1"} / on(instance) capacity{instance=${instance}}`,
    ],
    ['alternatives', (instance) => `cpu{instance=${instance},mode="user"} or capacity{instance=${instance}}`],
    ['an absence', (instance) => `absent(cpu{instance=${instance},mode="idle"})`],
    ['the greatest', (instance) => `topk(1, cpu{instance=${instance}})`],
    ['a scalar', (instance) => `scalar(cpu{instance=${instance},mode="user",project="p1"})`],
    ['a vector of a scalar', (instance) => `vector(scalar(cpu{instance=${instance},mode="user",project="p1"}))`],
    [
      'a label made of another',
      (instance) => `label_replace(cpu{instance=${instance}}, "instance", "i1", "mode", "user")`,
    ],
    ['a count of values', (instance) => `count_values("instance", cpu{instance=${instance}})`],
    ['a subquery', (instance) => `max_over_time(cpu{instance=${instance}}[3m:1m])`],
    ['an offset', (instance) => `cpu{instance=${instance}} offset 1m`],
    ['a sorted answer', (instance) => `sort_desc(cpu{instance=${instance}})`],
    ['a quantile', (instance) => `quantile(0.5, cpu{instance=${instance}})`],
  ];

  describe('answers merged queries as it answers each alone', () => {
    test.each(shapes)('%s', async (_, shape) => {
      const queries = [...INSTANCES, 'nobody'].map((instance) => shape(text(instance)));
      for (const request of [{}, { granularityS: 60, periods: 4 }]) {
        const merged = await askAbout(prometheus, queries, request);
        expect(merged).toEqual(await alone(queries, request));
      }
    });

    test.each(shapes)('%s of projects', async (_, shape) => {
      const queries = PROJECTS.flatMap((project) =>
        INSTANCES.map((instance) => ({ promql: shape(text(instance)), project })),
      );
      const merged = await askAbout(prometheus, queries);
      expect(merged).toEqual(await alone(queries, {}));
    });
  });

  test('receives one request for many plain queries', async () => {
    prometheus.outcomes.splice(0);
    const answers = await askAbout(
      prometheus,
      INSTANCES.map((instance) => `cpu{instance=${text(instance)},mode="user",project="p2"}`),
    );
    expect(Object.values(answers).map(valuesOf)).toEqual(INSTANCES.map((_, i) => [[1000 + 10 * i]]));
    expect(prometheus.outcomes).toEqual(['ok']);
  });

  test('gives a range as it was, oldest first', async () => {
    const answers = await askAbout(prometheus, ['cpu{instance="i3",mode="user",project="p1"}'], {
      granularityS: 60,
      periods: 3,
      lagS: 60,
    });
    expect(Object.values(answers)).toEqual([
      {
        kind: 'series',
        series: [[3, 2, 1].map((ago) => ({ at: NOON.getTime() - ago * MINUTE, values: { value: 30 + ago } }))],
        labels: [{ __name__: 'cpu', instance: 'i3', mode: 'user', project: 'p1' }],
      },
    ]);
  });

  test('gives NaN as a datapoint without a value, and infinity as a value', async () => {
    expect(Object.values(await askAbout(prometheus, ['odd'])).map(valuesOf)).toEqual([[[Infinity], [undefined], [0]]]);
    const range = await askAbout(prometheus, ['odd'], { granularityS: 60, periods: 6 });
    const [inf, nan, some] = [[Infinity], [undefined], [undefined, 4, undefined, 2, undefined, 0]];
    expect(Object.values(range).map(valuesOf)).toEqual([[inf, nan, some]]);
    const divided = ['capacity{zone="a"} / 0 > 0', '-capacity{zone="a"} / 0', '0 * capacity{zone="a"} / 0'];
    expect(Object.values(await askAbout(prometheus, divided)).map(valuesOf)).toEqual([
      [[Infinity]],
      [[-Infinity]],
      [[undefined]],
    ]);
  });

  test.each([
    ['query', { time: '1767268800' }],
    ['query_range', { start: '1767268740', end: '1767268800', step: '60' }],
  ])('ignores the parameters of other servers: %s', async (path, times) => {
    const answer = async (more: Record<string, string>): Promise<unknown> => {
      const body = new URLSearchParams({ query: 'sort(cpu)', ...times, ...more });
      const response = await fetch(`${server.url}/api/v1/${path}`, { method: 'POST', body });
      return { status: response.status, body: await response.json() };
    };
    const plain = await answer({});
    expect(plain).toMatchObject({ status: 200, body: { status: 'success' } });
    expect(await answer({ partial_response: 'false', deny_partial_response: '1' })).toEqual(plain);
  });

  test('never shows one project the data of another', async () => {
    const attempts = [
      'cpu',
      'cpu{project="p2"}',
      'cpu{project=~".*"}',
      'cpu or cpu{project="p2"}',
      '{__name__="cpu"}',
      'sum by (project) (cpu)',
      'label_replace(cpu, "project", "p2", "", "")',
      'max_over_time(cpu{project!="p1"}[5m:1m])',
      'cpu offset 1m unless cpu{project="p1"}',
    ];
    const mixed = attempts.flatMap((promql) => PROJECTS.map((project) => ({ promql, project })));
    const answers = await askAbout(prometheus, mixed);
    const owners = (key: string): unknown[] => {
      const answer = answers[key];
      if (answer?.kind !== 'series') return [answer];
      const ownerOf = (value: number): string => (value >= 1000 ? 'p2' : 'p1');
      return [...new Set(answer.series.flat().map(({ values }) => ownerOf(values['value']!)))];
    };
    for (const query of mixed.filter(({ promql }) => !promql.startsWith('sum'))) {
      expect([query, owners(keyOf(query)).filter((owner) => owner !== query.project)]).toEqual([query, []]);
    }
    const sumOf = (p: number): number =>
      INSTANCES.flatMap((_, i) => [0, 1].map((m) => 1000 * p + 100 * m + 10 * i)).reduce((a, b) => a + b);
    expect(['p1', 'p2'].map((project) => valuesOf(answers[`${project}: sum by (project) (cpu)`]))).toEqual([
      [[sumOf(0)]],
      [[sumOf(1)]],
    ]);
    expect(valuesOf(answers['p1: cpu{project="p2"}'])).toEqual([]);
  });

  /** Of two series, in any order. */
  const LABELS = '\\{(?:[a-z_]+="[^"]*"(?:, )?)+\\}';
  const manyToMany = (match: string): RegExp =>
    new RegExp(
      `^alarm statistics retrieval failed: execution: found duplicate series for ` +
        `the match group \\{instance="${match}"\\} ` +
        `on the right hand-side of the operation: \\[${LABELS}, ${LABELS}\\];` +
        'many-to-many matching not allowed: matching labels must be unique on one side \\(HTTP 422\\)$',
    );

  describe('refuses', () => {
    const refused = (reason: string): BackendAnswer => ({
      kind: 'refused',
      reason: `alarm statistics retrieval failed: ${reason}`,
    });

    test.each([
      [
        'what is no PromQL',
        'cpu{',
        'bad_data: invalid parameter "query": 1:5: parse error: unexpected end of input inside braces (HTTP 400)',
      ],
      ['what is no vector', '5', 'the query gives a scalar, not a vector'],
      ['a range of vectors', 'cpu[5m]', 'the query gives a matrix, not a vector'],
      ['a text', '"cpu"', 'the query gives a string, not a vector'],
      [
        'an unknown function',
        'foo(cpu)',
        'bad_data: invalid parameter "query": 1:1: parse error: unknown function with name "foo" (HTTP 400)',
      ],
    ])('%s, and answers its neighbours', async (_, query, reason) => {
      const neighbours = ['i0', 'i1'].map((instance) => `cpu{instance="${instance}",mode="user",project="p1"}`);
      const answers = await askAbout(prometheus, [query, ...neighbours]);
      expect(answers[query]).toEqual({ ...refused(reason), isFaultOfQuery: true });
      expect(neighbours.map((neighbour) => valuesOf(answers[neighbour]))).toEqual([[[0]], [[10]]]);
    });

    test(
      'a query with a matching error, quoted for an author who may ' +
        'query all data, and without labels for a project',
      async () => {
        const promql = 'cpu * on (instance) cpu';
        const answers = await askAbout(prometheus, [promql, { promql, project: 'p1' }]);
        expect(answers[promql]).toMatchObject({ kind: 'refused', reason: expect.stringMatching(manyToMany('.*')) });
        expect(answers[`p1: ${promql}`]).toEqual(
          refused(
            'execution: found duplicate series on the right hand-side of the operation; ' +
              'many-to-many matching not allowed: matching labels must be unique on one side (HTTP 422)',
          ),
        );
      },
    );

    test('one of many queries in one request, and answers the others', async () => {
      // Two series of one side match if there are two zones, and only then.
      const queries = INSTANCES.map(
        (instance) =>
          `cpu{instance=${text(instance)},mode="user",project="p1"} * on ` +
          `(instance) capacity{instance=${text(instance)}}`,
      );
      const answers = await askAbout(prometheus, queries);
      expect(queries.map((query) => valuesOf(answers[query]))).toEqual(
        INSTANCES.map((_, i) =>
          i > 2
            ? []
            : i === 2
              ? { kind: 'refused', reason: expect.stringMatching(manyToMany('i2')) }
              : [[10 * i * (i === 0 ? 4 : 8)]],
        ),
      );
    });
  });

  test('gives what it scraped just now', async () => {
    const exporter = await startReceiver((_, response) => void response.end('answer 42\n'));
    const scraping = await startPrometheus({ targets: [new URL(exporter.url).host] });
    const fresh = prometheusAt(scraping.url);
    const scraped = async (): Promise<void> => {
      const { answer } = await askAbout(fresh, ['answer'], { now: createSystemClock().now() });
      expect(valuesOf(answer)).toEqual([[42]]);
    };
    try {
      // Prometheus looks for new targets every five seconds.
      await eventually(scraped);
    } finally {
      fresh.datasource.close?.();
      await scraping.stop();
      await exporter.close();
    }
  });

  describe('decides the state of alarms', () => {
    test.each<[string, Record<string, unknown>, string, string]>([
      [
        'one moment',
        { query: 'cpu{instance="i3",mode="user",project="p1"}', threshold: 29 },
        'alarm',
        'Transition to alarm due to 1 samples outside threshold, most recent: 30.0',
      ],
      [
        'one moment',
        { query: 'cpu{instance="i3",mode="user",project="p1"}', threshold: 30 },
        'ok',
        'Transition to ok due to 1 samples inside threshold, most recent: 30.0',
      ],
      ['one moment', { query: 'cpu{instance="nobody"}', threshold: 30 }, 'insufficient data', 'datapoints are unknown'],
      [
        'several series',
        { query: 'cpu{instance="i3",project="p1"}', threshold: 29 },
        'alarm',
        'Transition to alarm due to 2 samples outside threshold, most recent: 30.0',
      ],
      [
        'a range',
        { query: 'cpu{instance="i3",mode="user",project="p1"}', threshold: 29, evaluation_periods: 3 },
        'alarm',
        'Transition to alarm due to 3 samples outside threshold, most recent: 30.0',
      ],
      [
        'a range',
        { query: 'cpu{instance="i3",mode="user",project="p1"}', threshold: 32, evaluation_periods: 3 },
        'ok',
        'Transition to ok due to 3 samples inside threshold, most recent: 30.0',
      ],
      [
        'a range',
        { query: 'cpu{instance="i3",mode="user",project="p1"}', threshold: 32, evaluation_periods: 7 },
        'insufficient data',
        '7 datapoints are unknown',
      ],
      [
        'nonsense',
        { query: 'cpu{', threshold: 32 },
        'insufficient data',
        'alarm statistics retrieval failed: bad_data: invalid parameter "query": 1:5: ' +
          'parse error: unexpected end of input inside braces (HTTP 400)',
      ],
    ])('by %s: %j gives %s', async (_, rule, verdict, reason) => {
      const parsed = alarmTypes.prometheus.schema.parse({ comparison_operator: 'gt', ...rule });
      const type = evaluatedTypeOf(parsed);
      const [need] = type.seriesNeeded(parsed, NO_OPTIONS);
      if (need?.datasource !== 'prometheus') throw new Error('asks something else');
      const { key, query, granularityS, periods, lagS } = need;
      const context = { now: NOON, signal: new AbortController().signal };
      const answered = await prometheus.datasource.answers(
        { granularityS, periods, lagS, queries: [{ key, query }] },
        context,
      );
      const state = verdict === 'ok' ? 'alarm' : 'ok';
      const input = {
        answers: [answered.get(key)!],
        memberStates: new Map<string, string>(),
        state,
        options: NO_OPTIONS,
        now: NOON,
      } as const;
      const evaluation = type.evaluate(parsed, input);
      expect(evaluation.verdict).toBe(verdict);
      expect(type.explain(evaluation.findings as never, verdict as never, false)).toMatchObject({ reason });
    });
  });
});
