import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import type { Datasource, Trace } from '../../../src/datasource/datasource.js';
import { createGnocchiClient, type GnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource, type GnocchiDatasourceDeps } from '../../../src/datasource/gnocchi/gnocchi.js';
import { AppError } from '../../../src/errors.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  gnocchiRefusal,
  startGnocchiDouble,
  type DoubleAnswer,
  type GnocchiDouble,
} from '../../support/gnocchi-double.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';

const NOW = new Date('2026-01-01T12:57:00.123Z');
const ROW = ['2026-01-01T12:55:00+00:00', 60, 42];
const POINT = { at: Date.parse('2026-01-01T12:55:00Z'), values: { value: 42 } };

let double: GnocchiDouble;
let clock: FakeClock;
const datasources: Datasource<GnocchiQuery>[] = [];
const failures: string[] = [];

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

function clientWith(timeoutMs: number): GnocchiClient {
  return createGnocchiClient({ url: double.url, auth: { kind: 'basic', user: 'admin' }, timeoutMs });
}

function open(deps: Partial<GnocchiDatasourceDeps> = {}): Datasource<GnocchiQuery> {
  const datasource = createGnocchiDatasource({
    client: clientWith(PATIENCE_MS),
    observer: { succeeded: () => undefined, failed: (reason) => failures.push(reason) },
    clock,
    creator: () => Promise.resolve('admin'),
    externalOwner: () => Promise.resolve(null),
    ...deps,
  });
  datasources.push(datasource);
  return datasource;
}

async function ask(
  datasource: Datasource<GnocchiQuery>,
  queries: readonly GnocchiQuery[],
  trace?: Trace,
): Promise<(BackendAnswer | undefined)[]> {
  const keyed = queries.map((query, index) => ({ key: `q${index}`, query }));
  const request = { granularityS: 60, periods: 6, lagS: 0, queries: keyed };
  const answers = await datasource.answers(request, { now: NOW, signal: new AbortController().signal, trace });
  expect([...answers.keys()].sort()).toEqual(keyed.map(({ key }) => key).sort());
  return keyed.map(({ key }) => answers.get(key));
}

function ofResource(n: number, rest: Partial<Extract<GnocchiQuery, { kind: 'resource' }>> = {}): GnocchiQuery {
  return { kind: 'resource', resourceId: uuid(n), metric: 'cpu', method: 'mean', project: null, ...rest };
}
function ofMetrics(...ns: number[]): GnocchiQuery {
  return { kind: 'metrics', metrics: ns.map(uuid), method: 'mean', project: null };
}
const ofSearch: GnocchiQuery = {
  kind: 'resources',
  search: '{}',
  resourceType: 'generic',
  metric: 'cpu',
  method: 'mean',
};
const ALL = [ofResource(1), ofMetrics(1), ofSearch];

function askedIds(body: string): string[] {
  return body.match(/00000000-0000-4000-8000-\d{12}/g) ?? [];
}

