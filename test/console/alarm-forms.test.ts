import { describe, expect, test } from '@jest/globals';

import { ALARM_KINDS, alarmTypes } from '../../src/alarm/types/index.js';
import { describedInput } from '../../src/alarm/wire/wire-types.js';
import { alarmSchema } from '../../src/api/routes/alarm-schema.js';
import { AlarmRequest } from '../../src/api/schema/alarm-request.js';
import { missingField } from '../../src/console/edit/complete.js';
import { changesBetween, newDraft, valueAt, withValue } from '../../src/console/edit/draft.js';
import {
  alarmTypesOf,
  fieldsOf,
  type FieldShape,
  type FormField,
  type JsonSchema,
} from '../../src/console/edit/form-fields.js';
import { sectionsOf } from '../../src/console/edit/form-sections.js';
import { TYPE_WORDS } from '../../src/console/elements/alarm-types.js';

const root = JSON.parse(JSON.stringify(alarmSchema())) as JsonSchema;
const types = alarmTypesOf(root);
const fields = fieldsOf(root, root);
const SET_BY_SERVICE = ['alarm_id', 'timestamp', 'state_timestamp', 'evaluate_timestamp', 'state_reason'];

/** Paths of all fields of the form of a type, those of lists and trees too. */
function reachable(type: string): string[] {
  const rule = types.find((each) => each.type === type)!;
  return sectionsOf(fields, rule, true)
    .flatMap((section) => [...section.fields, ...section.folded])
    .flatMap(({ field, path }) => [path.join('.'), ...within(field.shape, path.join('.'))]);
}

function within(shape: FieldShape, path: string): string[] {
  const inside = (inner: readonly FormField[]): string[] =>
    inner.flatMap((field) => [`${path}.${field.name}`, ...within(field.shape, `${path}.${field.name}`)]);
  if (shape.kind === 'object') return inside(shape.fields);
  if (shape.kind === 'list') return within(shape.item, path);
  return shape.kind === 'tree' ? shape.leaves.flatMap((leaf) => inside(leaf.fields)) : [];
}

