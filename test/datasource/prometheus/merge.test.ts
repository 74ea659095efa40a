import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  groupByMergeParameter,
  mergeParametersOf,
  mergedPromql,
} from '../../../src/datasource/prometheus/promql/merge.js';
import { parsePromql } from '../../../src/datasource/prometheus/promql/parse.js';
import { selectorsOf } from '../../../src/datasource/prometheus/promql/selectors.js';
import { quoted, stringOf } from '../../../src/datasource/prometheus/promql/string-literal.js';

/** The query merged with the same query of another host. */
function mergedWithB(promql: string): string | undefined {
  const parameter = mergeParametersOf(promql).find(({ label }) => label === 'h');
  return parameter && mergedPromql(parameter, ['b', parameter.value]);
}

describe('a query that can be merged', () => {
  const H = 'h=~"a|b"';
  test.each([
    ['a selector', 'cpu{h="a"}', `cpu{${H}}`],
    ['a quoted label', '{"my.metric","h"="a"}', '{"my.metric","h"=~"a|b"}'],
    ['the same matcher twice', 'cpu{h="a",h="a"}', `cpu{${H},${H}}`],
    ['a function of each series', 'rate(cpu{h="a"}[5m] offset 1h)', `rate(cpu{${H}}[5m] offset 1h)`],
    ['an aggregation', 'sum(cpu{h="a"})', `sum by (h) (cpu{${H}})`],
    ['an aggregation by nothing', 'sum by () (cpu{h="a"})', `sum by (h) (cpu{${H}})`],
    ['an aggregation by others', 'sum by (x , y,) (cpu{h="a"})', `sum by (x,y, h,) (cpu{${H}})`],
    ['grouping behind', 'max(cpu{h="a"}) by (x)', `max(cpu{${H}}) by (x, h)`],
    ['an aggregation by the label', 'sum by ("h") (cpu{h="a"})', `sum by ("h") (cpu{${H}})`],
    ['an aggregation without others', 'sum without (x) (cpu{h="a"})', `sum without (x) (cpu{${H}})`],
    ['a quantile', 'quantile(-0.5, cpu{h="a"})', `quantile by (h) (-0.5,cpu{${H}})`],
    [
      'a histogram',
      'histogram_quantile(0.9, sum by (le) (cpu{h="a"}))',
      `histogram_quantile(0.9,sum by (le, h) (cpu{${H}}))`,
    ],
    ['an age', 'time() - max(cpu{h="a"}) > 300', `time() - max by (h) (cpu{${H}}) > 300`],
    ['a ratio', 'sum(a{h="a"}) / sum(b{h="a"})', `sum by (h) (a{${H}}) / sum by (h) (b{${H}})`],
    ['a match on the label', 'a{h="a"} - on (h) b{h="a"}', `a{${H}} - on (h) b{${H}}`],
    ['a set', 'a{h="a"} unless ignoring (x) b{h="a"}', `a{${H}} unless ignoring (x) b{${H}}`],
    ['a subquery', 'max_over_time(sum(a{h="a"})[1h:5m] @ 7)', `max_over_time(sum by (h) (a{${H}})[1h:5m] @ 7)`],
  ])('%s', (_what, promql, expected) => {
    expect(mergedWithB(promql)).toBe(expected);
    expect(parsePromql(expected)).not.toHaveProperty('problem');
  });
});

