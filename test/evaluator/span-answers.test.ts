import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { windowStart, type BackendAnswer, type Series, type SeriesLabels } from '../../src/alarm/series.js';
import type { Datasource, SeriesRequest } from '../../src/datasource/datasource.js';
import { createDatasources } from '../../src/datasource/registry.js';
import type { PlannedRequest } from '../../src/evaluator/plan.js';
import { createSpanAnswers } from '../../src/evaluator/span-answers.js';
import {
  prometheusAt,
  refusal,
  startPrometheusDouble,
  success,
  type Observed,
  type PrometheusDouble,
} from '../support/prometheus-double.js';

/** Moments of a span share requests, and each gets the answer that it would have had alone. */

type Kind = 'meters' | 'gnocchi' | 'prometheus';

interface ModelOptions {
  kind: Kind;
  /** A server that moves the ends of ranges of as many periods to multiples of the step. */
  rounds?: { end: 'up' | 'down'; from: number } | undefined;
  /** Requests for more periods get this answer. */
  mostPeriods?: { periods: number; answer: BackendAnswer };
}

const HOSTS = ['a', 'b', 'c'] as const;
const ENDLESS = new AbortController().signal;
const BEGIN = Date.parse('2026-01-01T12:00:00Z');

/** A backend whose series have gaps, and values that depend on the time and length of a period only. */
function modelOf({ kind, rounds, mostPeriods }: ModelOptions) {
  const asked: { periods: number; now: Date }[] = [];
  const source: Datasource<never> = {
    answers(request, { now, trace }) {
      asked.push({ periods: request.periods, now });
      if (mostPeriods && request.periods > mostPeriods.periods)
        return Promise.resolve(new Map(request.queries.map(({ key }) => [key, mostPeriods.answer])));
      const times = timesOf({ kind, rounds }, request, now.getTime());
      return Promise.resolve(
        new Map(
          request.queries.map(({ key }): [string, BackendAnswer] => {
            const all = (kind === 'prometheus' ? HOSTS : HOSTS.slice(0, 1)).map((host) => ({
              labels: { host },
              series: times.flatMap((at) => pointAt(key + host, at, request.granularityS)),
            }));
            const shown = kind === 'prometheus' ? all.filter(({ series }) => series.length > 0) : all;
            if (kind === 'prometheus') for (const { labels } of shown) trace?.labelled?.({ key, labels });
            return [key, { kind: 'series', series: shown.map(({ series }) => series) }];
          }),
        ),
      );
    },
  };
  return { source, asked };
}

function timesOf(
  { kind, rounds }: Pick<ModelOptions, 'kind' | 'rounds'>,
  { granularityS, periods, lagS }: SeriesRequest<never>,
  now: number,
): number[] {
  const step = granularityS * 1000;
  const end = now - lagS * 1000;
  const start = kind === 'prometheus' ? end - (periods - 1) * step : end - periods * step;
  const rounding = rounds && periods >= rounds.from ? rounds.end : undefined;
  const first = kind === 'gnocchi' || rounding ? Math.floor(start / step) * step : start;
  const newest = { up: Math.ceil(end / step) * step, down: Math.floor(end / step) * step };
  const last = kind === 'prometheus' ? (rounding ? newest[rounding] : end) : end - 1;
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, index) => first + index * step);
}

function pointAt(series: string, at: number, granularityS: number): Series {
  const seed = [...`${series}${at}${granularityS}`].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 9973, 7);
  // Series begin, pause for a while and end.
  if (seed % 5 === 0 || Math.floor(at / 300_000 + series.length + (series.at(-1)?.charCodeAt(0) ?? 0)) % 3 === 0)
    return [];
  return [{ at, values: { value: seed } }];
}

function datasourcesOf(kind: Kind, source: Datasource<never>) {
  return createDatasources({ [kind]: new Map([[null, source]]) });
}

interface Asked {
  request: PlannedRequest & { isOwnWindow: boolean };
  moments: number[];
  stepMs: number;
}

function requestOf(kind: Kind, sizes: Pick<SeriesRequest<never>, 'granularityS' | 'periods' | 'lagS'>) {
  const queries = ['q0', 'q1'].map((key) => ({ key, query: {} as never }));
  return { datasource: kind, backend: null, queries, isOwnWindow: false, ...sizes };
}

type Shown = [key: string, answer: BackendAnswer | undefined, labels: readonly SeriesLabels[]][];

