import fc from 'fast-check';

import { comparing, NOW, STEP_MS, type Comparing } from './judged.js';
import { damaged, listOf, mostly, objectOf, oddTexts, type Text } from './json-text.js';

const KINDS = ['resource', 'metrics', 'search'] as const;
type Kind = (typeof KINDS)[number];

export interface Reply {
  status: number;
  body: Buffer;
}

/** The answer to some alarms of one kind, in one request if they are several. */
export interface GnocchiCase {
  kind: Kind;
  index: number;
  method: string;
  required: number;
  alarms: readonly Comparing[];
  /** The answer to the search that finds the ids of metrics. */
  found: Reply;
  /** The answer to the query for rows. */
  measured: Reply;
  /** The answer to a query for the resources of one search alone, once the queries are sent one by one. */
  bodies: readonly Buffer[];
}

const METHODS: Record<Kind, readonly string[]> = {
  // A name that identifies the case to the server even if its ids are invalid.
  resource: [`of ${uuid(0, 'd', 0)}`],
  metrics: ['mean', 'max', 'min', 'sum', 'count'],
  search: ['mean', 'max', 'sum'],
};
/** Number of metrics of each alarm on metrics by id. */
const METRICS_EACH = 2;
const MAX_ALARMS = 3;
export const END = NOW.getTime();
/** Ids that contain the number of the case. */
const UUID = /0000-4000-8000-([0-9a-f]{8})/;

export function uuid(index: number, prefix: string, which: number): string {
  return `${prefix}000000${which}-0000-4000-8000-${index.toString(16).padStart(8, '0')}0000`;
}

export function caseNumber(request: string): number {
  return Number.parseInt(UUID.exec(request)?.[1] ?? '', 16);
}