describe('a query that is not merged', () => {
  test.each([
    ['without the matcher', 'cpu'],
    ['with another matcher on the label', 'cpu{h="a",h!="b"}'],
    ['with two values', 'cpu{h="a"} + cpu{h="b"}'],
    ['with one selector free', 'sum(cpu{h="a"}) / sum(cpu)'],
    ['with no value: series without the label', 'cpu{h=""}'],
    ['with a pattern', 'cpu{h=~"a"}'],
    ['a range by itself', 'cpu{h="a"}[5m]'],
    ['topk', 'topk(1, cpu{h="a"})'],
    ['topk by the label', 'topk by (h) (1, cpu{h="a"})'],
    ['bottomk', 'bottomk(1, cpu{h="a"})'],
    ['count_values', 'count_values("x", cpu{h="a"})'],
    ['limitk', 'limitk(1, cpu{h="a"})'],
    ['limit_ratio', 'limit_ratio(0.5, cpu{h="a"})'],
    ['an aggregation that names the label to drop it', 'sum without (h) (cpu{h="a"})'],
    ['the same, quoted', 'sum without ("h") (cpu{h="a"})'],
    ['a quantile of a parameter with data', 'quantile(scalar(cpu{h="a"}), cpu{h="a"})'],
    ['absent', 'absent(cpu{h="a"})'],
    ['absent_over_time', 'absent_over_time(cpu{h="a"}[5m])'],
    ['scalar', 'scalar(cpu{h="a"}) + 1'],
    ['vector', 'sum(cpu{h="a"}) or vector(0)'],
    ['label_replace', 'label_replace(cpu{h="a"}, "h", "x", "", "")'],
    ['label_join', 'label_join(cpu{h="a"}, "h", "")'],
    ['sort', 'sort(cpu{h="a"})'],
    ['info', 'info(cpu{h="a"})'],
    ['the hour of now', 'cpu{h="a"} * hour()'],
    ['a match on others', 'a{h="a"} - on (x) b{h="a"}'],
    ['a match that ignores the label', 'a{h="a"} - ignoring (h) b{h="a"}'],
    ['several to one', 'a{h="a"} * on (h) group_left b{h="a"}'],
    ['the label on one side only', 'a{h="a"} / sum(b{h="a"})'],
    ['filling', 'a{h="a"} + fill(0) b{h="a"}'],
    ['anchoring', 'rate(a{h="a"}[5m] anchored)'],
    ['trimming', 'a{h="a"} </ 2'],
    ['text that cannot be read', 'cpu{h="a"'],
  ])('%s', (_what, promql) => {
    expect(mergedWithB(promql)).toBeUndefined();
  });

  test.each(['{__name__="cpu"}', 'histogram_quantile(0.9, cpu{le="1"})'])('because of its form: %s', (promql) => {
    expect(mergeParametersOf(promql)).toEqual([]);
  });
});

describe('the template of a merge parameter', () => {
  const templatesOf = (promql: string): string[] => mergeParametersOf(promql).map(({ template }) => template);

  test('is the same for queries that differ in the value and in spelling', () => {
    const [first, second] = [`cpu{a="1",b="x"}  >   2`, `cpu{ a=\`2\` ,b='x' }#\n> 2`].map(
      (promql) => templatesOf(promql)[0],
    );
    expect(first).toBeDefined();
    expect(second).toBe(first);
  });

  test.each([
    ['another matcher', 'cpu{a="1",b="x"}', 'cpu{a="1",b="y"}'],
    ['another label', 'cpu{a="1"}', 'cpu{b="1"}'],
    ['another range', 'rate(cpu{a="1"}[5m])', 'rate(cpu{a="1"}[10m])'],
    ['another offset', 'cpu{a="1"} offset 5m', 'cpu{a="1"}'],
    ['another limit', 'cpu{a="1"} > 1', 'cpu{a="1"} > 2'],
  ])('differs with %s', (_what, one, other) => {
    expect(templatesOf(one)[0]).not.toBe(templatesOf(other)[0]);
  });

  test('cannot be imitated in a query', () => {
    const [parameter] = mergeParametersOf(String.raw`cpu{a="1",b="\0000",c="` + '\0"}');
    expect(parameter && mergedPromql(parameter, ['1'])).toBe(String.raw`cpu{a=~"1",b="\u00000",c="\u0000"}`);
    expect(mergeParametersOf('cpu{a="1"} +\0 1')).toEqual([]);
  });
});

test('values stay values in the pattern, each once and in order', () => {
  const [parameter] = mergeParametersOf('cpu{h="x"}');
  const values = ['b.c', 'a|"\\', '\n ', 'b.c', '(?i)$^[x]{1}*+?', 'ü😀', "it's", '-/#'];
  expect(parameter && mergedPromql(parameter, values)).toBe(
    String.raw`cpu{h=~"\n |\\(\\?i\\)\\$\\^\\[x\\]\\{1\\}\\*\\+\\?|-/#|a\\|\"\\\\|b\\.c|it's|ü😀"}`,
  );
});

test('a merged query matches its values and nothing else', () => {
  const value = fc.string({
    unit: fc.constantFrom(...'ab.|\\^$*+?()[]{}"\'`\n\r\t #-ü😀\0'),
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(fc.uniqueArray(value, { minLength: 1, maxLength: 5 }), value, (values, other) => {
      const [parameter] = mergeParametersOf(`cpu{h=${quoted(other)}}`);
      const query = parsePromql(parameter ? mergedPromql(parameter, values) : '');
      const [matcher] = 'problem' in query ? [] : (selectorsOf(query)[0]?.matchers ?? []);
      const pattern = new RegExp(`^(?:${matcher?.value ?? ''})$`, 'su');
      for (const each of [...values, other]) expect(pattern.test(each)).toBe(values.includes(each));
    }),
    { numRuns: 300 },
  );
});

test('a string that is quoted says the same again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(stringOf(quoted(text))).toBe(text);
    }),
  );
});

