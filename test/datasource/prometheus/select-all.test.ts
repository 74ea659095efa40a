import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  askAbout,
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
  type ReachedBy,
} from '../../support/prometheus-double.js';

const MEMBERS = 10;
const HOUR_MS = 3_600_000;

let double: PrometheusDouble;
let prometheus: Observed;

beforeEach(async () => {
  double = await startPrometheusDouble();
});
afterEach(async () => {
  prometheus.datasource.close?.();
  await double.close();
});

function reach(by: ReachedBy = {}): void {
  prometheus = prometheusAt(double.url, { selectAll: { fromMembers: MEMBERS, maxSeriesPerMember: 1.25 }, ...by });
}

const cpuOf = (instance: string | number): string => `cpu{instance="${instance}"}`;
const cpus = (count = MEMBERS): string[] => Array.from({ length: count }, (_, index) => cpuOf(index));
const ALL = 'cpu{instance!="-"}';

type Labelled = [labels: Record<string, string>, value: string];

/** Series of instances, each with its number as its value. */
const instances = (count = MEMBERS): Labelled[] =>
  Array.from({ length: count }, (_, n): Labelled => [{ __name__: 'cpu', instance: String(n) }, String(n)]);

/** No series at all, and the reason. */
function partial(why: Record<string, unknown>): PrometheusReply {
  return [200, { status: 'success', ...why, data: { resultType: 'vector', result: [] } }];
}

/** The form of a query: `count` of all series, `all` of them, or those of `names`. */
function formOf(query: string): 'count' | 'all' | 'names' {
  if (query.startsWith('count(')) return 'count';
  return query.includes('=~') ? 'names' : 'all';
}

/** A server with these series, unless it gets another answer for a form of query. */
function serving(
  series: Labelled[],
  instead: Partial<Record<ReturnType<typeof formOf>, PrometheusReply>> = {},
): PrometheusReply {
  return (request, response) => {
    const query = request.form['query']!;
    const form = formOf(query);
    const other = instead[form];
    if (other) return typeof other === 'function' ? other(request, response) : other;
    const at = Number(request.form['time']);
    const vectorThen = (some: Labelled[]): [number, unknown] => {
      const result = some.map(([metric, value]) => ({ metric, value: [at, value] }));
      return [200, { status: 'success', data: { resultType: 'vector', result } }];
    };
    if (form === 'count') return vectorThen(series.length === 0 ? [] : [[{}, String(series.length)]]);
    const named = /=~"([^"]*)"/.exec(query)?.[1]?.split('|') ?? [];
    return vectorThen(series.filter(([{ instance = '' }]) => form === 'all' || named.includes(instance)));
  };
}

/** The forms of the queries that were sent, in order, and each member's values. */
async function round(context: Parameters<typeof askAbout>[2] = {}): Promise<{ asked: string[]; values: unknown[] }> {
  const before = double.asked.length;
  const answers = await askAbout(prometheus, cpus(), context);
  return {
    asked: double.asked.slice(before).map(({ form }) => formOf(form['query']!)),
    values: cpus().map((query) => valuesOf(answers[query])),
  };
}

const OWN = Array.from({ length: MEMBERS }, (_, n) => [[n]]);

describe('for many queries that differ in one value of a label, all series', () => {
  test('are counted once, and selected by one request each time after', async () => {
    reach();
    double.reply = serving(instances());
    expect(await round()).toEqual({ asked: ['count', 'all'], values: OWN });
    expect(await round()).toEqual({ asked: ['all'], values: OWN });
    expect(double.asked.map(({ form }) => form['query'])).toEqual([`count(${ALL})`, ALL, ALL]);
  });

  test('are selected if there are none', async () => {
    reach();
    double.reply = serving([]);
    expect(await round()).toEqual({ asked: ['count', 'all'], values: OWN.map(() => []) });
  });

  test('may be some more than are wanted, of other values and of none', async () => {
    reach();
    const others: Labelled[] = [
      [{ instance: 'other' }, '98'],
      [{ job: 'no instance' }, '99'],
    ];
    double.reply = serving([...others, ...instances()]);
    expect(await round()).toEqual({ asked: ['count', 'all'], values: OWN });
    expect(await round()).toEqual({ asked: ['all'], values: OWN });
  });

  test('may be several of one value', async () => {
    reach();
    double.reply = serving([...instances(), [{ instance: '3', mode: 'idle' }, '33']]);
    expect((await round()).values[3]).toEqual([[3], [33]]);
  });

  test('may have any value, also the one that the select-all query excludes', async () => {
    reach();
    double.reply = serving([...instances(), [{ instance: '-' }, '77']]);
    const answers = await askAbout(prometheus, [...cpus(), cpuOf('-')]);
    expect(double.asked.map(({ form }) => form['query'])).toEqual([
      'count(cpu{instance!="--"})',
      'cpu{instance!="--"}',
    ]);
    expect(valuesOf(answers[cpuOf('-')])).toEqual([[77]]);
  });
});