/** Rows for every resource and metric that is requested, unless one of the bad ones is among them. */
function rowsFor(bad: readonly string[], refusal: DoubleAnswer): DoubleAnswer {
  return ({ body }, response) => {
    const ids = askedIds(body);
    const [status, answer] = ids.some((id) => bad.includes(id))
      ? (refusal as [number, unknown])
      : [200, { measures: Object.fromEntries(ids.map((id) => [id, { mean: [ROW] }])) }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  };
}

beforeEach(async () => {
  double = await startGnocchiDouble();
  // Each resource has a metric with the id of the resource.
  double.answers.search = ({ body }, response) =>
    response.end(JSON.stringify(askedIds(body).map((id) => ({ id, metrics: { cpu: id } }))));
  clock = new FakeClock();
});
afterEach(async () => {
  for (const datasource of datasources.splice(0)) datasource.close?.();
  failures.splice(0);
  await double.close();
});

test('a window is as long as its periods, ends the lag before now, and is written as Aodh writes it', async () => {
  double.answers.aggregates = rowsFor([], [200, {}]);
  const sent: string[] = [];
  const keyed = [{ key: 'q', query: ofResource(1) }];
  const context = {
    now: NOW,
    signal: new AbortController().signal,
    trace: { sent: (one: string) => sent.push(one), dropped: () => undefined },
  };
  await open().answers({ granularityS: 60, periods: 6, lagS: 30, queries: keyed }, context);
  const search = `POST /v1/search/resource/generic?attrs=id&attrs=metrics {"in":{"id":["${uuid(1)}"]}}`;
  const path =
    '/v1/aggregates?details=False&granularity=60&fill=-740216938507413.5' +
    '&start=2026-01-01T12%3A50%3A30.123000&stop=2026-01-01T12%3A56%3A30.123000';
  const body = `{"operations":["metric",["${uuid(1)}","mean"]]}`;
  expect(double.requests[1]).toMatchObject({ method: 'POST', target: path, body });
  expect(sent).toEqual([search, `POST ${path} ${body}`]);
});

describe('points', () => {
  const minute = (n: number): string => `2026-01-01T12:${n}:00+00:00`;
  test('that are invalid are dropped or keep their places without a value, with a reason', async () => {
    const rows = [
      [minute(56), 60, 3],
      [minute(55), 60, 1],
      [minute(55), 60, 2],
      [minute(54), 300, 7],
      [minute(54), 60, null],
      [minute(53), 60, '5'],
      [minute(49), 60, 9],
      ['2026-02-30T12:00:00+00:00', 60, 1],
      ['yesterday', 60, 1],
      'row',
    ];
    double.answers.aggregates = [200, { measures: { [uuid(1)]: { mean: rows } } }];
    const dropped: unknown[] = [];
    const trace: Trace = { sent: () => undefined, dropped: (point) => dropped.push(point) };
    const [answer] = await ask(open(), [ofResource(1)], trace);
    const at = (n: number): number => Date.parse(minute(n));
    expect(answer).toEqual({
      kind: 'series',
      series: [
        [
          { at: at(53), values: {} },
          { at: at(54), values: {} },
          { at: at(55), values: { value: 2 } },
          { at: at(56), values: { value: 3 } },
        ],
      ],
    });
    expect(dropped).toEqual([
      { key: 'q0', at: at(54), value: null, why: 'not a number' },
      { key: 'q0', at: at(53), value: '5', why: 'not a number' },
      { key: 'q0', at: at(49), value: 9, why: 'outside the window' },
      { key: 'q0', at: null, value: 1, why: 'no timestamp' },
      { key: 'q0', at: null, value: 1, why: 'no timestamp' },
      { key: 'q0', at: at(55), value: 1, why: 'replaced by a later point of the same time' },
    ]);
  });

  test('that only other metrics of the request have are left out, and infinite ones are values', async () => {
    const gap = Number(/fill=([^&]+)/.exec(await firstTarget())?.[1]);
    const values = [gap, '1.0', 'Infinity', gap];
    const rows = `[${values.map((value, n) => `["${minute(54 + n)}",60.0,${value}]`).join(',')}]`;
    double.answers.aggregates = (_, response) => response.end(`{"measures":{"${uuid(1)}":{"mean":${rows}}}}`);
    const [answer] = await ask(open(), [ofResource(1)]);
    const at = (n: number): number => Date.parse(minute(n));
    const points = [
      { at: at(55), values: { value: 1 } },
      { at: at(56), values: { value: Infinity } },
    ];
    expect(answer).toEqual({ kind: 'series', series: [points] });
  });

  async function firstTarget(): Promise<string> {
    double.answers.aggregates = rowsFor([], [200, {}]);
    await ask(open(), [ofResource(1)]);
    return double.requests.findLast(({ target }) => target.startsWith('/v1/aggregates'))!.target;
  }

  test('of any answer are those that a reference parser finds, or the answer is an outage', async () => {
    const times = fc.integer({ min: 48, max: 59 }).map(minute);
    const value = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(null, '1', 1e308));
    const row = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(times, fc.constantFrom(60, 60, 60.5), value) },
      fc.array(fc.anything({ maxDepth: 1 }), { maxLength: 4 }),
      fc.anything({ maxDepth: 2 }),
    );
    const rows = fc.oneof({ weight: 4, arbitrary: fc.array(row, { maxLength: 8 }) }, fc.anything());
    await fc.assert(
      fc.asyncProperty(rows, async (some) => {
        const text = textOf({ measures: { [uuid(1)]: { mean: some }, aggregated: some } });
        double.answers.aggregates = (_, response) => response.end(text);
        // A new datasource each time, since malformed answers would open the circuit.
        const datasource = open();
        const told = (JSON.parse(text) as { measures: { aggregated?: unknown } }).measures.aggregated;
        const expected = Array.isArray(told) ? { kind: 'series', series: [plainly(told)] } : undefined;
        for (const answer of await ask(datasource, ALL)) {
          if (expected) expect(answer).toEqual(expected);
          else expect(answer?.kind).not.toBe('series');
        }
        datasource.close?.();
      }),
      { numRuns: 400 },
    );
  });

  test.each([
    'null',
    '7',
    '"x"',
    '[]',
    '[[]]',
    '{"measures":{}}',
    '{"measures":[]}',
    '{"measures":{"__proto__":{"cpu":{"mean":[]}}}}',
    '['.repeat(50_000),
    '',
  ])('cannot be had from %#', async (text) => {
    double.answers.aggregates = (_, response) => response.end(text);
    for (const answer of await ask(open(), ALL)) expect(answer?.kind).not.toBe('series');
  });
});

