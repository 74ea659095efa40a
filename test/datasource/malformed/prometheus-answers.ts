import fc from 'fast-check';

import type { PrometheusRule } from '../../../src/alarm/types/prometheus/schema.js';
import { comparing, NOW, STEP_MS, type Comparing, type JudgedCase } from './judged.js';
import { damaged, listOf, mostly, objectOf, oddTexts, own, readJson, type Text } from './json-text.js';
import { believed, expectedOf, type Measured, type Understood } from './oracle.js';

/** The body of the answer to some alarms. With several alarms it is one answer for all of them. */
export interface PrometheusCase {
  isRange: boolean;
  required: number;
  lagS: number;
  alarms: readonly Comparing[];
  status: number;
  body: Buffer;
  /** The server's answer to a query for one host alone. */
  bodies: readonly Buffer[];
}

export const HOSTS = ['h0', 'h1', 'h2', 'h3'];
const REFUSING = [400, 422, 413];
const STATUSES = [...REFUSING, 204, 206, 301, 401, 404, 429, 500, 503];

interface Shape {
  isRange: boolean;
  required: number;
  lagS: number;
}

function endOf({ lagS }: Shape): number {
  return NOW.getTime() - lagS * 1000;
}

const decimals: Text = fc.constantFrom(
  '0',
  '1',
  '2.5',
  '3',
  '4',
  '5',
  '7',
  '9e3',
  '-2',
  '5e-1',
  '+4',
  '3.',
  '.5',
  '-0',
  '12345678901234567890',
);
const texts: Text = decimals.map((text) => JSON.stringify(text));
/** Values that keep their place without being a number, and infinite numbers. */
const special: Text = fc
  .constantFrom('NaN', '+Inf', '-Inf', 'Inf', 'inf', '-Infinity', 'infinity', '1e999', '-1e400', 'Information', '')
  .map((text) => JSON.stringify(text));
const oddValues: Text = fc.oneof(
  oddTexts,
  fc
    .constantFrom(
      'NaN',
      '+Inf',
      '-Inf',
      'Inf',
      '1e999',
      '-1e400',
      '0x10',
      '1_000',
      '1,5',
      ' 1',
      '1 ',
      '',
      '-',
      '.',
      '1e',
      'e5',
    )
    .map((text) => JSON.stringify(text)),
  fc.constant(JSON.stringify('9'.repeat(400))),
  fc.nat(9).map(String),
);

function seconds(shape: Shape): Text {
  const end = endOf(shape) / 1000;
  const near = shape.isRange
    ? fc
        .tuple(fc.integer({ min: -2, max: shape.required + 4 }), fc.constantFrom(0, 0, 0, 0.001, -0.001, 0.0004))
        .map(([ago, off]) => end - ago * 60 + off)
    : fc.constantFrom(0, 0, 0, 0.25, -0.999, -1, 1, -3600, 3600).map((off) => end + off);
  return mostly(
    near.map(String),
    fc.oneof(
      oddTexts,
      near.map((at) => JSON.stringify(String(at))),
    ),
    20,
  );
}

function pairs(shape: Shape): Text {
  const usual = fc.tuple(seconds(shape), mostly(texts, oddValues, 6)).map(listOf);
  const odd = fc.oneof(oddTexts, fc.array(texts, { maxLength: 3 }).map(listOf));
  return mostly(usual, odd, 40);
}

function entries(shape: Shape, host: Text): Text {
  const labels = mostly(objectOf({ host, __name__: fc.constant('"up"') }), oddTexts, 60);
  const points = fc.array(pairs(shape), { maxLength: shape.isRange ? shape.required + 6 : 0 });
  const inOrder = fc
    .tuple(fc.nat(9), fc.array(mostly(texts, special, 8), { maxLength: shape.required + 4 }))
    .map(([gap, values]) => {
      const end = endOf(shape) / 1000;
      return listOf(
        values
          .map((value, age) => `[${end - age * 60},${value}]`)
          .filter((_, age) => age !== gap)
          .reverse(),
      );
    });
  const values = shape.isRange
    ? { values: mostly(fc.oneof(inOrder, points.map(listOf)), oddTexts, 60) }
    : { value: pairs(shape) };
  return mostly(objectOf({ metric: labels, ...values }), oddTexts, 80);
}

