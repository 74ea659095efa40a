import { describe, expect, test } from '@jest/globals';

import { matches, explainEvent } from '../../../src/alarm/types/event/evaluate.js';
import {
  projectIn,
  traitsByName,
  traitValue,
  type AlarmEvent,
  type Trait,
} from '../../../src/alarm/types/event/event.js';
import { event } from '../../../src/alarm/types/event/index.js';
import { EventRule, type EventQueryItem } from '../../../src/alarm/types/event/schema.js';
import { shellPattern } from '../../../src/alarm/types/event/shell-pattern.js';
import { parseStoredRule } from '../../../src/alarm/types/index.js';
import { OPERATORS, type Operator } from '../../../src/alarm/types/event/typed-value.js';

function anEvent(traits: readonly Trait[] = [], more: Record<string, unknown> = {}): AlarmEvent {
  const raw = { message_id: 'm1', event_type: 'compute.instance.update', traits, ...more };
  const { message_id: messageId, event_type: eventType } = raw;
  return {
    messageId,
    eventType,
    projectId: projectIn(traits),
    generated: undefined,
    traits: traitsByName(traits),
    raw,
  };
}

function holds(item: Partial<EventQueryItem>, of: AlarmEvent): boolean {
  const query = [{ field: 'traits.x', op: 'eq', value: '', type: '', ...item }] as EventQueryItem[];
  return matches({ type: 'event', event_type: '*', query }, of);
}

/** The operators that hold, in alphabetical order. */
function holding(item: Partial<EventQueryItem>, of: AlarmEvent): Operator[] {
  return OPERATORS.filter((op) => holds({ ...item, op }, of));
}

const EQUAL: Operator[] = ['eq', 'ge', 'le'];
const GREATER: Operator[] = ['ge', 'gt', 'ne'];
const LESS: Operator[] = ['le', 'lt', 'ne'];
const OTHER: Operator[] = ['ne'];