/** A second implementation of the rules, simple and slow. */
function plainly(rows: readonly unknown[]): unknown[] {
  const byTime = new Map<number, unknown>();
  for (const row of rows) {
    if (!Array.isArray(row) || row[1] !== 60 || typeof row[0] !== 'string') continue;
    const at = /^2026-01-01T12:\d\d:00\+00:00$/.test(row[0]) ? Date.parse(row[0]) : Number.NaN;
    const first = Date.parse('2026-01-01T12:51:00Z') - 60_000;
    if (at >= first && at <= NOW.getTime() + 60_000) byTime.set(at, row[2]);
  }
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([at, value]) => ({ at, values: typeof value === 'number' ? { value } : {} }));
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? Number(each) : each));
  } catch {
    return '{}';
  }
}

describe('an outage is the answer to all queries of a request, which is not divided', () => {
  test.each<[string, DoubleAnswer, string]>([
    ['no answer', () => undefined, 'no answer in time'],
    ['a closed connection', (_, response) => response.destroy(), 'the connection was closed'],
    ['500', [500, 'oops at 10.0.0.7'], 'it answered with status 500'],
    ['404 of a proxy', [404, '<h1>no such host</h1>'], 'it answered with status 404'],
    ['503', gnocchiRefusal(503, 'busy'), 'it answered with status 503'],
    ['429', gnocchiRefusal(429, 'busy'), 'it answered with status 429'],
    ['404 of a proxy that speaks JSON', [404, '{"message":"no Route matched"}'], 'it answered with status 404'],
    ['401', gnocchiRefusal(401, 'who?'), 'it does not accept the credentials of this service'],
    ['garbage', [200, 'garbage'], 'its answer is not JSON'],
    ['JSON of another form', [200, { measures: 7 }], 'its answer is not of the form expected'],
  ])('with %s', async (_, answer, reason) => {
    double.answers.aggregates = answer;
    const some = [ofResource(1), ofResource(2), ofResource(3)];
    expect(await ask(open({ client: clientWith(patienceFor(reason)) }), some)).toEqual(
      some.map(() => ({ kind: 'outage', reason })),
    );
    expect(double.requests.length).toBe(2);
  });

  test('and counts against Gnocchi, until the circuit opens', async () => {
    double.answers.aggregates = double.answers.search = [500, 'oops'];
    const datasource = open();
    for (let round = 0; round < 6; round += 1) await ask(datasource, [ofMetrics(1)]);
    expect(double.requests.map(({ target }) => target.split('?')[0])).toEqual([
      ...Array.from({ length: 3 }, () => '/v1/aggregates'),
      '/v1/search/resource/generic',
    ]);
    expect(failures).toEqual(Array.from({ length: 4 }, () => 'it answered with status 500'));
  });

  test('and does not count against a Gnocchi that answers its probe', async () => {
    double.answers.aggregates = [500, 'oops'];
    const datasource = open();
    for (let round = 0; round < 6; round += 1) await ask(datasource, [ofMetrics(1)]);
    expect(double.requests.filter(({ target }) => target.startsWith('/v1/aggregates?')).length).toBe(6);
    expect(double.requests.filter(({ target }) => target.startsWith('/v1/search/')).length).toBe(2);
  });

  test('that never answers is the answer too to queries that were not sent before the deadline', async () => {
    let told = 0;
    const observer = { succeeded: () => (told += 1), failed: (reason: string) => failures.push(reason) };
    double.answers.aggregates = () => undefined;
    const timeUp = new AbortController();
    const keyed = [1, 2, 3, 4, 5].map((n) => ({ key: `q${n}`, query: { ...ofSearch, metric: `m${n}` } }));
    const request = { granularityS: 60, periods: 6, lagS: 0, queries: keyed };
    const asked = open({ observer }).answers(request, { now: NOW, signal: timeUp.signal });
    await eventually(() => expect(double.requests.length).toBe(2));
    timeUp.abort();
    const answers = [...(await asked).values()];
    expect(answers).toEqual(answers.map(() => ({ kind: 'outage', reason: 'no answer in time' })));
    await eventually(() => expect(failures).toEqual(['no answer in time', 'no answer in time']));
    expect(told).toBe(0);
  });

  test('without an answer of Keystone, only for the queries of projects', async () => {
    double.answers.aggregates = rowsFor([], [200, {}]);
    const externalOwner = () => Promise.reject(new AppError('unavailable', 'Keystone is not available'));
    const [scoped, open_] = await ask(open({ externalOwner }), [
      ofResource(1, { project: 'p', metric: 'x' }),
      ofResource(2),
    ]);
    expect(scoped).toEqual({ kind: 'outage', reason: 'Keystone is not available' });
    expect(open_).toEqual({ kind: 'series', series: [[POINT]] });
  });
});

