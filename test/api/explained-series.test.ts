import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, READER, startApi, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import {
  prometheusAt,
  startPrometheusDouble,
  success,
  type Observed,
  type PrometheusDouble,
} from '../support/prometheus-double.js';

/** Explanations of answers with several series: from the answer of the server to the JSON of the explanation. */

interface Explained {
  summary: string;
  evaluation: { verdict: string; reason: string };
  questions: {
    requests: string[];
    compared: number;
    outside: number;
    series: Series[] | null;
    series_not_shown: number;
    datapoints: Record<string, unknown>[];
    datapoints_not_shown: number;
  }[];
}

interface Series {
  series: number;
  labels: Record<string, string>;
  labels_not_shown?: number;
  verdict: string | null;
  compared: number;
  outside: number;
}

type Labels = Record<string, string>;

const NOON_S = Date.parse('2026-01-01T12:00:00Z') / 1000;

let db: Database;
let api: TestApi;
let double: PrometheusDouble;
let prometheus: Observed;

beforeAll(async () => {
  double = await startPrometheusDouble();
  prometheus = prometheusAt(double.url);
  db = await anyDatabase();
  api = await startApi(db, { remote: { prometheus: new Map([[null, prometheus.datasource]]) } });
});
beforeEach(() => {
  double.reply = success('vector', []);
});
afterAll(async () => {
  await api.close();
  await db.close();
  prometheus.datasource.close?.();
  await double.close();
});

const RULE = { query: 'cpu', comparison_operator: 'gt', threshold: 80 };
const RANGE = { granularity: 60, evaluation_periods: 2 };

async function explainedRule(fields: Record<string, unknown> = {}): Promise<Explained & { text: string }> {
  return explained({ name: 'cpu', type: 'prometheus', prometheus_rule: { ...RULE, ...fields } });
}

async function explained(body: unknown): Promise<Explained & { text: string }> {
  return explainedAlarm(await api.create(body, MEMBER));
}

async function explainedAlarm(id: string): Promise<Explained & { text: string }> {
  const answer = await api.ask('GET', `/v2/alarms/${id}/explain`, { as: READER });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return { ...answer.json<Explained>(), text: answer.text };
}

function momentary(...series: [labels: unknown, value: string][]): void {
  double.reply = success(
    'vector',
    series.map(([metric, value]) => ({ metric, value: [NOON_S, value] })),
  );
}

/** Values a minute apart, the last at noon. */
function ranges(...series: [labels: Labels, ...values: string[]][]): void {
  double.reply = success(
    'matrix',
    series.map(([metric, ...values]) => ({
      metric,
      values: values.map((value, index) => [NOON_S - 60 * (values.length - 1 - index), value]),
    })),
  );
}

const hosts = (count: number): Labels[] =>
  Array.from({ length: count }, (_, index) => ({ __name__: 'cpu', host: `h${index}` }));