describe('the form of an alarm', () => {
  test('there is one for each type of the registry, with a title and a sentence', () => {
    expect(types.map(({ type }) => type).sort()).toEqual([...ALARM_KINDS].sort());
    for (const { type, title, description } of types) {
      expect([type, title, description]).toEqual([type, expect.stringMatching(/^[A-Z]/), expect.stringMatching(/\.$/)]);
    }
  });

  test('each type has one title on the whole page', () => {
    expect(Object.fromEntries(types.map(({ type, title }) => [type, title]))).toEqual(TYPE_WORDS);
  });

  test('folded fields stand under a title that says what is in it', () => {
    const titles = types.flatMap((rule) =>
      sectionsOf(fields, rule, true).flatMap(({ folded, foldTitle }) => (folded.length > 0 ? [foldTitle] : [])),
    );
    expect([...new Set(titles)]).toEqual(['More of the alarm', 'More of the rule', 'Delivery']);
  });

  test.each(ALARM_KINDS.filter((kind) => kind !== 'composite'))('each field of the rule of %s is in it', (kind) => {
    const { properties = {} } = describedInput(alarmTypes[kind].schema) as JsonSchema;
    expect(Object.keys(properties)).not.toEqual([]);
    expect(reachable(kind)).toEqual(
      expect.arrayContaining(Object.keys(properties).map((each) => `${kind}_rule.${each}`)),
    );
  });

  test('each field of each rule within a composite one is in it', () => {
    const paths = reachable('composite');
    for (const kind of [
      'prometheus',
      'gnocchi_resources_threshold',
      'gnocchi_aggregation_by_metrics_threshold',
    ] as const) {
      const { properties = {} } = describedInput(alarmTypes[kind].schema) as JsonSchema;
      expect(paths).toEqual(expect.arrayContaining(Object.keys(properties).map((each) => `composite_rule.${each}`)));
    }
    expect(paths).toContain('composite_rule.tocsin.clear_threshold');
  });

  test.each(ALARM_KINDS)('each field of an alarm that a client may set is in the form of %s', (kind) => {
    const all = Object.keys(
      (describedInput(AlarmRequest) as { $defs: Record<string, JsonSchema> }).$defs['AlarmRequest']?.properties ?? {},
    );
    const settable = all.filter(
      (name) => !name.endsWith('_rule') && ![...SET_BY_SERVICE, 'type', 'tocsin'].includes(name),
    );
    const paths = reachable(kind);
    expect(paths).toEqual(expect.arrayContaining(settable));
    expect(paths).toEqual(
      expect.arrayContaining([
        'tocsin.delivery_policy',
        'tocsin.clear_threshold',
        'tocsin.backend',
        'time_constraints.start',
      ]),
    );
    expect(paths.filter((path) => SET_BY_SERVICE.includes(path) || path === 'tocsin.muted')).toEqual([]);
  });

  test('no field is entered as JSON, and each has words', () => {
    const shapes = types.flatMap((rule) =>
      sectionsOf(fields, rule, true).flatMap((section) => [...section.fields, ...section.folded]),
    );
    expect(shapes.filter(({ field }) => field.shape.kind === 'json')).toEqual([]);
    expect(shapes.filter(({ field }) => /_/.test(field.title))).toEqual([]);
  });

  test('only admins are shown the owner', () => {
    const names = (isAdmin: boolean): string[] =>
      sectionsOf(fields, types[0]!, isAdmin).flatMap(({ folded }) => folded.map(({ field }) => field.name));
    expect(names(true)).toEqual(expect.arrayContaining(['project_id', 'user_id']));
    expect(names(false).filter((name) => name.endsWith('_id'))).toEqual([]);
  });

  test('a type that the page has never heard of has a form, with a JSON field for a schema that it cannot draw', () => {
    const fresh: JsonSchema = {
      properties: {
        type: { enum: ['weather'] },
        weather_rule: {
          anyOf: [
            {
              type: 'object',
              title: 'Weather',
              properties: {
                station: { type: 'string', maxLength: 8 },
                wind_speed: { type: ['number', 'null'], default: 3 },
                odd: { anyOf: [{ type: 'string' }, { type: 'number' }] },
              },
              required: ['station'],
            },
            { type: 'null' },
          ],
        },
      },
    };
    const [weather] = alarmTypesOf(fresh);
    expect(weather).toMatchObject({ type: 'weather', title: 'Weather' });
    expect(weather?.fields.map(({ name, title, isRequired, shape }) => [name, title, isRequired, shape.kind])).toEqual([
      ['station', 'Station', true, 'text'],
      ['wind_speed', 'Wind speed', false, 'number'],
      ['odd', 'Odd', false, 'json'],
    ]);
  });
});

describe('a draft', () => {
  test('is complete when each mandatory field has a value', () => {
    const rule = types.find(({ type }) => type === 'threshold')!;
    const placed = sectionsOf(fields, rule, false).flatMap((section) => [...section.fields, ...section.folded]);
    const draft = newDraft(rule);
    expect(missingField(placed, draft)?.field.name).toBe('name');
    const named = { ...draft, name: 'n', threshold_rule: { meter_name: 'cpu', threshold: 0 } };
    expect(missingField(placed, named)).toBeUndefined();
    expect(missingField(placed, { ...named, alarm_actions: [''] })?.field.name).toBe('alarm_actions');
  });

  test('keeps fields that no form knows, and the order of fields', () => {
    const draft = { name: 'a', future: { x: 1 }, rule: { query: [{ field: 'f' }], later: [1] } };
    const changed = withValue(draft, ['rule', 'query', 0, 'value'], 'v');
    expect(JSON.stringify(changed)).toBe(
      '{"name":"a","future":{"x":1},"rule":{"query":[{"field":"f","value":"v"}],"later":[1]}}',
    );
    expect(withValue(changed, ['name'], undefined)).not.toHaveProperty('name');
    expect(valueAt(changed, ['rule', 'query', 0, 'field'])).toBe('f');
  });

  test('differs from another one in the fields that were changed; null and an absent field are the same', () => {
    const before = { name: 'a', rule: { t: 1, q: [1] }, project_id: null };
    expect(changesBetween(before, { name: 'b', rule: { t: 1, q: [1, 2] } })).toEqual([
      { path: ['name'], before: 'a', after: 'b' },
      { path: ['rule', 'q'], before: [1], after: [1, 2] },
    ]);
  });
});