async function together(model: ReturnType<typeof modelOf>, { request, moments, stepMs }: Asked): Promise<Shown[]> {
  const stop = new Date(moments.at(-1) ?? BEGIN);
  const datasources = datasourcesOf(request.datasource as Kind, model.source);
  const answersAt = createSpanAnswers([request], { stop, stepMs }, { datasources, signal: ENDLESS });
  // As the evaluation of a span does: some moments ahead of the one that is judged.
  const found = await Promise.all(moments.map((at) => answersAt(new Date(at))));
  return found.map(({ answers, labelsOf }, index) =>
    request.queries.map(({ key }) => [key, cut(answers.get(key), request, moments[index] ?? 0), labelsOf(key)]),
  );
}

async function alone(options: ModelOptions, { request, moments }: Asked): Promise<Shown[]> {
  const { source } = modelOf(options);
  return Promise.all(
    moments.map(async (at) => {
      const labels = new Map<string, SeriesLabels[]>();
      const trace = {
        sent: () => undefined,
        dropped: () => undefined,
        labelled: (one: { key: string; labels: SeriesLabels }) =>
          void labels.set(one.key, [...(labels.get(one.key) ?? []), one.labels]),
      };
      const context = { now: new Date(at), signal: ENDLESS, trace };
      const answers = await source.answers(request as SeriesRequest<unknown> as SeriesRequest<never>, context);
      return request.queries.map(({ key }): Shown[number] => [
        key,
        cut(answers.get(key), request, at),
        labels.get(key) ?? [],
      ]);
    }),
  );
}

/** The points that are in the window of an alarm, by which it is judged. */
function cut(answer: BackendAnswer | undefined, request: PlannedRequest, at: number): BackendAnswer | undefined {
  if (answer?.kind !== 'series') return answer;
  const start = windowStart(request, at);
  return { kind: 'series', series: answer.series.map((series) => series.filter((point) => point.at >= start)) };
}

const spans = fc.record({
  granularityS: fc.constantFrom(1, 30, 60, 300, 3600),
  periods: fc.integer({ min: 1, max: 6 }),
  lagS: fc.constantFrom(0, 15, 60),
  stepS: fc.constantFrom(1, 10, 15, 60, 90, 600),
  offsetMs: fc.constantFrom(0, 1_000, 13_007),
  count: fc.integer({ min: 1, max: 60 }),
  leftOut: fc.constantFrom(2, 3, 1_000),
});

describe.each<ModelOptions>([{ kind: 'meters' }, { kind: 'gnocchi' }, { kind: 'prometheus' }])(
  'moments of $kind',
  (options) => {
    test('get the answers that they would have had alone, with fewer requests', async () => {
      let [requests, all] = [0, 0];
      await fc.assert(
        fc.asyncProperty(spans, async ({ stepS, offsetMs, count, leftOut, ...sizes }) => {
          const stepMs = stepS * 1000;
          // Moments outside time constraints have no request.
          const moments = Array.from({ length: count }, (_, n) => BEGIN + offsetMs + n * stepMs).filter(
            (__, n) => n % leftOut !== 1,
          );
          const given = { request: requestOf(options.kind, sizes), moments, stepMs };
          const model = modelOf(options);
          expect(await together(model, given)).toEqual(await alone(options, given));
          expect(model.asked.length).toBeLessThanOrEqual(moments.length);
          requests += model.asked.length;
          all += moments.length;
        }),
        { numRuns: 300, seed: 7 },
      );
      expect(requests).toBeLessThan(all / 2);
    });

    test('of a day at 60 seconds take a few requests, not 1,441', async () => {
      const model = modelOf(options);
      const moments = Array.from({ length: 1_441 }, (_, n) => BEGIN + n * 60_000);
      await together(model, {
        request: requestOf(options.kind, { granularityS: 60, periods: 4, lagS: 0 }),
        moments,
        stepMs: 60_000,
      });
      expect(model.asked.length).toBeLessThanOrEqual(6);
    });

    test.each([
      ['refused', { kind: 'refused', reason: 'too many points' }],
      ['an outage', { kind: 'outage', reason: 'its answer is too large' }],
    ] as const)('are asked about alone if a wide request is %s', async (_, answer) => {
      const limited = { ...options, mostPeriods: { periods: 8, answer } };
      const moments = Array.from({ length: 20 }, (__, n) => BEGIN + n * 60_000);
      const given = {
        request: requestOf(options.kind, { granularityS: 60, periods: 4, lagS: 0 }),
        moments,
        stepMs: 60_000,
      };
      expect(await together(modelOf(limited), given)).toEqual(await alone(options, given));
    });

    test('of a day take a few requests if the text of the query is at fault', async () => {
      const answer = { kind: 'refused', reason: 'parse error', isFaultOfQuery: true } as const;
      const refusing = { ...options, mostPeriods: { periods: 0, answer } };
      const moments = Array.from({ length: 1_441 }, (_, n) => BEGIN + n * 60_000);
      const request = requestOf(options.kind, { granularityS: 60, periods: 4, lagS: 0 });
      const given = { request, moments, stepMs: 60_000 };
      const model = modelOf(refusing);
      expect(await together(model, given)).toEqual(await alone(refusing, given));
      expect(model.asked.length).toBeLessThanOrEqual(6);
    });

    test('have a request each if the answer depends on the window', async () => {
      const model = modelOf(options);
      const moments = Array.from({ length: 20 }, (_, n) => BEGIN + n * 60_000);
      const request = requestOf(options.kind, { granularityS: 60, periods: 4, lagS: 0 });
      await together(model, { request: { ...request, isOwnWindow: true }, moments, stepMs: 60_000 });
      expect(model.asked).toEqual(moments.map((at) => ({ periods: 4, now: new Date(at) })));
    });
  },
);

