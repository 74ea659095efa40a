import { expect, test } from '@jest/globals';

import { eventFieldHint, hintOn, promqlHint, searchHint } from '../../src/console/edit/hints.js';

test.each<[what: string, query: string, hint: string | undefined]>([
  ['a query with all brackets closed', 'sum by (job) (rate(up{job="a"}[5m]))', undefined],
  ['brackets in quotes', `up{a="(", b='[', c=\`{\`}`, undefined],
  ['an escaped quote', String.raw`up{a="\"("}`, undefined],
  ['brackets in a comment', 'up # (\n + 1', undefined],
  ['an unclosed bracket', 'rate(up[5m]', 'The bracket ( is not closed.'],
  ['the innermost of several unclosed brackets', 'rate(up[5m', 'The bracket [ is not closed.'],
  ['a bracket that closes another kind', 'rate(up[5m)]', 'The bracket ) closes nothing.'],
  ['a bracket too many', 'up)', 'The bracket ) closes nothing.'],
  ['an unclosed quote', 'up{a="b}', 'The quote " is not closed.'],
  ['a quote that a line break ends', 'up{a="b\n"}', 'The quote " is not closed.'],
])('the hint on %s in PromQL is right', (_, query, hint) => {
  expect(promqlHint(query)).toBe(hint);
});

test.each<[what: string, text: string, hint: RegExp | undefined]>([
  ['all resources', '{}', undefined],
  ['a comparison', '{"=": {"server_group": "web"}}', undefined],
  ['joined comparisons', '{"and": [{"=": {"a": 1}}, {"not": {"like": {"b": "x%"}}}]}', undefined],
  ['an unclosed bracket', '{"=": {"a": 1}', /^This is not JSON/],
  ['a list', '[]', /^A search is an object/],
  ['a field without an operator', '{"server_group": "web"}', /no operator "server_group".*\{"=": \{"server_group"/],
  ['such a field within others', '{"and": [{"=": {"a": 1}}, {"b": 2}]}', /no operator "b"/],
  ['two operators', '{"=": {"a": 1}, "<": {"b": 2}}', /one operator/],
  ['an "and" without a list', '{"and": {"=": {"a": 1}}}', /"and" needs a list/],
])('the hint on %s in a search of Gnocchi is right', (_, text, hint) => {
  expect(searchHint(text) ?? '').toEqual(hint ? expect.stringMatching(hint) : '');
});

test.each<[field: string, hint: string | undefined]>([
  ['traits.instance_id', undefined],
  ['event_type', undefined],
  ['raw.payload.state', undefined],
  ['instance_id', 'Events of Ceilometer have no field instance_id. For a trait write traits.instance_id.'],
  ['traits', 'Write the name of a trait: traits.NAME.'],
])('the hint on the field %s of an event is right', (field, hint) => {
  expect(eventFieldHint(field)).toBe(hint);
});

test.each([
  { what: 'the query of a Prometheus alarm', path: ['prometheus_rule', 'query'], hasHint: true },
  { what: 'the query of a rule within a composite one', path: ['composite_rule', 'or', 0, 'query'], hasHint: true },
  { what: 'the field of a condition on events', path: ['event_rule', 'query', 0, 'field'], hasHint: true },
  { what: 'the name of the alarm', path: ['name'], hasHint: false },
  { what: 'the field of a condition on samples', path: ['threshold_rule', 'query', 0, 'field'], hasHint: false },
])('a hint on $what: $hasHint', ({ path, hasHint }) => {
  const conditions = { query: [{ field: 'colour(' }] };
  const draft = {
    name: 'up(',
    type: 'prometheus',
    prometheus_rule: { query: 'up(' },
    composite_rule: { or: [{ type: 'prometheus', query: 'up(' }] },
    event_rule: conditions,
    threshold_rule: conditions,
  };
  expect(hintOn(draft, path) !== undefined).toBe(hasHint);
});

test('a composite rule that is a single rule has the hint of the type of that rule', () => {
  const draft = { type: 'composite', composite_rule: { type: 'prometheus', query: 'up(' } };
  expect(hintOn(draft, ['composite_rule', 'query'])).toBe('The bracket ( is not closed.');
});