describe('series of an answer', () => {
  test('are shown with their labels, in the order of the answer, with the results for their datapoints', async () => {
    const [a, b, c] = hosts(3) as [Labels, Labels, Labels];
    ranges([a, '10', '20'], [b, '85', '93'], [c, '91']);
    const { questions, evaluation } = await explainedRule(RANGE);
    expect(questions[0]).toMatchObject({
      series: [
        { series: 0, labels: a, verdict: 'ok', compared: 2, outside: 0 },
        { series: 1, labels: b, verdict: 'alarm', compared: 2, outside: 2 },
        { series: 2, labels: c, verdict: 'insufficient data', compared: 0, outside: 0 },
      ],
      series_not_shown: 0,
      compared: 4,
      outside: 2,
    });
    expect(
      questions[0]?.datapoints.map(({ series, value, used, comparison }) => [series, value, used, comparison]),
    ).toEqual([
      [0, 10, true, '10.0 > 80.0'],
      [0, 20, true, '20.0 > 80.0'],
      [1, 85, true, '85.0 > 80.0'],
      [1, 93, true, '93.0 > 80.0'],
      [2, 91, false, undefined],
    ]);
    expect(evaluation.verdict).toBe('trending alarm');
  });

  test('that is the only one has its labels too, and its datapoints need no number', async () => {
    momentary([{ host: 'a' }, '93']);
    const { questions } = await explainedRule();
    expect(questions[0]?.series).toEqual([
      { series: 0, labels: { host: 'a' }, verdict: 'alarm', compared: 1, outside: 1 },
    ]);
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T12:00:00', value: 93, used: true, comparison: '93.0 > 80.0', outside: true },
    ]);
  });

  test('without labels has none, and an answer without series has none', async () => {
    momentary([{}, '93']);
    expect((await explainedRule()).questions[0]?.series).toMatchObject([{ labels: {} }]);
    momentary();
    expect((await explainedRule()).questions[0]?.series).toEqual([]);
  });

  test('come last if none of their values was accepted', async () => {
    const at = (host: string, agoS: number, value: string) => ({ metric: { host }, value: [NOON_S - agoS, value] });
    double.reply = success('vector', [at('a', 3600, '90'), at('b', 0, '10'), at('c', 0, 'NaN'), at('d', 0, '20')]);
    const { questions, evaluation } = await explainedRule();
    expect(questions[0]?.series?.map(({ labels, verdict }) => [labels['host'], verdict])).toEqual([
      ['b', 'ok'],
      ['c', 'insufficient data'],
      ['d', 'ok'],
      ['a', null],
    ]);
    expect(questions[0]?.datapoints.map(({ series, value, why }) => [series, value, why])).toEqual([
      [0, 10, undefined],
      [1, 'NaN', 'not a number'],
      [2, 20, undefined],
      [3, 90, 'outside the window'],
    ]);
    expect(evaluation.verdict).toBe('ok');
  });

  test.each([
    ['+Inf', 'inf', 'alarm', 'Transition to alarm due to 1 samples outside threshold, most recent: inf'],
    ['-Inf', '-inf', 'ok', 'Transition to ok due to 1 samples inside threshold, most recent: -inf'],
  ])('may have the value %s, which is compared and shown as %s', async (sent, shown, verdict, reason) => {
    momentary([{ host: 'a' }, sent]);
    const { questions, evaluation, summary, text } = await explainedRule();
    const comparison = `${shown} > 80.0`;
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T12:00:00', value: shown, used: true, comparison, outside: verdict === 'alarm' },
    ]);
    expect(evaluation).toMatchObject({ verdict, reason });
    expect(summary).toContain(`the last datapoint, ${shown}, is ${verdict === 'alarm' ? '' : 'not '}above 80.0`);
    expect(text).not.toMatch(/Infinity|[^"]NaN/);
  });

  test('whose newest datapoint is not a number are explained so', async () => {
    momentary([{ host: 'a' }, 'NaN']);
    expect((await explainedRule()).summary).toContain('the last datapoint is not a number');
    ranges([{ host: 'a' }, 'NaN', 'NaN']);
    expect((await explainedRule(RANGE)).summary).toContain('none of the last 2 datapoints is a number');
  });

  test('tell of a dropped datapoint which of them it was in', async () => {
    ranges([{ host: 'a' }, '10', '20'], [{ host: 'b' }, 'NaN', '95']);
    const { questions } = await explainedRule(RANGE);
    expect(questions[0]?.series).toMatchObject([
      { verdict: 'ok' },
      { labels: { host: 'b' }, verdict: 'insufficient data' },
    ]);
    expect(questions[0]?.datapoints).toContainEqual(
      expect.objectContaining({ series: 1, value: 'NaN', why: 'not a number' }),
    );
  });

  test.each([
    ['null', null],
    ['a text', 'host=a'],
    ['values that are no texts', { host: 7, rack: null }],
  ])('whose labels are %s have none', async (_, labels) => {
    momentary([labels, '93']);
    const { questions, evaluation } = await explainedRule();
    expect(evaluation.verdict).toBe('alarm');
    expect(Object.values(questions[0]?.series?.[0]?.labels ?? {}).join('')).toMatch(/^(host=a)?$/);
  });

  test('are not shown without an answer with data', async () => {
    double.reply = [500, {}];
    expect((await explainedRule()).questions[0]?.series).toBeNull();
  });

  test('of a composite rule are shown for each part', async () => {
    double.reply = ({ form }) =>
      success(
        'vector',
        [10, 95].map((value, index) => ({
          metric: { disk: `${form['query']![0]}${index}` },
          value: [NOON_S, String(value)],
        })),
      );
    const rule = (query: string) => ({ ...RULE, type: 'prometheus', query });
    const composite_rule = { and: [rule('reads'), rule('writes')] };
    const { questions, summary } = await explained({ name: 'both', type: 'composite', composite_rule });
    expect(questions.map(({ series }) => series?.map(({ labels, verdict }) => [labels['disk'], verdict]))).toEqual([
      [['r0', 'ok'], ['r1', 'alarm']], // prettier-ignore
      [['w0', 'ok'], ['w1', 'alarm']], // prettier-ignore
    ]);
    expect(summary).toContain(
      'rule1 says trending alarm (of its 2 series only {disk="r1"} is in alarm, at 95.0), ' +
        'rule2 says trending alarm (of its 2 series only {disk="w1"} is in alarm, at 95.0)',
    );
  });
});