test.each([
  ['"no value of 17.0"', 'no value of 17.0'],
  ['{"cause": "bad", "detail": ["m", 17.0, 17]}', "{'cause': 'bad', 'detail': ['m', 17.0, 17]}"],
  [
    '{"detail": {"a": [1e22, -0.0, 1e-7, 12345678901234567890]}}',
    "{'detail': {'a': [1e+22, -0.0, 1e-07, 12345678901234567890]}}",
  ],
])('the refusal %s is quoted with its numbers as Python prints them', async (description, quoted) => {
  double.answers.aggregates = (_, response) =>
    void response.writeHead(400).end(`{"code": 400, "title": "Refused", "description": ${description}}`);
  const [answer] = await ask(open(), [ofSearch]);
  expect(answer).toEqual({ kind: 'refused', reason: `alarm statistics retrieval failed: ${quoted} (HTTP 400)` });
});

describe('a query that makes Gnocchi refuse a merged request', () => {
  test.each<[string, (n: number) => GnocchiQuery, DoubleAnswer]>([
    ['a resource without a name in the refusal', (n) => ofResource(n), gnocchiRefusal(403, '')],
    ['a metric without a name in the refusal', (n) => ofMetrics(n), gnocchiRefusal(403, '')],
  ])('is found: %s', async (_, query, refusal) => {
    double.answers.aggregates = rowsFor([uuid(7)], refusal);
    const datasource = open();
    const some = Array.from({ length: 40 }, (_each, n) => query(n));
    const refused = { kind: 'refused', reason: 'alarm statistics retrieval failed: Gnocchi refused access (HTTP 403)' };
    const expected = some.map((_each, n) => (n === 7 ? refused : { kind: 'series', series: [[POINT]] }));
    expect(await ask(datasource, some)).toEqual(expected);
    const first = double.requests.length;
    expect(first).toBeLessThan(25);
    // It is not merged again in the next call.
    expect(await ask(datasource, some)).toEqual(expected);
    expect(double.requests.length).toBe(first + 1);
    await clock.advance(10 * 60_000);
    await ask(datasource, some);
    expect(double.requests.length).toBeGreaterThan(first + 2);
  });

  test('is dropped if Gnocchi names it', async () => {
    double.answers.aggregates = rowsFor(
      [uuid(7)],
      gnocchiRefusal(404, { cause: 'Unknown metrics', detail: [uuid(7)] }),
    );
    const some = Array.from({ length: 40 }, (_each, n) => ofMetrics(n));
    const answers = await ask(open(), some);
    expect(answers[7]).toEqual({
      kind: 'absent',
      reason: `aggregation mean does not exist for at least one metrics in ['${uuid(7)}']`,
    });
    expect(answers.filter((answer) => answer?.kind === 'series').length).toBe(39);
    expect(double.requests.length).toBe(2);
  });

  test('is found if its answer is too large, which harms no other', async () => {
    double.answers.aggregates = ({ body }, response) => {
      const ids = askedIds(body);
      const rows = (id: string): unknown[] => (id === uuid(2) ? Array.from({ length: 600_000 }, () => ROW) : [ROW]);
      response.end(JSON.stringify({ measures: Object.fromEntries(ids.map((id) => [id, { mean: rows(id) }])) }));
    };
    const [one, large] = await ask(open(), [ofResource(1), ofResource(2)]);
    expect(one).toEqual({ kind: 'series', series: [[POINT]] });
    expect(large).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/: its answer (is larger|has more) than/),
    });
    expect(failures).toEqual([]);
  });
});

