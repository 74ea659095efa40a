import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { DropReason } from '../../../src/alarm/sanitise.js';
import type { SeriesLabels } from '../../../src/alarm/series.js';
import type { Trace } from '../../../src/datasource/datasource.js';
import {
  askAbout,
  NOON,
  prometheusAt,
  startPrometheusDouble,
  success,
  valuesOf,
  type Observed,
  type PrometheusDouble,
} from '../../support/prometheus-double.js';

const AT = NOON.getTime() / 1000;
const RANGE = { granularityS: 60, periods: 3 };

let double: PrometheusDouble;
let prometheus: Observed;

beforeAll(async () => {
  double = await startPrometheusDouble();
  prometheus = prometheusAt(double.url);
});
afterAll(async () => {
  prometheus.datasource.close?.();
  await double.close();
});

interface Dropped {
  at: number | null;
  value: unknown;
  why: DropReason;
}

async function valuesAndDropped(body: unknown, request: object): Promise<{ values: unknown; dropped: Dropped[] }> {
  double.reply = [200, body];
  const dropped: Dropped[] = [];
  const trace = { sent: () => undefined, dropped: ({ at, value, why }: Dropped) => dropped.push({ at, value, why }) };
  const { up } = await askAbout(prometheus, ['up'], { ...request, trace });
  return { values: valuesOf(up), dropped };
}

/** The recorded labels and values, series by series; `isOf` tells which of them a dropped value belongs to. */
async function labelled(
  body: unknown,
  request: object,
): Promise<{ labels: SeriesLabels[]; isOf: [unknown, number][] }> {
  double.reply = [200, body];
  const labels: SeriesLabels[] = [];
  const dropped: Parameters<Trace['dropped']>[0][] = [];
  const trace: Trace = {
    sent: () => undefined,
    dropped: (point) => dropped.push(point),
    labelled: (series) => labels.push(series.labels),
  };
  await askAbout(prometheus, ['up'], { ...request, trace });
  return { labels, isOf: dropped.map((point) => [point.value, labels.findIndex((one) => one === point.labels)]) };
}

function text(result: string, resultType = 'vector'): string {
  return `{"status":"success","warnings":["partial"],"data":{"resultType":"${resultType}","result":${result}}}`;
}

describe('an answer for one moment', () => {
  test.each([
    ['a decimal number', '["1.5"]', 1.5],
    ['a number with an exponent', '["-1.5e+300"]', -1.5e300],
    ['twenty digits', '["12345678901234567890"]', Number('12345678901234567890')],
    ['what is a number in JSON', '[7]', 7],
    ['infinity', '["+Inf"]', Infinity],
    ['infinity without a sign', '["Inf"]', Infinity],
    ['infinity downwards', '["-Inf"]', -Infinity],
    ['infinity in other words', '["-Infinity"]', -Infinity],
    ['what is too large for a float', '["1e999"]', Infinity],
  ])('%s is a value', async (_, value, expected) => {
    const body = text(`[{"metric":{},"value":[${AT},${value.slice(1, -1)}]}]`);
    expect(await valuesAndDropped(body, {})).toEqual({ values: [[expected]], dropped: [] });
  });

  test.each(['"NaN"', '""', '" 1"', '"0x10"', '"1_000"', '"1,5"', '"Infinite"', '"--Inf"', 'null', '[1]', 'true'])(
    '%s is not a number, and the series has a missing datapoint',
    async (value) => {
      const body = text(`[{"metric":{},"value":[${AT},${value}]},{"metric":{"a":"b"},"value":[${AT},"1"]}]`);
      const { values, dropped } = await valuesAndDropped(body, {});
      expect(values).toEqual([[undefined], [1]]);
      expect(dropped).toEqual([{ at: NOON.getTime(), value: JSON.parse(value) as unknown, why: 'not a number' }]);
    },
  );

  test.each<[string, string, DropReason]>([
    ['an hour ago', `${AT - 3600}`, 'outside the window'],
    ['in an hour', `${AT + 3600}`, 'outside the window'],
    ['at a time that is a text', `"${AT}"`, 'no timestamp'],
    ['at a time too large for a number', '1e999', 'no timestamp'],
  ])('a value %s is missing', async (_, at, why) => {
    expect(await valuesAndDropped(text(`[{"metric":{},"value":[${at},"1"]}]`), {})).toMatchObject({
      values: [],
      dropped: [{ why }],
    });
  });

  test('a value of the whole second counts for it', async () => {
    double.reply = [200, text(`[{"metric":{},"value":[${Math.floor(AT)},"1"]}]`)];
    expect(await askAbout(prometheus, ['up'])).toEqual({
      up: { kind: 'series', series: [[{ at: NOON.getTime(), values: { value: 1 } }]], labels: [{}] },
    });
  });

  test.each([
    '[null]',
    '[1]',
    '[{}]',
    '[[]]',
    '[{"metric":{},"value":null}]',
    '[{"metric":{},"histogram":[1,{}]}]',
    '[{"value":{"0":1}}]',
  ])('the series %s has no value', async (result) =>
    expect((await valuesAndDropped(text(result), {})).values).toEqual([]),
  );
});

