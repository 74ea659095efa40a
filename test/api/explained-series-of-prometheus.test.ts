import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { LocalServer } from '../../dev/servers/redis.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { startPrometheus, type StoredSeries } from '../support/prometheus.js';
import { prometheusAt, type Observed } from '../support/prometheus-double.js';
import { describeWith } from '../support/servers.js';

interface Explained {
  at: string;
  summary: string;
  evaluation: { verdict: string; would_be_state: string };
  questions: {
    requests: string[];
    series: {
      series: number;
      labels: Record<string, string>;
      verdict: string | null;
      compared: number;
      outside: number;
    }[];
    series_not_shown: number;
    datapoints: { timestamp: string; value: number; series?: number; used: boolean; outside?: boolean }[];
  }[];
}

const NOON = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;

/** A value a minute until noon, the last of them first. */
function stored(labels: Record<string, string>, ...latest: number[]): StoredSeries {
  const points = latest.map((value, ago): [number, number] => [NOON - ago * MINUTE, value]);
  return { metric: 'cpu', labels, points };
}

const SERIES: StoredSeries[] = [
  stored({ project: 'p1', host: 'db-1', job: 'node' }, 40, 41, 42, 43),
  stored({ project: 'p1', host: 'web "1"\\', job: 'node' }, 93, 95, 30, 31),
  stored({ project: 'p1', host: 'web-2', job: 'node' }, 30, 31, 97, 98),
  stored({ project: 'p2', host: 'foreign', job: 'node' }, 99, 99, 99, 99),
];
const RULE = { query: 'cpu', comparison_operator: 'gt', threshold: 80, granularity: 60, evaluation_periods: 2 };

describeWith(['prometheus'], 'explanations of what a real Prometheus answers', () => {
  let server: LocalServer;
  let observed: Observed;
  let db: Database;
  let api: TestApi;

  beforeAll(async () => {
    server = await startPrometheus({ series: SERIES, lookback: '59s' });
    observed = prometheusAt(server.url);
    db = await anyDatabase();
    api = await startApi(db, { remote: { prometheus: new Map([[null, observed.datasource]]) } });
  });
  afterAll(async () => {
    await api.close();
    await db.close();
    observed.datasource.close?.();
    await server.stop();
  });

  async function explained(fields: object, { as = MEMBER, search = '' } = {}): Promise<Explained> {
    const id = await api.create({ name: 'cpu', type: 'prometheus', prometheus_rule: { ...RULE, ...fields } }, as);
    return explainedAs(id, as, search);
  }

  async function explainedAs(id: string, as: Caller, search = ''): Promise<Explained> {
    const answer = await api.ask('GET', `/v2/alarms/${id}/explain${search}`, { as });
    if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    expect(answer.text).not.toContain(new URL(server.url).host);
    return answer.json<Explained>();
  }

  /** By the names of hosts. */
  const verdicts = ({ questions: [question] }: Explained): Record<string, string | null> =>
    Object.fromEntries(
      question!.series.map(({ labels, verdict }): [string, string | null] => [labels['host']!, verdict]),
    );

  test(
    "tell each series' labels, those of the alarm's project " + 'alone, with the datapoints that are its own',
    async () => {
      const answer = await explained({});
      const [question] = answer.questions;
      expect(verdicts(answer)).toEqual({ 'db-1': 'ok', 'web "1"\\': 'alarm', 'web-2': 'ok' });
      for (const { series, labels, outside } of question!.series) {
        const given = SERIES.find((one) => one.labels?.['host'] === labels['host'])!;
        expect(labels).toEqual({ __name__: 'cpu', ...given.labels });
        const values = question!.datapoints
          .filter((point) => point.series === series && point.used)
          .map(({ value }) => value);
        expect(values).toEqual([given.points[1]![1], given.points[0]![1]]);
        expect(outside).toBe(values.filter((value) => value > 80).length);
      }
      expect(answer.summary).toContain('of its 3 series only {host="web \\"1\\"\\\\"} is in alarm, at 93.0');
      expect(verdicts(await explained({}, { as: STRANGER }))).toEqual({ foreign: 'alarm' });
      expect(Object.keys(verdicts(await explained({}, { as: ADMIN })))).toHaveLength(4);
    },
  );

  test('tell of a moment of the past which series it was then', async () => {
    const answer = await explained({}, { search: `?at=${new Date(NOON - 2 * MINUTE).toISOString()}` });
    expect(answer.at).toBe('2026-01-01T11:58:00');
    expect(verdicts(answer)).toEqual({ 'db-1': 'ok', 'web "1"\\': 'ok', 'web-2': 'alarm' });
    expect(answer.summary).toContain('of its 3 series only {host="web-2"} is in alarm, at 97.0');
  });

  test.each([
    ['of one moment', { granularity: undefined, evaluation_periods: undefined }],
    ['over a range', {}],
  ])('tell labels as the query makes them: %s', async (_, form) => {
    const labelsOf = async (query: string) =>
      (await explained({ ...form, query })).questions[0]!.series.map(({ labels }) => labels);
    expect(await labelsOf('max(cpu)')).toEqual([{}]);
    expect(await labelsOf('max by (job) (cpu)')).toEqual([{ job: 'node' }]);
    expect(await labelsOf('cpu{host="db-1"} * 2')).toEqual([{ project: 'p1', host: 'db-1', job: 'node' }]);
    expect(await labelsOf('cpu{host="none"}')).toEqual([]);
  });

  test('show the series of each rule of a composite alarm, with merged requests and without', async () => {
    const rule = (query: string) => ({ ...RULE, type: 'prometheus', query });
    const composite_rule = { or: [rule('cpu{host="db-1"}'), rule('cpu{host="web-2"}'), rule('cpu')] };
    const id = await api.create({ name: 'any', type: 'composite', composite_rule }, MEMBER);
    const { questions, summary } = await explainedAs(id, MEMBER);
    expect(questions.map(({ series }) => series.map(({ labels }) => labels['host']).sort())).toEqual([
      ['db-1'],
      ['web-2'],
      ['db-1', 'web "1"\\', 'web-2'],
    ]);
    expect(summary).toMatch(
      /rule3 says trending (ok|alarm) \(of its 3 series only \{host="web \\"1\\"\\\\"\} is in alarm, at 93\.0\)/,
    );
  });
});
