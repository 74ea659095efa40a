import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { withEnforcedLabel } from '../../../src/datasource/prometheus/promql/enforce.js';
import { parsePromql } from '../../../src/datasource/prometheus/promql/parse.js';
import { selectorsOf } from '../../../src/datasource/prometheus/promql/selectors.js';
import { HOST, vectorQueries } from './promql-queries.js';

const narrowed = (promql: string): unknown => withEnforcedLabel(promql, 'tenant', 'p1');

const T = 'tenant="p1"';

describe('every selector is limited', () => {
  test.each([
    ['a plain name', 'cpu', `cpu{${T}}`],
    ['empty braces', 'cpu{ }', `cpu{${T}}`],
    ['matchers', 'cpu{a="1", b!~"x"}', `cpu{a="1",b!~"x",${T}}`],
    ['matchers without a name', '{a="1"}', `{a="1",${T}}`],
    ['nothing but braces', '{}', `{${T}}`],
    ['the name as a matcher', '{__name__=~".+"}', `{__name__=~".+",${T}}`],
    ['a quoted name', '{"my.metric"}', `{"my.metric",${T}}`],
    ['a quoted label', `{'my.metric','a.b'='1'}`, `{"my.metric","a.b"="1",${T}}`],
    ['a comma at the end', 'cpu{a="1",}', `cpu{a="1",${T},}`],
    ['a keyword as a name', 'sum(sum) by (by)', `sum(sum{${T}}) by (by)`],
    ['other keywords as names', 'avg + start + info', `avg{${T}} + start{${T}} + info{${T}}`],
    ['a recording rule', 'job:cpu:rate5m', `job:cpu:rate5m{${T}}`],
    ['a range', 'rate(cpu[5m])', `rate(cpu{${T}}[5m])`],
    ['a subquery', 'max_over_time(cpu[1h:5m])', `max_over_time(cpu{${T}}[1h:5m])`],
    ['an offset', 'cpu offset -5m', `cpu{${T}} offset -5m`],
    ['a fixed time', 'cpu @ 12 + mem @ end()', `cpu{${T}} @ 12 + mem{${T}} @ end()`],
    ['both sides', 'a / on(x) group_left(y) b', `a{${T}} / on(x) group_left(y) b{${T}}`],
    ['grouping behind', 'sum(a) without (x)', `sum(a{${T}}) without (x)`],
    ['parameters', 'topk(scalar(k), a)', `topk(scalar(k{${T}}),a{${T}})`],
    ['what is missing', 'absent(a{b="1"})', `absent(a{b="1",${T}})`],
    ['a label made up', 'label_replace(a, "tenant", "p2", "", "")', `label_replace(a{${T}},"tenant","p2","","")`],
    ['braces in strings', `a{b="}",c='{',d=\`}"\`}`, `a{b="}",c="{",d="}\\"",${T}}`],
    ['escapes', String.raw`a{b="\"}\\",c='\'\x41\101\u00fc\n'}`, String.raw`a{b="\"}\\",c="'AAü\n",${T}}`],
    ['comments', 'a # } + b\n{c="#"} # end', `a {c="#",${T}}`],
    ['no-break spaces', 'a\u00a0+\u2003b', `a{${T}} + b{${T}}`],
    ['no selector', '1 + time()', '1 + time()'],
    ['numbers that end in their point', '-1. + 5./6. > cpu', `-1. + 5./6. > cpu{${T}}`],
    ['a point before an exponent', 'cpu > 1.e3', `cpu{${T}} > 1.e3`],
    ['a hexadecimal number in capitals', 'cpu * 0X1F', `cpu{${T}} * 0X1F`],
    ['a hexadecimal number with an underscore', 'cpu * 0x_1f', `cpu{${T}} * 0x_1f`],
    ['a time that ends in its point', 'cpu @ 3. offset 1m', `cpu{${T}} @ 3. offset 1m`],
    ['a metric called offset', 'offset offset 5m', `offset{${T}} offset 5m`],
    ['the same in capitals, with matchers', 'a / on(b) OFFSET{b="1"}', `a{${T}} / on(b) OFFSET{b="1",${T}}`],
    ['labels called offset', 'sum by (offset) (a{offset="1"})', `sum by (offset) (a{offset="1",${T}})`],
    ['a function of Prometheus 2', 'holt_winters(a[5m], 0.5, 0.5)', `holt_winters(a{${T}}[5m],0.5,0.5)`],
    [
      'its name as a metric and a label',
      'sum by (holt_winters) (holt_winters)',
      `sum by (holt_winters) (holt_winters{${T}})`,
    ],
    [
      'the same texts in strings',
      'a{b="1. offset",c=\'holt_winters(0X1\'}',
      `a{b="1. offset",c="holt_winters(0X1",${T}}`,
    ],
    ['the same texts in comments', 'a # 1. holt_winters(\n + 2.', `a{${T}} + 2.`],
    ['bytes that are no UTF-8', String.raw`a{b="\xff\303\xbcx"}`, String.raw`a{b="\xffüx",${T}}`.replace('${T}', T)],
  ])('%s', (_what, promql, expected) => {
    expect(narrowed(promql)).toEqual({ promql: expected });
  });

  test.each([
    ['another project', 'cpu{tenant="p2"}'],
    ['all projects', 'cpu{tenant=~".*"}'],
    ['all but this one', 'cpu{tenant!="p1"}'],
    ['no project', 'cpu{tenant=""}'],
    ['another one, twice and quoted', String.raw`cpu{"tenant"="p2","t\x65nant"="p1"}`],
  ])('a matcher of its own on the label cannot widen it: %s', (_what, promql) => {
    const answer = withEnforcedLabel(promql, 'tenant', 'p1');
    const query = parsePromql('promql' in answer ? answer.promql : '');
    const matchers = 'problem' in query ? [] : (selectorsOf(query)[0]?.matchers ?? []);
    expect(matchers.at(-1)).toMatchObject({ label: 'tenant', operator: '=', value: 'p1' });
    expect(matchers.length).toBeGreaterThan(1);
  });

  test('a value is only ever a value', () => {
    expect(withEnforcedLabel('cpu', 'my.tenant', 'a"} or b{c="\\\n\u0000ü')).toEqual({
      promql: 'cpu{"my.tenant"="a\\"} or b{c=\\"\\\\\\n\\u0000ü"}',
    });
  });

  test.each([
    ['tenant', ''],
    ['', 'p1'],
    ['__name__', 'cpu'],
    ['tenant', '\ud800'],
  ])('no query is limited to the label %j with the value %j', (label, value) => {
    expect(withEnforcedLabel('cpu', label, value)).toEqual({ problem: expect.stringContaining('no usable name') });
  });
});