test.each<[string, NonNullable<ModelOptions['rounds']>]>([
  ['down, as that of Thanos', { end: 'down', from: 1 }],
  ['up', { end: 'up', from: 1 }],
  ['up if they are wide, as VictoriaMetrics', { end: 'up', from: 50 }],
])(
  'a server that rounds the ends of ranges %s gives moments the answers that they would have had alone',
  async (_, rounds) => {
    const options: ModelOptions = { kind: 'prometheus', rounds };
    const stepMs = 60_000;
    const moments = Array.from({ length: 60 }, (__, n) => BEGIN + 13_000 + n * stepMs);
    const given = { request: requestOf('prometheus', { granularityS: 60, periods: 3, lagS: 0 }), moments, stepMs };
    expect(await together(modelOf(options), given)).toEqual(await alone(options, given));
  },
);

test('queries of one moment have a request for each moment', async () => {
  const { source, asked } = modelOf({ kind: 'prometheus' });
  const momentary: Datasource<never> = {
    answers: (request, context) => source.answers({ ...request, granularityS: 1 }, context),
  };
  const moments = Array.from({ length: 5 }, (_, n) => BEGIN + n * 60_000);
  const request = requestOf('prometheus', { granularityS: 0, periods: 1, lagS: 0 });
  await together({ source: momentary, asked }, { request, moments, stepMs: 60_000 });
  expect(asked.map(({ now }) => now.getTime())).toEqual(moments);
});

describe('a day of moments of a Prometheus', () => {
  const MOMENTS = Array.from({ length: 1_441 }, (_, n) => BEGIN + n * 60_000);
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

  /** The answers to a query, and the number of requests for them. */
  async function askDay(promql: string): Promise<{ answers: Set<string>; requests: number }> {
    const datasources = createDatasources({ prometheus: new Map([[null, prometheus.datasource]]) });
    const sizes = { granularityS: 60, periods: 4, lagS: 0 };
    const queries = [{ key: 'q', query: { promql, project: null } }];
    const request: PlannedRequest = { datasource: 'prometheus', backend: null, queries, ...sizes };
    const span = { stop: new Date(MOMENTS.at(-1) ?? BEGIN), stepMs: 60_000 };
    const answersAt = createSpanAnswers([{ ...request, isOwnWindow: false }], span, { datasources, signal: ENDLESS });
    const answers = new Set<string>();
    for (let from = 0; from < MOMENTS.length; from += 8) {
      const some = MOMENTS.slice(from, from + 8).map((at) => answersAt(new Date(at)));
      for (const moment of await Promise.all(some)) answers.add(JSON.stringify(moment.answers.get('q')));
    }
    return { answers, requests: double.asked.length };
  }

  test('that refuses the text of the query takes a few requests', async () => {
    double.reply = refusal(400, 'bad_data', 'invalid parameter "query": 1:5: parse error: unexpected end of input');
    const { answers, requests } = await askDay('cpu{');
    expect([...answers]).toEqual([expect.stringMatching(/"kind":"refused".*parse error/)]);
    expect(requests).toBeLessThanOrEqual(7);
  });

  test('that refuses wide ranges only gives each moment its own answer', async () => {
    double.reply = ({ form }) =>
      Number(form['end']) - Number(form['start']) > 600
        ? refusal(400, 'bad_data', 'exceeded maximum resolution of 11,000 points per timeseries')
        : success('matrix', [{ metric: {}, values: [[Number(form['end']), '1']] }]);
    const { answers } = await askDay('cpu');
    expect(answers.size).toBe(MOMENTS.length);
  });

  test('that is down takes a few requests, since its circuit opens', async () => {
    double.reply = [500, 'no'];
    const { answers, requests } = await askDay('cpu');
    expect([...answers]).toEqual([expect.stringContaining('"kind":"outage"')]);
    expect(requests).toBeLessThan(100);
  });
});
