import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { composite } from '../../../src/alarm/types/composite/index.js';
import { alarmTypes, parseStoredRule } from '../../../src/alarm/types/index.js';

const PROMETHEUS = { type: 'prometheus', query: 'up', threshold: 1 };
const RESOURCES = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu',
  resource_id: 'r',
  resource_type: 'instance',
  aggregation_method: 'mean',
  threshold: 80,
};
const BY_RESOURCES = {
  type: 'gnocchi_aggregation_by_resources_threshold',
  metric: 'cpu',
  query: '{"=": {"a": 1}}',
  resource_type: 'instance',
  aggregation_method: 'mean',
  threshold: 80,
};

function writtenAs(tree: unknown): string {
  return composite.ruleJson(composite.schema.parse(tree));
}

function shownAs(tree: unknown): string | undefined {
  return composite.shownJson?.(composite.schema.parse(tree));
}

function faultOf(tree: unknown): { path: PropertyKey[]; message: string } | undefined {
  const issue = composite.schema.safeParse(tree).error?.issues[0];
  return issue && { path: issue.path, message: issue.message };
}

describe('a leaf is written', () => {
  test('with the keys as they were sent, then the added ones, then its type', () => {
    expect(shownAs({ type: 'prometheus', threshold: 1, query: 'up' })).toBe(
      '{"threshold": 1.0, "query": "up", "comparison_operator": "eq", "type": "prometheus"}',
    );
    expect(shownAs({ ...RESOURCES, evaluation_periods: 5 })).toBe(
      '{"metric": "cpu", "resource_id": "r", "resource_type": "instance", ' +
        '"aggregation_method": "mean", "threshold": 80.0, ' +
        '"evaluation_periods": 5, "granularity": 60, ' +
        '"comparison_operator": "eq", "type": "gnocchi_resources_threshold"}',
    );
  });

  test('with the default in place of a null', () => {
    expect(shownAs({ granularity: null, ...RESOURCES })).toMatch(/^\{"granularity": 60, "metric": "cpu", /);
  });

  test('with the project of its scope, which clients do not see', () => {
    const rule = composite.scopedTo(composite.schema.parse({ or: [PROMETHEUS, PROMETHEUS] }), { projectId: 'p1' });
    const leaf = '"query": "up", "threshold": 1.0, "comparison_operator": "eq", ';
    const stored = `{${leaf}"scope_to_project": "p1", "type": "prometheus"}`;
    expect(composite.ruleJson(rule)).toBe(`{"or": [${stored}, ${stored}]}`);
    const shown = `{${leaf}"type": "prometheus"}`;
    expect(composite.shownJson?.(rule)).toBe(`{"or": [${shown}, ${shown}]}`);
  });
});

describe('options of a leaf', () => {
  const all = {
    backend: 'b',
    ingestion_lag: 120,
    clear_threshold: 70,
    treat_missing_data: 'ignore',
    datapoints_to_alarm: 1,
  };

  test.each<[tocsin: unknown, written: string]>([
    [{ datapoints_to_alarm: '1' }, '{"datapoints_to_alarm": 1}'],
    [{ clear_threshold: null, ingestion_lag: 0 }, '{"ingestion_lag": 0}'],
    [
      all,
      '{"datapoints_to_alarm": 1, "treat_missing_data": "ignore", ' +
        '"clear_threshold": 70.0, "ingestion_lag": 120, "backend": "b"}',
    ],
  ])('%j are written where they were sent: %s', (tocsin, written) => {
    const { type, metric, ...rest } = RESOURCES;
    const sent = { type, metric, tocsin, ...rest, comparison_operator: 'gt' };
    expect(shownAs(sent)).toContain(`{"metric": "cpu", "tocsin": ${written}, "resource_id": "r"`);
    expect(writtenAs(sent)).toContain(`{"metric": "cpu", "tocsin": ${written}, "resource_id": "r"`);
  });

  test.each([null, {}, { backend: null }])('are none for %j', (tocsin) => {
    expect(writtenAs({ tocsin, ...PROMETHEUS })).toBe(writtenAs(PROMETHEUS));
  });

  test.each<[tocsin: unknown, path: string[], message: string]>([
    ['east', ['tocsin'], 'Invalid input: expected object, received string'],
    [{ cooldown: 5 }, [], 'Unrecognized key: "cooldown"'],
    [{ muted: true }, [], 'Unrecognized key: "muted"'],
    [{ datapoints_to_alarm: 0 }, ['tocsin', 'datapoints_to_alarm'], 'Value should be greater or equal to 1'],
    [
      { datapoints_to_alarm: 2 },
      ['tocsin', 'datapoints_to_alarm'],
      'It must not be greater than evaluation_periods, which is 1',
    ],
    [{ clear_threshold: 90 }, ['tocsin', 'clear_threshold'], 'It must not be greater than the threshold, which is 80'],
  ])('%j are refused at %j: %s', (tocsin, path, message) => {
    const fault = faultOf({ or: [PROMETHEUS, { and: [{ ...RESOURCES, comparison_operator: 'gt', tocsin }] }] });
    const way = path.length === 0 ? ['tocsin'] : ['or', 1, 'and', 0, ...path];
    expect(fault).toEqual({ path: way, message });
  });

  test('that do not fit its operator are refused', () => {
    expect(faultOf({ ...RESOURCES, tocsin: { clear_threshold: 80 } })?.message).toBe(
      'It makes no sense with comparison_operator eq',
    );
  });
});

describe('a tree', () => {
  const deepest = { and: [{ or: [{ and: [{ or: [PROMETHEUS] }] }] }] };

  test.each([
    ['one rule', PROMETHEUS],
    ['nothing to combine', { and: [] }],
    ['and in or', { or: [PROMETHEUS, { and: [RESOURCES, BY_RESOURCES] }] }],
    ['four levels', deepest],
    [
      'rules with options',
      {
        or: [
          { ...PROMETHEUS, tocsin: { backend: 'east' } },
          { tocsin: { ingestion_lag: 5 }, ...RESOURCES },
        ],
      },
    ],
    ['twenty rules', { and: Array.from({ length: 20 }, () => PROMETHEUS) }],
  ])('of %s comes back from the store as it was', (_, tree) => {
    const rule = composite.schema.parse(tree);
    const stored = composite.ruleJson(rule);
    const again = parseStoredRule('composite', stored);
    expect(again).toEqual(rule);
    expect(alarmTypes.composite.ruleJson(again as typeof rule)).toBe(stored);
    // A client may send back the rule that it reads.
    expect(writtenAs(JSON.parse(composite.shownJson?.(rule) ?? ''))).toBe(stored);
  });

  test.each([
    ['five levels', { and: [deepest] }, 'Value should be nested at most 4 levels deep'],
    [
      'five levels and no rule',
      { or: [{ and: [{ or: [{ and: [{ or: [] }] }] }] }] },
      'Value should be nested at most 4 levels deep',
    ],
    [
      '21 rules',
      { and: [{ or: Array.from({ length: 20 }, () => PROMETHEUS) }, PROMETHEUS] },
      'Value should have at most 20 rules',
    ],
  ])('of %s is refused', (_, tree, message) => {
    expect(faultOf(tree)).toEqual({ path: [], message });
  });

  test('is parsed up to its first error, which has a path', () => {
    const bad = { ...RESOURCES, threshold: true };
    expect(faultOf({ or: [PROMETHEUS, { and: [bad, { type: 'event', x: 1 }] }] })).toEqual({
      path: ['or', 1, 'and', 0, 'threshold'],
      message: "Wrong type. Expected '<class 'float'>', got '<class 'bool'>'",
    });
  });

  test.each([
    [{ and: [] }, []],
    [PROMETHEUS, ['prometheus']],
    [{ or: [RESOURCES, { and: [PROMETHEUS, BY_RESOURCES] }] }, ['gnocchi', 'prometheus']],
  ])('%# needs the backends of its rules', (tree, backends) => {
    expect(composite.backends(composite.schema.parse(tree))).toEqual(backends);
  });
});

describe('any input', () => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      '5',
      5,
      1.5,
      -1,
      '',
      [],
      {},
      'up',
      '1e999',
      'gt',
      { backend: 'b' },
      { clear_threshold: 0.5 },
    ),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const name = fc.constantFrom(
    ...['and', 'or', 'type', 'query', 'threshold', 'comparison_operator', 'granularity', 'metric', 'tocsin', 'zz'],
  );
  const leafOf = fc
    .tuple(
      fc.constantFrom<Record<string, unknown>>(PROMETHEUS, RESOURCES, BY_RESOURCES),
      fc.dictionary(name, value, { maxKeys: 2 }),
    )
    .map(([good, spoilt]) => ({ ...good, ...spoilt }));
  const tree = fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 5 },
      leafOf,
      value,
      fc.record({ and: fc.array(tie('node'), { maxLength: 4 }) }),
      fc.record({ or: fc.array(tie('node'), { maxLength: 4 }) }),
    ),
  })).node;

  test('is refused with a reason, or can be written and read', () => {
    fc.assert(
      fc.property(tree, (sent) => {
        const parsed = composite.schema.safeParse(sent);
        if (!parsed.success) return expect(parsed.error.issues.every(({ message }) => message !== '')).toBe(true);
        const rule = composite.scopedTo(parsed.data, { projectId: 'p1', externalOwner: 'svc' });
        expect(parseStoredRule('composite', composite.ruleJson(rule))).toEqual(rule);
        expect(
          composite.scopedTo(composite.schema.parse(JSON.parse(composite.shownJson?.(rule) ?? '')), {
            projectId: 'p1',
            externalOwner: 'svc',
          }),
        ).toEqual(rule);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('the scope', () => {
  test('holds for every rule, and is not added twice', () => {
    const scope = { projectId: 'p1', externalOwner: null };
    const rule = composite.scopedTo(composite.schema.parse({ or: [PROMETHEUS, { and: [BY_RESOURCES] }] }), scope);
    const search = '{"and": [{"=": {"created_by_project_id": "p1"}}, {"=": {"a": 1}}]}';
    expect(rule.tree).toMatchObject({ or: [{ scope_to_project: 'p1' }, { and: [{ query: search }] }] });
    const shown = JSON.parse(composite.shownJson?.(rule) ?? '') as unknown;
    expect(composite.scopedTo(composite.schema.parse(shown), scope)).toEqual(rule);
  });
});
