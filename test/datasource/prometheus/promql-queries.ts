import fc from 'fast-check';

import type { StoredSeries } from './promql-evaluator.js';

/** Stands in generated queries for the value of the label `host`, in quotes. */
export const HOST = '"HOST"';

/** Values of `host` with characters that have a meaning in regular expressions or string literals. */
export const HOSTS = [
  'web-1',
  'web.1',
  'a|b',
  '^x$',
  '\\d+',
  'it"s',
  ' blank ',
  'line\nbreak',
  'ü€😀',
  '(?i)WEB',
  'web',
  '\u0001',
];

const LABELS = ['host', 'job', 'le'];
const some = fc.subarray(LABELS);
const blank = fc.constantFrom('', ' ', ' # sum(up{host="x"})\n');

const matcher = fc.constantFrom(`job="api"`, `job!='db'`, 'job=~`a.*`', `le!="5"`, `job!~"(a|d)b?"`, `le=''`);

const selector = fc
  .record({
    name: fc.constantFrom('cpu', 'disk', 'sum', ''),
    matchers: fc.array(matcher, { maxLength: 2 }),
    isHeld: fc.integer({ min: 0, max: 12 }).map((n) => n > 0),
    gap: blank,
    comma: fc.constantFrom('', ','),
  })
  .map(({ name, matchers, isHeld, gap, comma }) => {
    const all = [
      ...matchers.slice(1),
      ...(isHeld ? [`host${gap}=${gap}${HOST}`] : ['le!~"none"']),
      ...matchers.slice(0, 1),
    ];
    return `${name}${gap}{${gap}${all.join(`,${gap}`)}${comma}}`;
  });

const clause = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  some.map((labels) => `on(${labels.join(', ')}) `),
  some.map((labels) => `ignoring (${labels.join(',')}) `),
);

const grouping = fc.oneof(
  fc.constant(''),
  some.map((labels) => `by (${labels.join(', ')})`),
  some.map((labels) => `without(${labels.join(',')})`),
);

/** Queries that yield a vector, made of the functions of the reference evaluator. */
export const vectorQueries: fc.Arbitrary<string> = fc.letrec<{ vector: string }>((tie) => ({
  vector: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    selector,
    selector.map((text) => `${text} offset 1m`),
    fc
      .tuple(fc.constantFrom('max_over_time', 'sum_over_time', 'delta'), selector)
      .map(([name, text]) => `${name}(${text}[3m])`),
    fc
      .tuple(fc.constantFrom('max_over_time', 'delta'), tie('vector'))
      .map(([name, text]) => `${name}((${text})[2m:1m])`),
    tie('vector').map((text) => `abs(${text})`),
    tie('vector').map((text) => `clamp_max(${text}, 3)`),
    tie('vector').map((text) => `histogram_quantile(0.9, ${text})`),
    fc
      .tuple(fc.constantFrom('sum', 'count', 'max'), grouping, tie('vector'))
      .map(([name, by, text]) => `${name} ${by} (${text})`),
    fc
      .tuple(fc.constantFrom('sum', 'max'), grouping, tie('vector'))
      .map(([name, by, text]) => `${name}(${text}) ${by}`),
    fc.tuple(grouping, tie('vector')).map(([by, text]) => `quantile ${by} (0.5, ${text})`),
    fc.tuple(tie('vector'), fc.constantFrom('+', '*', '>')).map(([text, operator]) => `(${text}) ${operator} 2`),
    tie('vector').map((text) => `time() - (${text})`),
    tie('vector').map((text) => `-(${text})`),
    fc
      .tuple(tie('vector'), fc.constantFrom('+', '-', '>', 'and', 'or', 'unless'), clause, tie('vector'))
      .map(([left, operator, on, right]) => `(${left}) ${operator} ${on}(${right})`),
  ),
})).vector;

/**
 * Series with every mixture of the labels in the queries, most of them of the given hosts; never two of the same
 * labels.
 */
export function storedSeries(hosts: readonly string[]): fc.Arbitrary<StoredSeries[]> {
  const series = fc.record({
    labels: fc.record(
      {
        __name__: fc.constantFrom('cpu', 'cpu', 'disk', 'sum'),
        host: fc.constantFrom(...hosts, ...hosts, 'elsewhere'),
        job: fc.constantFrom('api', 'api', 'b'),
        le: fc.constantFrom('5', '10'),
        tenant: fc.constantFrom('p1', 'p1', 'p2'),
      },
      { requiredKeys: ['__name__'] },
    ),
    samples: fc.array(fc.option(fc.integer({ min: -9, max: 9 }), { freq: 8 }), { minLength: 8, maxLength: 8 }),
  });
  return fc.uniqueArray(series, {
    minLength: 5,
    maxLength: 20,
    selector: ({ labels }) => JSON.stringify(Object.entries(labels).sort()),
  });
}