describe('an answer for a range', () => {
  const at = (ago: number): number => AT - ago;

  test('has sorted points, the last one of each time, and none that are too old or in the future', async () => {
    const values = [
      [at(0), '5'],
      [at(60), '3'],
      [at(120), '2'],
      [at(60), '4'],
      [at(190), 'too old'],
      [at(181), '1'],
      [at(-61), '6'],
      [at(30), 'NaN'],
      [at(30)],
      'x',
    ];
    const { values: kept, dropped } = await valuesAndDropped(
      JSON.stringify(success('matrix', [{ metric: {}, values }])[1]),
      RANGE,
    );
    expect(kept).toEqual([[2, 4, undefined, 5]]);
    expect(dropped.map(({ why }) => why)).toEqual([
      'outside the window',
      'outside the window',
      'outside the window',
      'not a number',
      'not a number',
      'no timestamp',
      'replaced by a later point of the same time',
    ]);
  });

  test.each([
    '[{"metric":{},"values":[]}]',
    '[{"metric":{}}]',
    '[{"metric":{},"values":{}}]',
    '[{"metric":{},"values":[null]}]',
  ])('the series %s has no point', async (result) =>
    expect((await valuesAndDropped(text(result, 'matrix'), RANGE)).values).toEqual([]),
  );
});

describe('names of labels', () => {
  test.each(['__proto__', 'constructor', 'toString'])('may be %s', async (label) => {
    const entry = (value: string): string => `{"metric":{"${label}":"${value}"},"value":[${AT},"${value}"]}`;
    double.reply = [200, text(`[${entry('1')},${entry('2')}]`)];
    const queries = ['1', '2', '3'].map((value) => `up{${label}="${value}"}`);
    expect(Object.values(await askAbout(prometheus, queries)).map(valuesOf)).toEqual([[[1]], [[2]], []]);
  });
});

describe('an answer of any form', () => {
  test('nested very deeply does not fail', async () => {
    const depth = 1_000_000;
    double.reply = [200, text(`[${'['.repeat(depth)}${']'.repeat(depth)}]`)];
    expect(await askAbout(prometheus, ['up'])).toEqual({ up: { kind: 'series', series: [], labels: [] } });
  });

  test('gives an answer to every query, and only numbers and missing datapoints, in order', async () => {
    const scalar = fc.oneof(
      fc.constantFrom('NaN', '+Inf', '1', '1e999', '', '__proto__', null, true, AT, AT - 60, 1e300, -1),
      fc.double({ min: AT - 300, max: AT + 300, noNaN: true }),
      fc.string(),
    );
    const pair = fc.oneof({ weight: 5, arbitrary: fc.tuple(scalar, scalar) }, { weight: 1, arbitrary: fc.jsonValue() });
    const metric = fc.dictionary(fc.constantFrom('instance', 'job', '__proto__'), fc.constantFrom('1', '2', '3'));
    const entry = fc.oneof(
      { weight: 5, arbitrary: fc.record({ metric, value: pair, values: fc.array(pair) }) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const body = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          resultType: fc.constantFrom('vector', 'matrix', 'scalar', 'x'),
          result: fc.array(entry),
        }),
      },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
    const queries = ['1', '2'].map((instance) => `up{instance="${instance}"}`);
    await fc.assert(
      fc.asyncProperty(body, fc.boolean(), fc.option(fc.nat(200), { freq: 5 }), async (data, isRange, cutAt) => {
        const whole = JSON.stringify({ status: 'success', data });
        double.reply = [200, cutAt === null ? whole : whole.slice(0, cutAt)];
        // A new datasource each time, since failures open the circuit.
        const fresh = prometheusAt(double.url);
        const answers = await askAbout(fresh, queries, isRange ? RANGE : {});
        fresh.datasource.close?.();
        for (const query of queries) {
          const answer = answers[query];
          expect(['series', 'refused', 'outage']).toContain(answer?.kind);
          if (answer?.kind !== 'series') continue;
          for (const points of answer.series) {
            const times = points.map(({ at }) => at);
            expect(points.every(({ values }) => !Number.isNaN(values['value'] ?? 0))).toBe(true);
            expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
            expect(points.length).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('a trace records the labels', () => {
  test('of each series of the answer, in its order, and of which of them a value was dropped', async () => {
    const values = (...all: string[]) =>
      JSON.stringify(all.map((value, index) => [AT - 60 * (all.length - 1 - index), value]));
    const body = text(
      `[{"metric":{"a":"1"},"values":${values('NaN')}},{"metric":{"a":"2"},` +
        `"values":${values('7', 'x')}},{"metric":{},"values":${values('8')}}]`,
      'matrix',
    );
    expect(await labelled(body, RANGE)).toEqual({
      labels: [{ a: '1' }, { a: '2' }, {}],
      isOf: [
        ['NaN', 0],
        ['x', 1],
      ],
    });
  });

  test.each([
    ['its labels as they are, also where it is the only one', '{"__name__":"up","a":"b"}', { __name__: 'up', a: 'b' }],
    ['those that are texts', '{"a":"b","c":1,"d":null,"e":["f"]}', { a: 'b' }],
    ['none that is missing', 'null', {}],
    [
      'one that is named as what all objects have',
      '{"__proto__":"a"}',
      JSON.parse('{"__proto__":"a"}') as SeriesLabels,
    ],
  ])('of one moment: %s', async (_, metric, labels) => {
    expect((await labelled(text(`[{"metric":${metric},"value":[${AT},"1"]}]`), {})).labels).toEqual([labels]);
  });
});