describe('the metric of a resource', () => {
  test(
    'is not searched for two projects in one request, since the ' + 'answer would not tell which of them may read it',
    async () => {
      double.answers.aggregates = rowsFor([], [200, {}]);
      await ask(open(), [
        ofResource(1, { project: 'p' }),
        ofResource(1, { project: 'q' }),
        ofResource(2, { project: 'q' }),
      ]);
      const sought = double.requests.filter(({ target }) => target.startsWith('/v1/search/'));
      expect(sought.length).toBe(2);
      for (const { body } of sought) expect(askedIds(body).filter((id) => id === uuid(1)).length).toBe(1);
    },
  );

  test('is searched once and then cached, and searched again at once when it is gone', async () => {
    const datasource = open();
    const targets = (): string[] => double.requests.map(({ target }) => target.split('?')[0]!.slice(4));
    double.answers.aggregates = rowsFor([], [200, {}]);
    for (let round = 0; round < 2; round += 1) {
      expect(await ask(datasource, [ofResource(1)])).toEqual([{ kind: 'series', series: [[POINT]] }]);
    }
    expect(targets()).toEqual(['search/resource/generic', 'aggregates', 'aggregates']);
    double.answers.aggregates = rowsFor(
      [uuid(1)],
      gnocchiRefusal(404, { cause: 'Unknown metrics', detail: [uuid(1)] }),
    );
    double.answers.search = [200, [{ id: uuid(1), metrics: { cpu: uuid(9) } }]];
    expect(await ask(datasource, [ofResource(1)])).toEqual([{ kind: 'series', series: [[POINT]] }]);
    double.answers.aggregates = rowsFor(
      [uuid(9)],
      gnocchiRefusal(404, { cause: 'Unknown metrics', detail: [uuid(9)] }),
    );
    double.answers.search = [200, []];
    expect(await ask(datasource, [ofResource(1)])).toEqual([
      { kind: 'absent', reason: `resource ${uuid(1)} does not exists` },
    ]);
  });

  test('is searched again if Gnocchi did not return all at once', async () => {
    double.answers.aggregates = rowsFor([], [200, {}]);
    double.answers.search = ({ body }, response) => {
      const some = askedIds(body).slice(0, 3);
      response.end(JSON.stringify(some.map((id) => ({ id, metrics: { cpu: id } }))));
    };
    const answers = await ask(
      open(),
      Array.from({ length: 8 }, (_each, n) => ofResource(n)),
    );
    expect(answers.every((answer) => answer?.kind === 'series')).toBe(true);
  });
});