/** The parts of the answer around the series. */
function frames({ isRange }: Shape): fc.Arbitrary<(series: string) => string> {
  const placeholder = '"\u0001"';
  const type = mostly(
    fc.constant(isRange ? '"matrix"' : '"vector"'),
    fc.oneof(oddTexts, fc.constantFrom('"matrix"', '"vector"', '"scalar"', '"string"', '"streams"')),
    40,
  );
  const data = mostly(
    objectOf({ resultType: type, result: mostly(fc.constant(placeholder), oddTexts, 60) }),
    oddTexts,
    60,
  );
  const status = mostly(fc.constant('"success"'), fc.oneof(fc.constant('"error"'), oddTexts), 60);
  const warned = fc.constantFrom({}, {}, { warnings: fc.constant('["partial"]') }, { infos: oddTexts });
  const inPart = fc.constant({ isPartial: fc.constantFrom('true', 'false', '"true"', 'null') });
  const beside: fc.Arbitrary<Record<string, Text>> = fc.oneof(
    { weight: 20, arbitrary: warned },
    { weight: 1, arbitrary: inPart },
  );
  return beside
    .chain((more) => mostly(objectOf({ status, data, ...more }), oddTexts, 60))
    .map((text) => (series) => text.replaceAll(placeholder, () => series));
}

const refusals: Text = objectOf({
  status: mostly(fc.constant('"error"'), oddTexts),
  errorType: mostly(fc.constantFrom('"bad_data"', '"execution"', '"timeout"', '"internal"', '"x"'), oddTexts),
  error: mostly(
    fc.constantFrom(
      '"invalid parameter \\"query\\": 1:5: parse error"',
      '"expanding series: no"',
      '"dial tcp 127.0.0.1:9090"',
    ),
    oddTexts,
  ),
});

export const prometheusCases: fc.Arbitrary<PrometheusCase> = fc
  .record({
    isRange: fc.boolean(),
    required: fc.constantFrom(1, 2, 3, 5),
    lagS: fc.constantFrom(0, 0, 90),
    alarms: fc.oneof(
      fc.array(comparing, { minLength: 1, maxLength: 1 }),
      fc.array(comparing, { minLength: 2, maxLength: HOSTS.length }),
    ),
  })
  .map((shape) => (shape.isRange ? shape : { ...shape, required: 1 }))
  .chain((shape) => {
    const asked = HOSTS.slice(0, shape.alarms.length).map((host) => JSON.stringify(host));
    const known = fc.constantFrom(...asked);
    const stranger = fc.oneof(oddTexts, fc.constantFrom('"h9"', '"H0"', '"h0 "', '"__proto__"', '"constructor"'));
    const series = fc.array(entries(shape, mostly(known, stranger, 40)), { maxLength: 5 });
    return fc.tuple(fc.constant(shape), frames(shape), series, mostlyOk);
  })
  .chain(([shape, frame, series, [status, refusal]]) => {
    const text = refusal ?? frame(listOf(series));
    return damaged(text).map((body): PrometheusCase => {
      const hosts = status === 200 ? series.map(hostOf) : [];
      const asked = shape.alarms.length > 1 ? HOSTS : [];
      const bodies = asked.map((host) =>
        status === 200 ? Buffer.from(frame(listOf(series.filter((_, at) => hosts[at] === host)))) : body,
      );
      return { ...shape, status, body, bodies };
    });
  });

const mostlyOk: fc.Arbitrary<[number, string | undefined]> = fc.oneof(
  { weight: 30, arbitrary: fc.constant<[number, undefined]>([200, undefined]) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...STATUSES), fc.constant(undefined)) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...REFUSING), refusals) },
);

function hostOf(text: string): unknown {
  return own(own(readJson(Buffer.from(text))?.json, 'metric'), 'host');
}

