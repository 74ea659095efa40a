import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  askAbout,
  NOON,
  prometheusAt,
  refusal,
  startPrometheusDouble,
  valuesOf,
  type Observed,
  type PrometheusDouble,
  type PrometheusReply,
} from '../../support/prometheus-double.js';

const MEMBERS = 4;
const RANGE = { granularityS: 60, periods: 2 };
const IN_PART = 'it answered in part only';

let double: PrometheusDouble;
let prometheus: Observed;

beforeEach(async () => {
  double = await startPrometheusDouble();
});
afterEach(async () => {
  prometheus.datasource.close?.();
  await double.close();
});

/** A select-all query is used from `fromMembers` queries on. */
function reach(fromMembers = Infinity): void {
  prometheus = prometheusAt(double.url, { selectAll: { fromMembers, maxSeriesPerMember: 1.25 } });
}

const cpus = Array.from({ length: MEMBERS }, (_, index) => `cpu{instance="${index}"}`);
const OWN = cpus.map((_, index) => [[index]]);

/** The form of a query: `count` of all series, `all` of them, or those of `names`. */
function formOf(query: string): 'count' | 'all' | 'names' {
  if (query.startsWith('count(')) return 'count';
  return query.includes('!=') ? 'all' : 'names';
}

const asked = (): string[] => double.asked.map(({ form }) => formOf(form['query']!));

/**
 * The series of these instances, each with its number as its value; `more` is added to the answer to a form of query.
 */
function serving(
  instances: readonly number[],
  more: (form: ReturnType<typeof formOf>) => Record<string, unknown>,
): PrometheusReply {
  return ({ target, form }) => {
    const isRange = target.endsWith('_range');
    const at = Number(form[isRange ? 'end' : 'time']);
    const kind = formOf(form['query']!);
    const series = (metric: Record<string, string>, value: number): unknown =>
      isRange ? { metric, values: [[at, String(value)]] } : { metric, value: [at, String(value)] };
    const result =
      kind === 'count'
        ? [series({}, instances.length)]
        : instances.map((each) => series({ instance: String(each) }, each));
    return [200, { status: 'success', ...more(kind), data: { resultType: isRange ? 'matrix' : 'vector', result } }];
  };
}

const ALL = [0, 1, 2, 3];

const ways: [string, queries: string[], request: object, fromMembers: number, asked: string[]][] = [
  ['one query', cpus.slice(0, 1), {}, Infinity, ['names']],
  ['one query about a range', cpus.slice(0, 1), RANGE, Infinity, ['names']],
  ['several queries', cpus, {}, Infinity, ['names']],
  ['several queries about a range', cpus, RANGE, Infinity, ['names']],
  ['all series, and their number', cpus, {}, MEMBERS, ['count', 'all']],
];

describe('a request tells a store to fail instead of leaving series out', () => {
  test.each(ways)('%s', async (_, queries, request, fromMembers, expected) => {
    reach(fromMembers);
    double.reply = serving(
      queries.map((__, index) => index),
      () => ({}),
    );
    const answers = await askAbout(prometheus, queries, request);
    expect(Object.values(answers).map(valuesOf)).toEqual(OWN.slice(0, queries.length));
    expect(asked()).toEqual(expected);
    for (const { target, form } of double.asked) {
      expect(form).toMatchObject({ partial_response: 'false', deny_partial_response: '1' });
      expect(target).not.toContain('?');
    }
  });
});

describe('an answer that says it is partial is an outage, and counts against Prometheus', () => {
  test.each(ways)('%s', async (_, queries, request, fromMembers, expected) => {
    reach(fromMembers);
    double.reply = serving([0], () => ({ isPartial: true }));
    const answers = await askAbout(prometheus, queries, request);
    expect(Object.values(answers)).toEqual(queries.map(() => ({ kind: 'outage', reason: IN_PART })));
    // Not divided: a smaller request would have a partial answer too.
    expect(asked()).toEqual(expected[0] === 'count' ? ['count', 'names'] : ['names']);
    expect(prometheus.outcomes.at(-1)).toBe(IN_PART);
  });

  test('all series, after they were counted', async () => {
    reach(MEMBERS);
    double.reply = serving(ALL, (form) => (form === 'all' ? { isPartial: true } : {}));
    expect(Object.values(await askAbout(prometheus, cpus)).map(valuesOf)).toEqual(OWN);
    expect(asked()).toEqual(['count', 'all', 'names']);
  });
});

test('a complete answer after a partial one is accepted', async () => {
  reach();
  double.reply = serving([0], () => ({ isPartial: true }));
  await askAbout(prometheus, cpus);
  double.reply = serving(ALL, () => ({ isPartial: false }));
  expect(Object.values(await askAbout(prometheus, cpus)).map(valuesOf)).toEqual(OWN);
});