describe('a query with names is sent instead', () => {
  test('for an hour, if there are many more series', async () => {
    reach();
    double.reply = serving(instances(13));
    expect(await round()).toEqual({ asked: ['count', 'names'], values: OWN });
    expect(await round({ now: new Date(NOON.getTime() + HOUR_MS - 1) })).toMatchObject({ asked: ['names'] });
  });

  test('until a count after an hour finds fewer', async () => {
    reach();
    double.reply = serving(instances(13));
    await round();
    double.reply = serving(instances());
    // Another query makes another plan.
    const now = new Date(NOON.getTime() + HOUR_MS);
    await askAbout(prometheus, cpus(MEMBERS + 1), { now });
    expect(double.asked.slice(-2).map(({ form }) => formOf(form['query']!))).toEqual(['count', 'all']);
  });

  test('from the call after an answer with too many series', async () => {
    reach();
    double.reply = serving(instances());
    await round();
    double.reply = serving(instances(13));
    expect(await round()).toEqual({ asked: ['all'], values: OWN });
    expect(await round()).toEqual({ asked: ['names'], values: OWN });
  });

  test.each<[string, PrometheusReply]>([
    ['refuses to count them', refusal(422, 'execution', 'too many samples')],
    ['takes too long to count them', refusal(503, 'timeout', 'query timed out')],
    ['is unavailable while it counts', [500, 'oops']],
    ['could not count all of them', partial({ warnings: ['series limit violated'] })],
    ['counts in words', vector([{}, 'many'])],
    ['counts without end', vector([{}, '+Inf'])],
    ['gives no vector of them', success('scalar', [0, '1'])],
  ])('if Prometheus %s', async (_, count) => {
    reach();
    double.reply = serving(instances(), { count });
    expect(await round()).toEqual({ asked: ['count', 'names'], values: OWN });
    expect(await round()).toEqual({ asked: ['names'], values: OWN });
  });

  test.each<[string, PrometheusReply]>([
    ['refuses', refusal(422, 'execution', 'found duplicate series for the match group')],
    ['cannot read them', refusal(422, 'execution', 'expanding series: too many')],
    ['takes too long', refusal(503, 'timeout', 'query timed out')],
    ['leaves some out, and warns of it', partial({ warnings: ['series limit violated'] })],
    ['leaves some out, and says so', partial({ isPartial: true })],
    ['gives more than a proxy before it passes on', [502, '<h1>Bad gateway</h1>']],
    ['limits the queries of a tenant', [429, 'too many samples for this tenant']],
    ['gives no JSON', [200, 'oops']],
    ['gives no vector', success('matrix', [])],
    ['gives one that is not readable', success('vector', [...OWN.map(() => ({ metric: 7, value: [0, '1'] }))])],
    ['gives one with a label that is no text', success('vector', [{ metric: { instance: 7 }, value: [0, '1'] }])],
  ])('in the same call, if Prometheus %s', async (_, all) => {
    reach();
    double.reply = serving(instances(), { all });
    expect(await round()).toEqual({ asked: ['count', 'all', 'names'], values: OWN });
    double.reply = serving(instances());
    expect(await round()).toEqual({ asked: ['names'], values: OWN });
  });

  test('if many select-all queries are too much for a proxy, and no other query is kept from Prometheus', async () => {
    reach();
    const metrics = ['a', 'b', 'c', 'd', 'e'];
    const waiting: (() => void)[] = [];
    const all: PrometheusReply = (_, response) => {
      waiting.push(() => response.writeHead(502).end());
      if (waiting.length === metrics.length) for (const answer of waiting) answer();
      return undefined;
    };
    double.reply = serving(instances(), { all });
    const queries = metrics.flatMap((metric) => cpus().map((query) => query.replace('cpu', metric)));
    const answers = await askAbout(prometheus, queries);
    expect(queries.map((query) => valuesOf(answers[query]))).toEqual(metrics.flatMap(() => OWN));
    expect(new Set(prometheus.outcomes)).toEqual(new Set(['ok']));
  });

  test('in the next call, if Prometheus does not answer', async () => {
    reach();
    const all: PrometheusReply = (_, response) => void response.destroy();
    double.reply = serving(instances(), { all });
    const outage = { kind: 'outage', reason: 'the connection was closed' };
    expect(await round()).toEqual({ asked: ['count', 'all'], values: OWN.map(() => outage) });
    expect(await round()).toEqual({ asked: ['names'], values: OWN });
  });

  test('for few members', async () => {
    reach({ selectAll: { fromMembers: MEMBERS + 1, maxSeriesPerMember: 1.25 } });
    double.reply = serving(instances());
    expect(await round()).toEqual({ asked: ['names'], values: OWN });
  });

  test('for a range', async () => {
    reach();
    double.reply = success('matrix', []);
    const { asked } = await round({ granularityS: 60, periods: 2 });
    expect(asked).toEqual(['names']);
  });
});