describe('a shell pattern', () => {
  test.each([
    ['*', '', true],
    ['', '', true],
    ['', 'a', false],
    ['compute.*', 'compute.instance.update', true],
    ['compute.*', 'Compute.instance', false],
    ['compute.*', 'xcompute.a', false],
    ['*.update', 'compute.instance.update', true],
    ['*.update', 'compute.instance.update2', false],
    ['*a*b*c', 'xxaxxbxxbc', true],
    ['*a*b*c', 'xxbxxaxxc', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['?', '😀', true],
    ['[abc]x', 'bx', true],
    ['[abc]x', 'dx', false],
    ['[!abc]x', 'dx', true],
    ['[!abc]x', 'ax', false],
    ['[a-c]', 'b', true],
    ['[c-a]', 'b', false],
    ['[a-]', '-', true],
    ['[-a]', '-', true],
    ['[]]', ']', true],
    ['[!]]', 'x', true],
    ['[!]]', ']', false],
    ['[]-a]', '_', true],
    ['[a', '[a', true],
    ['[', '[', true],
    ['[!', '[!', true],
    ['[a-c-e]', '-', true],
    ['[a-c-e]', 'd', false],
    ['[^a]', '^', true],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
    ['**', 'anything', true],
  ])('%p of %p: %p', (pattern, text, expected) => {
    expect(shellPattern(pattern)(text)).toBe(expected);
  });

  test('takes no longer than its length times the length of the text', () => {
    const pattern = shellPattern(`${'*a'.repeat(120)}*b`);
    // With backtracking this would not end.
    expect(pattern('a'.repeat(255))).toBe(false);
  });
});

describe('a condition on a trait', () => {
  test.each<[string, Trait, Partial<EventQueryItem>, Operator[]]>([
    ['the same text', ['x', 1, 'b'], { value: 'b' }, EQUAL],
    ['a later text', ['x', 1, 'c'], { value: 'b', type: 'string' }, GREATER],
    ['an earlier text', ['x', 'string', 'B'], { value: 'b', type: 'string' }, LESS],
    ['texts in the order of their code points', ['x', 1, '\u{1F600}'], { value: '\uFFFD' }, GREATER],
    ['an unknown type as text', ['x', 9, 5], { value: '5' }, EQUAL],
    ['a boolean of type text as Python prints it', ['x', 1, true], { value: 'True' }, EQUAL],
    ['the same integer', ['x', 2, '512'], { value: '512', type: 'integer' }, EQUAL],
    ['integers by value and not by text', ['x', 2, 1000], { value: '9', type: 'integer' }, GREATER],
    ['an integer by its name', ['x', 'integer', '-3'], { value: '2', type: 'integer' }, LESS],
    ['integers beyond a double', ['x', 2, '9007199254740993'], { value: '9007199254740992', type: 'integer' }, GREATER],
    [
      'the same integer beyond a double',
      ['x', 2, '9007199254740993'],
      { value: '9007199254740993', type: 'integer' },
      EQUAL,
    ],
    ['a fraction cut off an integer', ['x', 2, 1.7], { value: '1', type: 'integer' }, EQUAL],
    ['an integer with a float', ['x', 2, '3'], { value: '2.5', type: 'float' }, GREATER],
    ['the same float', ['x', 3, '1.50'], { value: '1.5', type: 'float' }, EQUAL],
    ['a float by its name', ['x', 'float', 1], { value: '1.5', type: 'float' }, LESS],
    ['a float with an integer', ['x', 3, 3.0], { value: '3', type: 'integer' }, EQUAL],
    [
      'one moment in two zones',
      ['x', 4, '2015-01-01T02:00:00+02:00'],
      { value: '2015-01-01T00:00:00', type: 'datetime' },
      EQUAL,
    ],
    [
      'moments a microsecond apart',
      ['x', 4, '2015-01-01T00:00:00.000002'],
      { value: '2015-01-01T00:00:00.000001', type: 'datetime' },
      GREATER,
    ],
    ['an earlier moment', ['x', 'datetime', '2014-12-31'], { value: '2015-01-01', type: 'datetime' }, LESS],
    ['a boolean in another word', ['x', 1, 'Yes'], { value: 'true', type: 'boolean' }, EQUAL],
    ['a boolean from a number', ['x', 2, 0], { value: 'true', type: 'boolean' }, LESS],
    ['true as more than false', ['x', 1, 'on'], { value: 'off', type: 'boolean' }, GREATER],
    ['what is no boolean', ['x', 1, 'perhaps'], { value: 'true', type: 'boolean' }, OTHER],
    ['an integer with text', ['x', 2, 5], { value: '5', type: 'string' }, OTHER],
    ['an integer with text of no stated type', ['x', 2, 5], { value: '5' }, OTHER],
    ['text with an integer', ['x', 1, '5'], { value: '5', type: 'integer' }, OTHER],
    ['text with a float', ['x', 1, '5.0'], { value: '5.0', type: 'float' }, OTHER],
    ['text with a moment', ['x', 1, '2015-01-01'], { value: '2015-01-01', type: 'datetime' }, OTHER],
    ['a moment with text', ['x', 4, '2015-01-01'], { value: '2015-01-01' }, OTHER],
    ['a moment with a boolean', ['x', 4, '2015-01-01'], { value: 'true', type: 'boolean' }, OTHER],
    ['a trait without a value', ['x', 1, null], { value: 'None' }, OTHER],
    ['another trait', ['y', 1, 'b'], { value: 'b' }, OTHER],
    ['another trait, as an integer', ['y', 2, 1], { value: '1', type: 'integer' }, OTHER],
    ['another trait, as a boolean', ['y', 1, 'true'], { value: 'true', type: 'boolean' }, OTHER],
  ])('compares %s', (_, trait, item, expected) => {
    expect(holding(item, anEvent([trait]))).toEqual(expected);
  });

  test('takes all after the first dot as the name', () => {
    expect(holds({ field: 'traits.a.b', value: 'c' }, anEvent([['a.b', 1, 'c']]))).toBe(true);
  });

  test('uses the last trait of a name', () => {
    const twice = anEvent([['x', 1, 'a'], ['x', 1, 'b']]); // prettier-ignore
    expect(holds({ value: 'b' }, twice)).toBe(true);
  });
});

describe('a condition on another field', () => {
  const event = anEvent([], {
    generated: '2015-01-01T00:00:00',
    raw: { size: 5, text: '7', on: false, list: [1], nothing: null },
  });
  test.each<[Partial<EventQueryItem>, Operator[]]>([
    [{ field: 'event_type', value: 'compute.instance.update' }, EQUAL],
    [{ field: 'message_id', value: 'm0' }, GREATER],
    [{ field: 'generated', value: '2015-01-02', type: 'datetime' }, LESS],
    [{ field: 'raw.size', value: '10', type: 'integer' }, LESS],
    [{ field: 'raw.size', value: '5' }, EQUAL],
    [{ field: 'raw.text', value: '6.5', type: 'float' }, GREATER],
    [{ field: 'raw.on', value: 'False', type: 'boolean' }, EQUAL],
    [{ field: 'raw.text', value: '2015-01-01', type: 'datetime' }, OTHER],
    [{ field: 'raw.list', value: '1' }, OTHER],
    [{ field: 'raw.list.0', value: '1' }, EQUAL],
    [{ field: 'raw.nothing', value: 'None' }, OTHER],
    [{ field: 'raw.absent.deeper', value: 'x' }, OTHER],
    [{ field: 'raw.text.length', value: '1', type: 'integer' }, OTHER],
    [{ field: 'raw.toString', value: 'x' }, OTHER],
    [{ field: 'traits', value: '[]' }, OTHER],
  ])('%j holds for %j', (item, expected) => {
    expect(holding(item, event)).toEqual(expected);
  });
});

test('all conditions must hold, and the type of the event must match', () => {
  const event = anEvent([['a', 1, '1'], ['b', 2, 2]]); // prettier-ignore
  const a = { field: 'traits.a', op: 'eq', value: '1', type: '' } as const;
  const b = { field: 'traits.b', op: 'gt', value: '1', type: 'integer' } as const;
  const rule = (event_type: string, ...query: EventQueryItem[]): EventRule => ({ type: 'event', event_type, query });
  expect(matches(rule('compute.*', a, b), event)).toBe(true);
  expect(matches(rule('compute.*', a, { ...b, op: 'lt' }), event)).toBe(false);
  expect(matches(rule('image.*', a, b), event)).toBe(false);
  expect(matches(rule('compute.*'), event)).toBe(true);
});

describe('the project of an event', () => {
  test.each<[string, Trait[], string]>([
    ['project_id', [['project_id', 1, 'p']], 'p'],
    ['tenant_id', [['tenant_id', 1, 't']], 't'],
    ['the last of both', [['project_id', 1, 'p'], ['tenant_id', 1, 't']], 't'], // prettier-ignore
    ['none', [['resource_id', 1, 'r']], ''],
    ['none when the trait is null', [['project_id', 1, null]], ''],
  ])('%s', (_, traits, expected) => expect(projectIn(traits)).toBe(expected));
});

test.each<Trait>([
  ['x', 2, 'five'],
  ['x', 2, {}],
  ['x', 'float', 'nan'],
  ['x', 3, '1,5'],
  ['x', 4, 'yesterday'],
  ['x', 4, 20150101],
])('a trait whose value does not fit its type has no value: %j', (...trait) => {
  expect(traitValue(trait)).toBeUndefined();
});

describe('an event rule', () => {
  const item = { field: 'traits.x', value: '1' };
  const parse = (query: unknown): unknown => EventRule.safeParse({ query });

  test.each([
    [{}, '{"event_type": "*", "query": []}', 'Alarm when * event occurred.'],
    [
      { event_type: 'a.*', query: [{ value: '1', field: 'traits.x' }] },
      '{"event_type": "a.*", "query": [{"field": "traits.x", "op": "eq", "value": "1", "type": ""}]}',
      'Alarm when a.* event occurred.',
    ],
    [
      { query: [{ ...item, op: null, type: null }] },
      '{"event_type": "*", "query": [{"field": "traits.x", "op": "eq", "value": "1", "type": ""}]}',
      'Alarm when * event occurred.',
    ],
  ])('%j is stored, shown, kept in history and described as in Aodh', (given, stored, description) => {
    // prettier-ignore
    const rule = EventRule.parse(given);
    const told = stored.replace('"value": "1", "type": ""', '"type": "", "value": "1"');
    expect([event.ruleJson(rule), event.shownJson?.(rule), event.historyJson?.(rule)]).toEqual([stored, stored, told]);
    expect(event.defaultDescription(rule)).toBe(description);
  });

  test.each([
    ['""', { event_type: '', query: null }, 'Alarm when  event occurred.'],
    ['null', { event_type: null }, 'Alarm when None event occurred.'],
  ])(
    'an event_type of %s watches all events, is shown as *, and in history as it was sent',
    (sent, given, description) => {
      const written = EventRule.parse(given);
      const read = parseStoredRule('event', event.ruleJson(written)) as EventRule;
      for (const rule of [written, read]) {
        expect(rule.event_type).toBe('*');
        expect(event.shownJson?.(rule)).toBe('{"event_type": "*", "query": []}');
        expect(event.historyJson?.(rule)).toBe(`{"event_type": ${sent}, "query": []}`);
        expect(event.defaultDescription(rule)).toBe(description);
        expect(event.ruleJson(rule)).toBe(event.ruleJson(written));
      }
    },
  );

  test.each(['integer', 'float', 'string', 'boolean', 'datetime', ''])('takes conditions of type %p', (type) => {
    const value = type === 'datetime' ? '2015-01-01T00:00:00' : '1';
    expect(parse([{ ...item, type, value }])).toMatchObject({ success: true });
  });

  const types = "['integer', 'float', 'string', 'boolean', 'datetime']";
  test.each([
    [{ ...item, type: 'integer', value: 'x' }, 'Unable to convert the value x to the expected data type integer.'],
    [
      { ...item, type: 'boolean', value: 'maybe' },
      'Unable to convert the value maybe to the expected data type boolean.',
    ],
    [
      { ...item, type: 'datetime', value: '31 May' },
      'Unable to convert the value 31 May to the expected data type datetime.',
    ],
    [{ ...item, type: 'zz' }, `The data type zz is not supported. The supported data type list is: ${types}`],
    [
      { ...item, type: 'constructor' },
      `The data type constructor is not supported. The supported data type list is: ${types}`,
    ],
    [
      { ...item, op: 'in' },
      "Query value or traits invalid: value must be one of ['eq', 'ge', 'gt', " +
        "'le', 'lt', 'ne'] for dictionary value @ data['op']",
    ],
    [
      { ...item, field: 'traits.$' },
      'Query value or traits invalid: does not match regular expression ' +
        "^[a-zA-Z.',0-9_-]*$ for dictionary value @ data['field']",
    ],
  ])('refuses %j with Aodh’s text', (bad, message) => {
    // prettier-ignore
    expect(EventRule.safeParse({ query: [bad] }).error?.issues[0]).toMatchObject({ message, params: { whole: true } });
  });

  test.each([
    ['a value that is no text', [{ ...item, value: 1 }]],
    ['a condition without field', [{ value: '1' }]],
    ['an unknown key', [{ ...item, more: 1 }]],
    ['what is no list', 'traits.x=1'],
    ['more than 50 conditions', Array.from({ length: 51 }, () => item)],
  ])('refuses %s', (_, query) => expect(parse(query)).toMatchObject({ success: false }));
});

test('the reason quotes the query with sorted keys, and reason_data has the whole event', () => {
  const found = anEvent([['x', 1, 'é']], { message_signature: 's', raw: { a: 1 } });
  const query = [{ field: 'traits.x', op: 'eq', value: 'é', type: '' } as const];
  expect(explainEvent({ query, event: found })).toEqual({
    reason:
      'Event <id=m1,event_type=compute.instance.update> hits the query ' +
      '<query=[{"field": "traits.x", "op": "eq", "type": "", "value": "\\u00e9"}]>.',
    reasonData: { type: 'event', event: found.raw },
  });
});