describe('a part that could read past its selectors is refused', () => {
  const elsewhere = 'is not known to keep to the project';
  test.each([
    [
      'info reads series that no selector names',
      'info(cpu)',
      `line 1, column 1: "info" cannot be used, because it ${elsewhere}`,
    ],
    ['info with a selector', 'sum(info(cpu, {a="1"}))', elsewhere],
    [
      'a query inside a label, run by the server',
      '__embedded_queries__{__queries__="secret"}',
      'the label "__queries__" cannot be used',
    ],
    [
      'the same, escaped',
      String.raw`{__name__="x","__quer\x69es__"="secret"}`,
      'the label "__queries__" cannot be used',
    ],
    ['filling', 'a + fill(0) b', 'column 5: "fill(0)" cannot be used'],
    ['anchoring', 'rate(a[5m] anchored)', elsewhere],
    ['smoothing', 'rate(a[5m] smoothed)', elsewhere],
    ['arithmetic on durations', 'rate(a[5m * 2])', 'column 8: "5m * 2" cannot be used'],
    ['durations of the request', 'rate(a[step()])', elsewhere],
    ['negative ranges', 'rate(a[-5m])', elsewhere],
    ['trimming', 'a </ 2', elsewhere],
    [
      'a comment that ends at a carriage return or does not',
      'cpu # x\r + secret',
      'column 5: this comment has a carriage return in it',
    ],
    ['an unknown escape', String.raw`cpu{a="\d"}`, 'column 7: this string is not closed, or has an escape'],
    ['a quote that only looks closed', String.raw`cpu + "\"`, 'column 7: this string is not closed'],
    ['a string over two lines', 'cpu{a="\\\n"}', 'this string is not closed'],
    ['half a character', 'cpu{a="\ud83d"}', 'half a character'],
    ['half a character, escaped', String.raw`cpu{a="\ud83d"}`, 'this string is not closed'],
    [
      'a name with bytes that are no UTF-8',
      String.raw`{"cpu\xff"}`,
      'column 2: this name has bytes that are not UTF-8',
    ],
    ['a point within a name', 'a1.', 'column 3: there is "."'],
    ['a point within a duration', 'rate(cpu[5m.])', 'column 12: there is "."'],
    ['two points', 'cpu > 1..', 'line 1, column 8'],
    ['a hexadecimal number with a point', 'cpu > 0X1F.', 'line 1, column'],
    [
      'offset without a duration',
      'cpu offset',
      'line 1, column 11: the query ends, but a duration such as 5m is expected',
    ],
    [
      'offset twice',
      'cpu offset offset',
      'line 1, column 12: there is "offset", but a duration such as 5m is expected',
    ],
    ['many metrics called offset', Array.from({ length: 40 }, () => 'offset').join(' + '), 'there is "offset"'],
    ['a character without a place', 'a\u0085+ b', 'a character outside its strings'],
    ['disjunctions inside braces', 'cpu{a="1" or b="2"}', 'column 11: there is "or", but'],
    ['templates', 'WITH (x = secret) x', 'line 1, column'],
    ['functions of other servers', 'label_set(cpu, "a", "b")', 'no function is known as "label_set"'],
    ['functions in capitals', 'RATE(cpu[5m])', 'no function is known as "RATE"'],
    ['deep nesting', `${'('.repeat(300)}a${')'.repeat(300)}`, 'nested more than 200 deep'],
  ])('%s', (_what, promql, problem) => {
    expect(narrowed(promql)).toEqual({ problem: expect.stringContaining(problem) });
  });
});