test('a partial answer to a query of the wrong type is not taken for a refusal', async () => {
  reach();
  double.reply = [
    200,
    { status: 'success', isPartial: true, data: { resultType: 'scalar', result: [NOON.getTime() / 1000, '1'] } },
  ];
  expect(await askAbout(prometheus, ['up'])).toEqual({ up: { kind: 'outage', reason: IN_PART } });
});

describe('warnings, which the author of a query can provoke, do not make an answer invalid', () => {
  test.each(ways.slice(0, 4))('to %s', async (_, queries, request) => {
    reach();
    const warnings = [
      'PromQL warning: metric might not be a counter',
      'receive series from Addr: 10.0.0.7:10901: gone',
    ];
    double.reply = serving(
      queries.map((__, index) => index),
      () => ({ warnings }),
    );
    expect(Object.values(await askAbout(prometheus, queries, request)).map(valuesOf)).toEqual(
      OWN.slice(0, queries.length),
    );
  });
});

describe('a store that fails because a store behind it is unavailable', () => {
  const away = 'a store behind it is away';
  const address = 'Addr: 10.0.0.7:10901 LabelSets: {cluster="east"} MinTime: 1 MaxTime: 2';
  const refused =
    'connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.7:10901: connect: connection refused"';
  const proxied = `proxy Series(): rpc error: code = Aborted desc = receive series from ${address}`;
  const begun = `proxy Series(): fetch series for {cluster="east"} ${address}`;

  test.each<[string, PrometheusReply, string]>([
    [
      'with 503',
      refusal(503, '503', 'cannot fetch data from vmstorage at 10.0.0.7:8401'),
      'it answered with status 503',
    ],
    [
      'with 422, before its first series',
      refusal(422, 'execution', `expanding series: ${begun}: rpc error: code = Unavailable desc = ${refused}`),
      away,
    ],
    [
      'with 422, among its series',
      refusal(
        422,
        'execution',
        `expanding series: ${proxied}: rpc error: code = Unavailable desc = error reading from server: EOF`,
      ),
      away,
    ],
    [
      'with 422, of another engine',
      refusal(422, 'execution', `${proxied}: rpc error: code = Unavailable desc = ${refused}`),
      away,
    ],
    [
      'with 422, of an engine that hands queries on',
      refusal(422, 'execution', `rpc error: code = Unavailable desc = ${refused}`),
      away,
    ],
  ])('%s is an outage for all, and the request is not divided', async (_, reply, reason) => {
    reach();
    double.reply = reply;
    expect(Object.values(await askAbout(prometheus, cpus))).toEqual(cpus.map(() => ({ kind: 'outage', reason })));
    expect(asked()).toEqual(['names']);
    expect(prometheus.outcomes).toEqual([reason]);
  });

  test.each([
    ['meets a limit', `expanding series: ${proxied}: rpc error: code = ResourceExhausted desc = exceeded series limit`],
    ['meets a limit in another engine', `${proxied}: rpc error: code = ResourceExhausted desc = exceeded series limit`],
    ['is slow', `expanding series: ${proxied}: failed to receive any data in 5s: context deadline exceeded`],
    [
      'fails where it was handed on',
      `rpc error: code = Aborted desc = ${proxied}: rpc error: code = Internal desc = disk`,
    ],
    [
      'quotes something',
      `expanding series: ${proxied}: rpc error: code = Unknown desc = no such ` +
        `label "rpc error: code = Unavailable desc = "`,
    ],
  ])('is not meant if one %s: that may be about the query', async (_, text) => {
    reach();
    double.reply = ({ form }, response) => {
      if (form['query']!.includes('2')) return refusal(422, 'execution', text);
      const reply = serving(
        ALL.filter((each) => form['query']!.includes(String(each))),
        () => ({}),
      );
      return typeof reply === 'function' ? reply(double.asked.at(-1)!, response) : reply;
    };
    const outage = { kind: 'outage', reason: 'it answered with status 422 (execution)' };
    expect(Object.values(await askAbout(prometheus, cpus)).map(valuesOf)).toEqual([[[0]], [[1]], outage, [[3]]]);
    expect(new Set(prometheus.outcomes)).toEqual(new Set(['ok']));
  });

  test.each([
    'found duplicate series for the match group {x="rpc error: code = Unavailable desc = "}',
    'found duplicate series for the match group {x="expanding series: ' +
      'proxy Series(): rpc error: code = Unavailable desc = "}',
    'rpc error: code = Aborted desc = found duplicate series for the ' +
      'match group {x="rpc error: code = Unavailable desc = "}',
  ])('is not recognized in the text of a query: %s', async (text) => {
    reach();
    double.reply = refusal(422, 'execution', text);
    expect(await askAbout(prometheus, ['up'])).toMatchObject({ up: { kind: 'refused' } });
    expect(prometheus.outcomes).toEqual(['ok']);
  });
});