describe('if an answer has much less than the query reads', () => {
  /** Counts by the selector that is counted; all other queries have no answer. */
  function counting(counts: Record<string, number>): PrometheusReply {
    return (request) => {
      const query = request.form['query']!.replace(/=~"[^"]*"/g, '=~"…"');
      const count = counts[query.slice('count('.length, -1)];
      const at = Number(request.form['time']);
      const result = query.startsWith('count(') && count ? [{ metric: {}, value: [at, String(count)] }] : [];
      return [200, { status: 'success', data: { resultType: 'vector', result } }];
    };
  }
  const rate = (matcher: string): string => `count_over_time(cpu{instance${matcher}}[5m])`;

  test.each<[string, string, Record<string, number>, 'all' | 'names']>([
    ['of a comparison, few', 'cpu{instance="?"} > 9', { [ALL]: MEMBERS }, 'all'],
    [
      'of a comparison, many of which belong to no alarm',
      'cpu{instance="?"} > 9',
      { [ALL]: 40, 'cpu{instance=~"…"}': MEMBERS },
      'names',
    ],
    [
      'of a sum, many of which belong to no alarm',
      'sum(cpu{instance="?"})',
      { [ALL]: 40, 'cpu{instance=~"…"}': 31 },
      'names',
    ],
    ['of a sum, nearly all of members', 'sum(cpu{instance="?"})', { [ALL]: 40, 'cpu{instance=~"…"}': 32 }, 'all'],
    [
      'of a rate, many that are over',
      'rate(cpu{instance="?"}[5m])',
      { [rate('!="-"')]: 40, [rate('=~"…"')]: 10 },
      'names',
    ],
    ['of two metrics', 'a{instance="?"} / b{instance="?"}', { 'a{instance!="-"}': 10, 'b{instance!="-"}': 3 }, 'names'],
  ])('%s: %s', async (_, query, counts, form) => {
    reach();
    double.reply = counting(counts);
    const queries = Array.from({ length: MEMBERS }, (__, index) => query.replaceAll('?', String(index)));
    await askAbout(prometheus, queries);
    expect(formOf(double.asked.at(-1)!.form['query']!)).toBe(form);
    const before = double.asked.length;
    await askAbout(prometheus, queries, { now: new Date(NOON.getTime() + HOUR_MS - 1) });
    expect(double.asked.slice(before).map((asked) => formOf(asked.form['query']!))).toEqual([form]);
  });

  test('for fewer members, although select-all is worth it for more', async () => {
    reach();
    double.reply = counting({ [ALL]: 20 });
    const some = (count: number): string[] => cpus(count).map((query) => `${query} > 9`);
    await askAbout(prometheus, some(16));
    expect(formOf(double.asked.at(-1)!.form['query']!)).toBe('all');
    await askAbout(prometheus, some(15));
    expect(formOf(double.asked.at(-1)!.form['query']!)).toBe('names');
  });

  test('and series are counted again after an hour, although select-all queries succeeded meanwhile', async () => {
    reach();
    const queries = cpus().map((query) => `${query} > 9`);
    double.reply = counting({ [ALL]: MEMBERS });
    for (const afterMs of [0, HOUR_MS - 1])
      await askAbout(prometheus, queries, { now: new Date(NOON.getTime() + afterMs) });
    double.reply = counting({ [ALL]: 40, 'cpu{instance=~"…"}': MEMBERS });
    await askAbout(prometheus, queries, { now: new Date(NOON.getTime() + HOUR_MS) });
    expect(formOf(double.asked.at(-1)!.form['query']!)).toBe('names');
  });
});

test('each tenant has series of its own, and all of them are selected and counted in its name', async () => {
  reach({ tenancy: { kind: 'header', header: 'x-scope-orgid', adminTenant: undefined } });
  double.reply = serving(instances());
  const asks = ['p1', 'p2'].flatMap((project) => cpus().map((promql) => ({ promql, project })));
  const answers = await askAbout(prometheus, asks);
  const asked = double.asked.map(({ headers, form }) => [headers['x-scope-orgid'], formOf(form['query']!)]);
  expect(asked.sort()).toEqual([
    ['p1', 'all'],
    ['p1', 'count'],
    ['p2', 'all'],
    ['p2', 'count'],
  ]);
  expect(valuesOf(answers[`p2: ${cpuOf(3)}`])).toEqual([[3]]);
});

test("no series are selected beyond a project's own", async () => {
  reach();
  double.reply = serving(instances());
  await askAbout(
    prometheus,
    cpus().map((promql) => ({ promql, project: 'p1' })),
  );
  expect(double.asked.map(({ form }) => form['query'])).toEqual([
    'count(cpu{instance!="-",project="p1"})',
    'cpu{instance!="-",project="p1"}',
  ]);
});

test('counting ends after two seconds', async () => {
  reach({ timeoutMs: 30_000 });
  double.reply = serving(instances());
  await round();
  expect(double.asked.map(({ form }) => form['timeout'])).toEqual(['2000ms', '24000ms']);
});