test.each([
  ['', 'line 1, column 1: the query ends, but an expression is expected'],
  ['sum(', 'line 1, column 5: the query ends, but an argument, "," or ")" is expected'],
  ['cpu{a=1}', 'line 1, column 7: there is "1", but one of = != =~ !~ and a value in quotes is expected'],
  ['cpu{a="1"', 'line 1, column 10: the query ends, but a matcher such as label="value", "," or "}" is expected'],
  ['a +\n  b c', 'line 2, column 5: there is "c", but an operator or the end of the query is expected'],
  ['rate(cpu[5m)', 'line 1, column 12: there is ")", but a duration such as 5m and "]" is expected'],
])('the problem and its position are told: %j', (promql, problem) => {
  expect(narrowed(promql)).toEqual({ problem });
});

test('every selector of the text that is sent has the matcher', () => {
  fc.assert(
    fc.property(vectorQueries, fc.string({ unit: 'grapheme', minLength: 1 }), (query, value) => {
      const answer = withEnforcedLabel(query.replaceAll(HOST, '"x"'), 'tenant', value);
      if ('problem' in answer) throw new Error(answer.problem);
      const result = parsePromql(answer.promql);
      if ('problem' in result) throw new Error(result.problem);
      for (const { matchers } of selectorsOf(result))
        expect(matchers).toContainEqual(expect.objectContaining({ label: 'tenant', operator: '=', value }));
    }),
    { numRuns: 300 },
  );
});

test('any text is limited or refused, and causes no exception', () => {
  const pieces = fc.constantFrom(
    'cpu',
    '{',
    '}',
    '(',
    ')',
    '[5m',
    ']',
    '"',
    "'",
    '`',
    '\\',
    ',',
    '=',
    '#',
    '\n',
    '\r',
    ' or ',
    'sum',
    ' by ',
    'tenant',
    '\0',
    '@',
    '-',
    'offset',
    'holt_winters(',
    '1.',
    '0X1F',
    '5m',
    '\\xff',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const answer = withEnforcedLabel(parts.join(''), 'tenant', 'p1');
      expect('problem' in answer || /^[^\r\n\0]*$/.test(answer.promql)).toBe(true);
    }),
    { numRuns: 1_000 },
  );
});