describe('grouping', () => {
  const keyed = (texts: readonly string[]): Parameters<typeof groupByMergeParameter>[0] =>
    texts.map((promql, index) => ({ key: `q${index}`, promql, parameters: mergeParametersOf(promql) }));

  test(
    'every query uses the parameter that most others have; a ' + 'query that cannot be merged is sent alone',
    async () => {
      const grid = ['a', 'b', 'c'].flatMap((h) => ['x', 'y'].map((d) => `cpu{d="${d}",h="${h}"}`));
      const groups = await groupByMergeParameter(keyed([...grid, 'topk(1, cpu)', 'cpu{d="z",h="z"}']), 100);
      expect(
        groups.map(({ parameter, members }) => [
          parameter?.label ?? null,
          members.map(({ key, value }) => [key, value]),
        ]),
      ).toEqual([
        [null, [['q6', null]]],
        [null, [['q7', null]]],
        ['h', [['q0', 'a'], ['q2', 'b'], ['q4', 'c']]], // prettier-ignore
        ['h', [['q1', 'a'], ['q3', 'b'], ['q5', 'c']]], // prettier-ignore
      ]);
    },
  );

  test('a query whose only companions use other parameters is sent alone', async () => {
    const groups = await groupByMergeParameter(
      keyed(['cpu{d="x",h="a"}', 'cpu{d="y",h="a"}', 'cpu{d="y",h="b"}', 'cpu{d="y",h="c"}']),
      100,
    );
    expect(groups.map(({ members }) => members.map(({ key }) => key))).toEqual([['q0'], ['q1', 'q2', 'q3']]);
    expect(groups[0]).toEqual({ parameter: null, members: [{ key: 'q0', promql: 'cpu{d="x",h="a"}', value: null }] });
  });

  test('or joins them if it has their parameter too', async () => {
    const queries = [
      'cpu{d="x",h="a"}',
      'cpu{d="y",h="a"}',
      'cpu{d="y",h="b"}',
      'cpu{d="y",h="c"}',
      'cpu{d="x",h="z"}',
    ];
    const groups = await groupByMergeParameter(keyed(queries), 100);
    expect(groups.map(({ members }) => members.map(({ key }) => key))).toEqual([
      ['q1', 'q2', 'q3'],
      ['q4', 'q0'],
    ]);
  });

  test.each([
    { queries: 1001, most: 500, sizes: [334, 334, 333] },
    { queries: 1000, most: 500, sizes: [500, 500] },
    { queries: 3, most: 1, sizes: [1, 1, 1] },
    { queries: 1, most: 500, sizes: [1] },
    { queries: 0, most: 500, sizes: [] },
  ])('$queries queries in requests of $most at most', async ({ queries, most, sizes }) => {
    const groups = await groupByMergeParameter(
      keyed(Array.from({ length: queries }, (_, index) => `cpu{h="h${index}"}`)),
      most,
    );
    expect(groups.map(({ members }) => members.length)).toEqual(sizes);
    expect(groups.every(({ parameter, members }) => (parameter === null) === (members.length === 1))).toBe(true);
  });

  test('every query is in exactly one group, by a merge parameter of its own', async () => {
    const query = fc.tuple(fc.constantFrom(...'abc'), fc.constantFrom(...'xyz'), fc.constantFrom('cpu', 'mem'));
    await fc.assert(
      fc.asyncProperty(fc.array(query, { maxLength: 20 }), fc.integer({ min: 1, max: 6 }), async (given, most) => {
        const queries = keyed(given.map(([h, d, name]) => `${name}{h="${h}",d="${d}"}`));
        const groups = await groupByMergeParameter(queries, most);
        expect(groups.flatMap(({ members }) => members.map(({ key }) => key)).sort()).toEqual(
          queries.map(({ key }) => key).sort(),
        );
        for (const { parameter, members } of groups) {
          expect(members.length).toBeLessThanOrEqual(most);
          for (const { promql, value } of members)
            if (parameter) expect(mergeParametersOf(promql)).toContainEqual({ ...parameter, value });
        }
      }),
    );
  });
});