describe('the summary', () => {
  test.each<[string, string[], string]>([
    // Prettier-ignore
    [
      'names the only one in alarm',
      ['10', '93', '20'],
      '1 of the last 3 datapoints is above 80.0, the most recent is 20.0; the last series, ' +
        '{host="h2"}, decides while the state is unknown; of its 3 series only {host="h1"} is in alarm, at 93.0.',
    ],
    // Prettier-ignore
    ['names two', ['91', '20', '93'], 'of its 3 series 2 are in alarm: {host="h0"} at 91.0, {host="h2"} at 93.0.'],
    // Prettier-ignore
    [
      'names a few of many',
      ['91', '92', '10', '94', '95', '96'],
      '; of its 6 series 5 are in alarm: {host="h0"} at 91.0, {host="h1"} at 92.0, {host="h3"} at 94.0 and 2 more',
    ],
    // Prettier-ignore
    [
      'names none where all are',
      ['91', '92'],
      'all of the last 2 datapoints are above 80.0, the most recent is 92.0; all of its 2 series are in alarm.',
    ],
    // Prettier-ignore
    [
      'names none where none is',
      ['1', '2'],
      'Its evaluation gives ok: none of the last 2 datapoints is above 80.0, the most recent is 2.0.',
    ],
    ['needs no name for the only one', ['93'], 'Its evaluation gives alarm: the last datapoint, 93.0, is above 80.0.'],
  ])('%s', async (_, values, words) => {
    const labels = hosts(values.length);
    momentary(...values.map((value, index): [Labels, string] => [labels[index]!, value]));
    expect((await explainedRule()).summary).toContain(words);
  });

  test.each(['ok', 'alarm'])(
    'says while the state is %s that series which disagree do not change it, and which of them is in alarm',
    async (state) => {
      const [a, b] = hosts(2) as [Labels, Labels];
      momentary([a, '93'], [b, '10']);
      const id = await api.create({ name: 'cpu', type: 'prometheus', prometheus_rule: RULE }, MEMBER);
      expect((await api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: state })).status).toBe(200);
      expect((await explainedAlarm(id)).summary).toContain(
        'Its evaluation gives the same: 1 of the last 2 datapoints is above 80.0, the most recent is 10.0; ' +
          'a mixture changes no state; of its 2 series only {host="h0"} is in alarm, at 93.0.',
      );
    },
  );

  test('says that no series has enough', async () => {
    ranges([{ host: 'a' }, '93'], [{ host: 'b' }, '93']);
    expect((await explainedRule(RANGE)).summary).toContain('none of its 2 series has the 2 datapoints needed');
  });
});

describe('of many series', () => {
  test('those in alarm are shown first, and those left out are counted', async () => {
    const labels = hosts(10_000);
    const values = labels.map((_, index) => (index === 7_777 ? '93' : '10'));
    momentary(...labels.map((one, index): [Labels, string] => [one, values[index]!]));
    const { questions, summary, text } = await explainedRule();
    const [question] = questions;
    expect(question).toMatchObject({
      compared: 10_000,
      outside: 1,
      series_not_shown: 9_900,
      datapoints_not_shown: 9_900,
    });
    expect(question?.series).toHaveLength(100);
    expect(question?.series?.at(-1)).toMatchObject({
      series: 7_777,
      labels: { host: 'h7777' },
      verdict: 'alarm',
      outside: 1,
    });
    expect(question?.datapoints.at(-1)).toMatchObject({ series: 7_777, value: 93 });
    expect(summary).toContain(
      '1 of the last 10000 datapoints is above 80.0, the most recent is 10.0; the last series, ' +
        '{host="h9999"}, decides while the state is unknown; of its 10000 ' +
        'series only {host="h7777"} is in alarm, at 93.0.',
    );
    expect(text.length).toBeLessThan(100_000);
  });

  test('and of many datapoints, those of series in alarm are shown, and compared ones before others', async () => {
    const valuesOf = (value: string) => Array.from({ length: 64 }, (_, index) => [NOON_S - 60 * (63 - index), value]);
    const tooLate = [NOON_S + 3_600, '10'];
    double.reply = success(
      'matrix',
      hosts(100).map((metric, index) => ({
        metric,
        values: index >= 90 ? valuesOf('93') : [...valuesOf('10'), tooLate],
      })),
    );
    const { questions } = await explainedRule({ granularity: 60, evaluation_periods: 50 });
    const { series, datapoints, datapoints_not_shown } = questions[0]!;
    expect([series?.length, datapoints.length, datapoints_not_shown]).toEqual([100, 1_000, 5_490]);
    const shown = new Map<unknown, Record<string, unknown>[]>();
    for (const point of datapoints) shown.set(point['series'], [...(shown.get(point['series']) ?? []), point]);
    for (let index = 90; index < 100; index += 1) expect(shown.get(index)).toHaveLength(64);
    // For the first of the others there is room for a part, which holds what was compared of it.
    const of = (index: number) => shown.get(index)?.filter(({ used }) => used === true).length;
    expect([...shown.keys()]).toEqual([0, 1, 2, 3, 4, 5, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99]);
    expect([of(0), shown.get(0)?.length, of(5), shown.get(5)?.length]).toEqual([50, 65, 35, 35]);
  });

  test('labels that are too long are left out, and counted', async () => {
    const long = 'x'.repeat(10_000);
    momentary([{ host: 'a', annotation: long, zone: 'z' }, '93'], [{ host: 'b', annotation: `${long}y` }, '10']);
    const { questions, text } = await explainedRule();
    expect(questions[0]?.series).toMatchObject([
      { labels: { host: 'a', zone: 'z' }, labels_not_shown: 1, verdict: 'alarm' },
      { labels: { host: 'b' }, labels_not_shown: 1 },
    ]);
    expect(questions[0]?.series?.[0]?.labels).not.toHaveProperty('annotation');
    expect(text.length).toBeLessThan(10_000);
  });
});