/** The query of one alarm, which contains the number of the case. */
export function judgedPrometheus(one: PrometheusCase, index: number): JudgedCase {
  const understood = understoodBy(one);
  const alarms = one.alarms.map(({ treatment, ...condition }, which) => {
    const rule: PrometheusRule = {
      type: 'prometheus',
      ...condition,
      query: `up{case="${index}",host="${HOSTS[which]}"}`,
      ...(one.isRange && { granularity: STEP_MS / 1000, evaluation_periods: one.required }),
      scope_to_project: null,
    };
    const expected = expectedOf({ ...condition, treatment, required: one.required }, understood[which]!);
    return { rule, options: { treat_missing_data: treatment, ingestion_lag: one.lagS }, expected };
  });
  return { alarms, shown: `${one.isRange ? 'range' : 'moment'}, status ${one.status}: ${one.body.toString()}` };
}

/** For each alarm. */
function understoodBy(one: PrometheusCase): Understood[] {
  const whole = entriesOf(one.body, one);
  const hosts = HOSTS.slice(0, one.alarms.length);
  if (hosts.length === 1) return [seriesOf(whole, one)];
  if (typeof whole === 'string') return hosts.map(() => whole);
  const labels = whole.map((entry) => own(own(entry, 'metric'), 'host'));
  const isClear = labels.every((label) => hosts.some((host) => host === label));
  // If a series belongs to no alarm, the queries are sent one by one.
  return hosts.map((host, index) =>
    seriesOf(isClear ? whole.filter((_, at) => labels[at] === host) : entriesOf(one.bodies[index]!, one), one),
  );
}

function entriesOf(body: Buffer, { isRange, status }: PrometheusCase): unknown[] | 'outage' | 'unknown' {
  const read = readJson(body);
  if (status === 413) return 'unknown';
  if (REFUSING.includes(status)) return isRefusal(read?.json) ? 'unknown' : 'outage';
  if (status !== 200 || read === undefined || own(read.json, 'status') !== 'success') return 'outage';
  const data = dataIn(read.json);
  const [type, result] = [own(data, 'resultType'), own(data, 'result')];
  if (!Array.isArray(result)) return 'outage';
  if (type === (isRange ? 'matrix' : 'vector')) return result as unknown[];
  return ['matrix', 'vector', 'scalar', 'string'].some((known) => known === type) ? 'unknown' : 'outage';
}

/** Undefined if some of it is missing. */
function dataIn(json: unknown): unknown {
  return own(json, 'isPartial') === true ? undefined : own(json, 'data');
}

/** A refusal that comes again for every request. */
function isRefusal(json: unknown): boolean {
  const [type, text] = [own(json, 'errorType'), own(json, 'error')];
  if (own(json, 'status') !== 'error' || typeof type !== 'string') return false;
  const passes = ['timeout', 'canceled', 'internal', 'unavailable'].includes(type);
  return !passes && !(typeof text === 'string' && text.startsWith('expanding series:'));
}

function seriesOf(all: unknown[] | 'outage' | 'unknown', shape: Shape): Understood {
  if (typeof all === 'string') return all;
  const end = endOf(shape);
  const window = shape.isRange
    ? { from: end - (shape.required - 1) * STEP_MS, to: end + STEP_MS }
    : { from: end, to: end };
  const series = all.map((entry) => {
    const values = shape.isRange ? own(entry, 'values') : [own(entry, 'value')];
    const points = Array.isArray(values) ? (values as unknown[]).map((pair) => measured(pair, shape)) : [];
    return [...believed(points, window).values()];
  });
  return { series };
}

/** `[seconds, "value"]`. A time counts as the requested moment if it is the same to the second. */
function measured(pair: unknown, shape: Shape): Measured {
  const [at, text] = Array.isArray(pair) ? [own(pair, '0'), own(pair, '1')] : [];
  const end = endOf(shape);
  const exact = typeof at === 'number' ? Math.round(at * 1000) : undefined;
  const isNow = !shape.isRange && exact !== undefined && Math.abs(exact - end) < 1000;
  const isDecimal = typeof text === 'string' && /^[-+]?(?=\.?\d)\d*\.?\d*(?:e[-+]?\d+)?$/i.test(text);
  const isInfinite = typeof text === 'string' && ['inf', 'infinity'].includes(text.toLowerCase().replace(/^[-+]/, ''));
  if (isInfinite) return { at: isNow ? end : exact, value: text.startsWith('-') ? -Infinity : Infinity };
  return { at: isNow ? end : exact, value: isDecimal ? Number(text) : text };
}