/** The search of a request, if it is about a single one. */
export function searchAlone(request: string): number | undefined {
  return /"=":\{"server_group":"b000000(\d)/.exec(request)?.slice(1).map(Number)[0];
}

export function metricsOf({ kind, index }: Pick<GnocchiCase, 'kind' | 'index'>, which: number): string[] {
  if (kind === 'resource') return [uuid(index, 'a', which)];
  return Array.from({ length: METRICS_EACH }, (_, n) => uuid(index, 'a', which * METRICS_EACH + n));
}

const minutes = fc.integer({ min: -3, max: 9 }).map((ago) => Math.floor(END / STEP_MS) * STEP_MS - ago * STEP_MS);
const written: Text = minutes.map((at) => JSON.stringify(new Date(at).toISOString().replace('.000Z', '+00:00')));
const otherwise: Text = fc.tuple(minutes, fc.nat(7)).map(([at, form]) => {
  const iso = new Date(at).toISOString();
  const east = new Date(at + 2 * 3_600_000).toISOString().slice(0, 19);
  const forms = [
    iso,
    iso.slice(0, 19),
    `${east}+02:00`,
    `${east}+0200`,
    iso.replace('T', ' '),
    `${iso.slice(0, 19)}.250000+00:00`,
  ];
  return JSON.stringify(forms[form] ?? String(at));
});
const noTimes: Text = fc.oneof(
  oddTexts,
  fc
    .constantFrom(
      '2026-02-30T00:00:00+00:00',
      '2026-01-01T25:00:00Z',
      'now',
      '2026-1-1',
      '+020260-01-01T12:00:00Z',
      'x'.repeat(100),
    )
    .map((text) => JSON.stringify(text)),
  minutes.map((at) => String(at / 1000)),
  fc.constantFrom('"1970-01-01T00:00:00+00:00"', '"9999-12-31T23:59:59+00:00"'),
);
const numbers: Text = fc.constantFrom(
  '0',
  '1',
  '2.5',
  '3',
  '4',
  '5',
  '7.0',
  '9e3',
  '-2',
  '5E-1',
  '-0',
  '12345678901234567890',
  '1e308',
);
/** Values that keep their place without being a number, and infinite numbers. */
const special: Text = fc.constantFrom('NaN', 'null', 'Infinity', '-Infinity', '1e999', '"5"', '[7]');
const granularities = mostly(
  fc.constantFrom('60', '60.0', '6e1'),
  fc.oneof(oddTexts, fc.constantFrom('300.0', '"60"', '60.5')),
  12,
);
const row = mostly(
  fc
    .tuple(
      mostly(fc.oneof({ weight: 5, arbitrary: written }, { weight: 1, arbitrary: otherwise }), noTimes, 20),
      granularities,
      mostly(numbers, oddTexts, 12),
    )
    .map(listOf),
  oddTexts,
  40,
);
const inOrder: Text = fc
  .tuple(fc.nat(12), fc.array(mostly(numbers, special, 8), { maxLength: 9 }))
  .map(([gap, values]) => {
    const start = Math.floor(END / STEP_MS) * STEP_MS;
    const rows = values.map(
      (value, age) => `["${new Date(start - age * STEP_MS).toISOString().slice(0, 19)}+00:00",60.0,${value}]`,
    );
    return listOf(rows.filter((_, age) => age !== gap).reverse());
  });
const rows = mostly(fc.oneof(inOrder, fc.array(row, { maxLength: 10 }).map(listOf)), oddTexts, 40);

type Asked = Pick<GnocchiCase, 'kind' | 'index' | 'method' | 'required' | 'alarms'>;

/** Rows by the ids of metrics. */
function byMetric(asked: Asked): Text {
  const ids = asked.alarms.flatMap((_, which) => metricsOf(asked, which));
  const each = mostly(objectOf({ [asked.method]: rows }), oddTexts, 40);
  const measures = mostly(objectOf(Object.fromEntries(ids.map((id) => [id, each]))), oddTexts, 40);
  return mostly(objectOf({ measures }), oddTexts, 60);
}

/** Rows of the resources of one search, as the answer to that search alone, and as a group of a merged answer. */
interface Group {
  alone: string;
  together: string[];
}

function groups({ index }: Asked, which: number): fc.Arbitrary<Group> {
  const measures = mostly(objectOf({ measures: mostly(objectOf({ aggregated: rows }), oddTexts, 40) }), oddTexts, 60);
  const name = mostly(
    fc.constant(JSON.stringify(uuid(index, 'b', which))),
    fc.oneof(oddTexts, fc.constant(JSON.stringify(uuid(index, 'b', 8)))),
    40,
  );
  const group = mostly(objectOf({ server_group: name }), oddTexts, 60);
  return fc.tuple(measures, group, fc.nat(19)).chain(([alone, named, times]) => {
    const one = mostly(objectOf({ group: fc.constant(named), measures: fc.constant(alone) }), oddTexts, 60);
    return fc
      .array(one, { minLength: times === 0 ? 0 : 1, maxLength: times === 1 ? 2 : 1 })
      .map((together) => ({ alone, together }));
  });
}

interface Rows {
  text: string;
  alone: readonly string[];
}

function answersTo(asked: Asked): fc.Arbitrary<Rows> {
  if (asked.kind !== 'search') return byMetric(asked).map((text) => ({ text, alone: [] }));
  return fc.tuple(...asked.alarms.map((_, which) => groups(asked, which))).map((all) => {
    const alone = all.map((group) => group.alone);
    return { text: all.length === 1 ? alone[0]! : listOf(all.flatMap(({ together }) => together)), alone };
  });
}

function resources(asked: Asked): Text {
  const list = asked.alarms.map((_, which) => {
    const metrics = mostly(
      objectOf({ cpu: mostly(fc.constant(JSON.stringify(metricsOf(asked, which)[0])), oddTexts, 60) }),
      oddTexts,
      80,
    );
    const id = mostly(fc.constant(JSON.stringify(uuid(asked.index, 'c', which))), oddTexts, 80);
    return mostly(objectOf({ id, metrics }), oddTexts, 100);
  });
  return mostly(fc.tuple(...list).map(listOf), oddTexts, 60);
}

const REFUSALS: Text = objectOf({
  code: fc.constant('400'),
  description: fc.oneof(
    oddTexts,
    fc.constantFrom('"Metric x does not exist"', '"no"'),
    objectOf({
      cause: mostly(
        fc.constantFrom(
          '"Unknown metrics"',
          '"Metrics with unknown aggregation"',
          '"Metrics not found"',
          '"Invalid input"',
        ),
        oddTexts,
        4,
      ),
      reason: mostly(fc.constantFrom('"Granularities are missing"', '"no"'), oddTexts, 4),
      detail: mostly(fc.constantFrom('["operations"]', '[["x","mean"]]', '["x"]', '"x"'), oddTexts, 2),
    }),
  ),
});
const REFUSING = [400, 403, 404, 409, 413];
const STATUSES = [...REFUSING, 204, 301, 401, 408, 425, 429, 500, 503];

function replies(text: string): fc.Arbitrary<Reply> {
  const usual = damaged(text).map((body): Reply => ({ status: 200, body }));
  const refusal = fc
    .tuple(fc.constantFrom(...REFUSING), mostly(REFUSALS, oddTexts))
    .map(([status, body]): Reply => ({ status, body: Buffer.from(body) }));
  const other = fc
    .tuple(fc.constantFrom(...STATUSES), damaged(text))
    .map(([status, body]): Reply => ({ status, body }));
  return fc.oneof({ weight: 24, arbitrary: usual }, { weight: 2, arbitrary: refusal }, { weight: 1, arbitrary: other });
}

/** Cases without a number; `numbered` gives them one. */
export const gnocchiCases: fc.Arbitrary<GnocchiCase> = fc
  .constantFrom(...KINDS)
  .chain((kind) =>
    fc.record({
      kind: fc.constant(kind),
      index: fc.constant(0),
      method: fc.constantFrom(...METHODS[kind]),
      required: fc.constantFrom(1, 2, 3, 5),
      alarms: fc.array(comparing, { minLength: 1, maxLength: MAX_ALARMS }),
    }),
  )
  .chain((asked) => fc.tuple(fc.constant(asked), resources(asked).chain(replies), answersTo(asked)))
  .chain(([asked, found, { text, alone }]) =>
    fc.tuple(replies(text), fc.nat(5)).map(([measured, isFoundOdd]): GnocchiCase => {
      const bodies = alone.map((one) => (measured.status === 200 ? Buffer.from(one) : measured.body));
      return { ...asked, found: isFoundOdd === 0 ? found : allFound(asked), measured, bodies };
    }),
  );

/** The same case, with its number in all ids. */
export function numbered({ found, measured, bodies, ...asked }: GnocchiCase, index: number): GnocchiCase {
  const [before, after] = [0, index].map((number) => uuid(number, '', 0).slice(SUFFIX)) as [string, string];
  const renamed = (body: Buffer): Buffer => Buffer.from(body.toString('latin1').replaceAll(before, after), 'latin1');
  const again = ({ status, body }: Reply): Reply => ({ status, body: renamed(body) });
  const method = asked.method.replace(before, after);
  return { ...asked, method, index, found: again(found), measured: again(measured), bodies: bodies.map(renamed) };
}

/** The position in an id without prefix where the part begins that is the same for all ids of a case. */
const SUFFIX = 7;

function allFound(asked: Asked): Reply {
  const list = asked.alarms.map((_, which) => ({
    id: uuid(asked.index, 'c', which),
    metrics: { cpu: metricsOf(asked, which)[0] },
  }));
  return { status: 200, body: Buffer.from(JSON.stringify(list)) };
}
