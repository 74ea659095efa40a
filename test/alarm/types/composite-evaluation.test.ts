import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { ALARM_STATES, type AlarmState } from '../../../src/alarm/state.js';
import { decide } from '../../../src/alarm/decide.js';
import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import type { BackendAnswer } from '../../../src/alarm/series.js';
import { composite } from '../../../src/alarm/types/composite/index.js';
import { LEAF_KINDS, leafTypeOf, leavesOf } from '../../../src/alarm/types/composite/tree.js';
import type { CompositeRule } from '../../../src/alarm/types/composite/schema.js';
import { evaluationInput, seriesOf } from '../../support/builders.js';

/** The result of a leaf in these tests. The rule itself compares two datapoints with 80. */
type Leaf = 'ok' | 'alarm' | 'unknown' | 'keep' | 'up' | 'down' | 'outage';
type Tree = Leaf | { and: Tree[] } | { or: Tree[] };

const ANSWERS: Readonly<Record<Leaf, BackendAnswer>> = {
  ok: series(1, 2),
  alarm: series(98, 99),
  unknown: series(),
  keep: series(),
  up: series(1, 99),
  down: series(99, 1),
  outage: { kind: 'outage', reason: 'connection refused' },
};

function series(...values: number[]): BackendAnswer {
  return { kind: 'series', series: [seriesOf(values, { statistic: 'value' })] };
}

function ruleOf(tree: Tree): CompositeRule {
  const written = (node: Tree): unknown => {
    if (typeof node !== 'string') {
      return 'and' in node ? { and: node.and.map(written) } : { or: node.or.map(written) };
    }
    const leaf = { type: 'prometheus', query: node, threshold: 80, comparison_operator: 'gt', evaluation_periods: 2 };
    return node === 'keep' ? { ...leaf, tocsin: { treat_missing_data: 'ignore' } } : leaf;
  };
  const rule = composite.schema.parse(written(tree));
  return composite.scopedTo(rule, { projectId: 'p1' });
}

function evaluate(tree: Tree, state: AlarmState = 'ok') {
  const rule = ruleOf(tree);
  const answers = leavesOf(rule.tree).map((leaf) => ANSWERS[(leaf as unknown as { query: Leaf }).query]);
  return composite.evaluate(rule, { ...evaluationInput([]), answers, state });
}

function reasonOf(tree: Tree, state: AlarmState, { repeatActions = false } = {}): string {
  const decision = decide({ state, repeatActions }, evaluate(tree, state), composite);
  return decision.kind === 'stay' ? 'stay' : decision.reason;
}

const FORM = 'Composite rule alarm with composition form:';

describe('the verdict of a composite rule', () => {
  test.each<[tree: Tree, verdict: string]>([
    ['alarm', 'alarm'],
    ['ok', 'ok'],
    ['unknown', 'insufficient data'],
    ['outage', 'outage'],
    [{ and: ['alarm', 'alarm'] }, 'alarm'],
    [{ and: ['alarm', 'ok'] }, 'ok'],
    [{ and: ['alarm', 'unknown'] }, 'insufficient data'],
    [{ and: ['unknown', 'ok'] }, 'ok'],
    [{ and: ['outage', 'ok'] }, 'ok'],
    [{ and: ['outage', 'alarm'] }, 'outage'],
    [{ and: ['outage', 'unknown'] }, 'outage'],
    [{ or: ['ok', 'ok'] }, 'ok'],
    [{ or: ['ok', 'alarm'] }, 'alarm'],
    [{ or: ['unknown', 'alarm'] }, 'alarm'],
    [{ or: ['unknown', 'ok'] }, 'insufficient data'],
    [{ or: ['outage', 'alarm'] }, 'alarm'],
    [{ or: ['outage', 'ok'] }, 'outage'],
    // Independent of the missing answer, the rule without data makes the whole unknown.
    [{ and: ['unknown', { or: ['unknown', 'outage'] }] }, 'insufficient data'],
    [{ and: ['alarm', { or: ['ok', 'alarm', { and: ['ok'] }] }] }, 'alarm'],
    [{ or: [{ and: ['alarm', 'ok'] }, { and: ['unknown', 'ok'] }] }, 'ok'],
  ])('of %j is %s', (tree, verdict) => {
    expect(evaluate(tree).verdict).toBe(verdict);
  });

  test.each<[tree: Tree, fromUnknown: string, fromOk: string, fromAlarm: string]>([
    ['up', 'alarm', 'ok', 'alarm'],
    ['down', 'ok', 'ok', 'alarm'],
    [{ and: ['up', 'alarm'] }, 'alarm', 'ok', 'alarm'],
    [{ and: ['up', 'ok'] }, 'ok', 'ok', 'ok'],
    [{ or: ['down', 'ok'] }, 'ok', 'ok', 'alarm'],
    [{ or: ['down', 'alarm'] }, 'alarm', 'alarm', 'alarm'],
    [{ and: ['up', 'unknown'] }, 'insufficient data', 'ok', 'insufficient data'],
    [{ and: ['up', 'outage'] }, 'outage', 'ok', 'outage'],
    ['keep', 'insufficient data', 'ok', 'alarm'],
    [{ and: ['keep', 'alarm'] }, 'insufficient data', 'ok', 'alarm'],
    [{ or: ['keep', 'ok'] }, 'insufficient data', 'ok', 'alarm'],
    [{ and: ['keep', 'ok'] }, 'ok', 'ok', 'ok'],
    [{ or: ['keep', 'alarm'] }, 'alarm', 'alarm', 'alarm'],
    [{ and: ['keep', 'unknown'] }, 'insufficient data', 'ok', 'insufficient data'],
    [{ or: ['keep', 'outage'] }, 'outage', 'outage', 'alarm'],
    [{ and: ['keep', { or: ['up', 'ok'] }] }, 'insufficient data', 'ok', 'alarm'],
  ])(
    'of %j, with a trend or a rule that keeps the state, is %s for an alarm ' +
      'without a state, %s for one that is ok, %s in alarm',
    (tree, ...expected) => {
      expect((['insufficient data', 'ok', 'alarm'] as const).map((state) => evaluate(tree, state).verdict)).toEqual(
        expected,
      );
    },
  );

  test('is kept by an alarm of one rule while its values straddle the threshold', () => {
    for (const state of ['ok', 'alarm'] as const) {
      for (const tree of ['up', 'down'] as const) expect(reasonOf(tree, state)).toBe('stay');
    }
  });

  test.each<[tree: Tree, verdict: string]>([
    [{ and: [] }, 'insufficient data'],
    [{ or: [] }, 'insufficient data'],
    [{ or: ['alarm', { and: [] }] }, 'alarm'],
    [{ or: ['ok', { and: [] }] }, 'insufficient data'],
    [{ and: ['alarm', { or: [] }] }, 'insufficient data'],
    [{ and: ['ok', { or: [] }] }, 'ok'],
  ])('of %j, which has a group without rules, is %s: such a group has no state', (tree, verdict) => {
    expect(evaluate(tree).verdict).toBe(verdict);
  });
});

describe('rules are judged from left to right', () => {
  test.each<[tree: Tree, looked: string]>([
    [{ or: ['alarm', 'ok'] }, 'rule1'],
    [{ or: ['ok', 'alarm', 'ok'] }, 'rule1 rule2'],
    [{ and: ['ok', 'alarm'] }, 'rule1'],
    [{ and: ['alarm', { or: ['ok', 'alarm', { and: ['ok'] }] }] }, 'rule1 rule2 rule3'],
    [{ and: ['unknown', 'alarm'] }, 'rule1 rule2'],
    // The first rule excludes alarm, and the third one is ok.
    [{ and: ['unknown', 'alarm', 'ok', 'ok'] }, 'rule1 rule2 rule3'],
    [{ or: ['unknown', 'ok', 'ok'] }, 'rule1 rule2 rule3'],
  ])('and of %j no more than %s', (tree, looked) => {
    const { leaves } = evaluate(tree).findings;
    expect(leaves.map(({ name }) => name).join(' ')).toBe(looked);
  });

  test('and the findings name the rules whose backend is unavailable', () => {
    expect(evaluate({ and: ['alarm', 'outage', { or: ['outage', 'ok'] }] }).findings.unanswered).toEqual([
      'rule2',
      'rule3',
    ]);
    expect(evaluate({ and: ['outage', 'ok'] }).findings.unanswered).toEqual([]);
  });
});

describe('the reason', () => {
  const many: Tree = { and: Array.from({ length: 12 }, () => 'alarm' as const) };
  const allOf = (count: number): string =>
    Array.from({ length: count }, (_, index) => `rule${index + 1}`).join(' and ');

  test.each<[tree: Tree, from: AlarmState, reason: string]>([
    [
      { and: ['unknown', 'alarm'] },
      'ok',
      '(rule1 and rule2) transition to insufficient data, due to rules: rule1 state evaluated to unknown.',
    ],
    ['alarm', 'ok', 'rule1 transition to alarm, due to rules: rule1 outside their threshold.'],
    [{ and: ['alarm'] }, 'ok', '(rule1) transition to alarm, due to rules: rule1 outside their threshold.'],
    [
      { or: ['alarm', 'ok'] },
      'ok',
      '(rule1 or rule2) transition to alarm, due to rules: rule1 outside their threshold.',
    ],
    [
      { or: ['ok', 'ok'] },
      'alarm',
      '(rule1 or rule2) transition to ok, due to rules: rule1, rule2 inside their threshold.',
    ],
    [
      { and: ['alarm', { or: ['ok', 'alarm', { and: ['ok'] }] }] },
      'ok',
      '(rule1 and (rule2 or rule3 or (rule4))) transition to alarm, due ' +
        'to rules: rule1, rule3 outside their threshold.',
    ],
    [
      many,
      'ok',
      `(${allOf(12)}) transition to alarm, due to rules: rule1, rule10, rule11, rule12, ` +
        `rule2, rule3, rule4, rule5, rule6, rule7, ` +
        'rule8, rule9 outside their threshold.',
    ],
    [
      { and: ['up', 'alarm'] },
      'insufficient data',
      '(rule1 and rule2) transition to alarm, due to rules: rule1, rule2 outside their threshold.',
    ],
  ])('of %j in an alarm that is %s: %s', (tree, from, reason) => {
    expect(reasonOf(tree, from)).toBe(`${FORM} ${reason}`);
  });

  test('of a repeat says that it remains, in ok and in alarm, and never while unknown', () => {
    const repeat = { repeatActions: true };
    expect(reasonOf('ok', 'ok', repeat)).toBe(
      `${FORM} rule1 remaining as ok, due to rules: rule1 inside their threshold.`,
    );
    expect(reasonOf('up', 'alarm', repeat)).toBe(
      `${FORM} rule1 remaining as alarm, due to rules: rule1 outside their threshold.`,
    );
    expect(reasonOf('unknown', 'insufficient data', repeat)).toBe('stay');
    expect(reasonOf('outage', 'ok', repeat)).toBe('stay');
  });

  test('contains the rules behind it, as clients know them', () => {
    const { reasonData } = composite.explain(evaluate({ or: ['ok', 'alarm'] }).findings, 'alarm', false);
    expect(pythonJson(reasonData)).toBe(
      '{"type": "composite", "composition_form": "(rule1 or rule2)", ' +
        '"causative_rules": {"rule2": {"query": "alarm", "threshold": 80.0, ' +
        '"comparison_operator": "gt", "evaluation_periods": 2, "type": "prometheus"}}}',
    );
  });
});

test('every kind of rule within has one query, and answers belong to rules by their place', () => {
  const gnocchi = { threshold: 1, aggregation_method: 'mean', metric: 'm', resource_type: 't' };
  const fields: Readonly<Record<string, object>> = {
    prometheus: { query: 'up', threshold: 1 },
    gnocchi_resources_threshold: { ...gnocchi, resource_id: 'r' },
    gnocchi_aggregation_by_metrics_threshold: { threshold: 1, aggregation_method: 'mean', metrics: ['a', 'b'] },
    gnocchi_aggregation_by_resources_threshold: { ...gnocchi, query: '{}' },
  };
  for (const type of LEAF_KINDS) {
    const kind = leafTypeOf({ type });
    expect(kind.seriesNeeded(kind.schema.parse(fields[type]), NO_OPTIONS)).toHaveLength(1);
  }
});

describe('for any tree', () => {
  const { node } = fc.letrec<{ node: Tree }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constantFrom<Leaf>('ok', 'alarm', 'unknown', 'keep', 'up', 'down', 'outage'),
      fc.record({ and: fc.array(tie('node'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ or: fc.array(tie('node'), { minLength: 1, maxLength: 2 }) }),
    ),
  }));
  type Truth = 'ok' | 'alarm' | 'unknown';

  /** Three-valued logic that evaluates every rule. */
  function truth(tree: Tree, of: (leaf: Leaf) => Truth): Truth {
    if (typeof tree === 'string') return of(tree);
    const [members, decisive, other] =
      'and' in tree ? ([tree.and, 'ok', 'alarm'] as const) : ([tree.or, 'alarm', 'ok'] as const);
    const all = members.map((member) => truth(member, of));
    if (all.includes(decisive)) return decisive;
    return all.includes('unknown') ? 'unknown' : other;
  }

  function held(present: AlarmState, outage: Truth): (leaf: Leaf) => Truth {
    return (leaf) => {
      if (leaf === 'outage') return outage;
      if (leaf !== 'keep' && leaf !== 'up' && leaf !== 'down') return leaf;
      if (present !== 'insufficient data') return present;
      if (leaf === 'keep') return 'unknown';
      return leaf === 'up' ? 'alarm' : 'ok';
    };
  }

  test(
    'the verdict is that of three-valued logic, and an outage only ' + 'if the missing answer could have changed it',
    () => {
      fc.assert(
        fc.property(node, fc.constantFrom(...ALARM_STATES), (tree, present) => {
          const possible = (['ok', 'alarm', 'unknown'] as const).map((outage) => truth(tree, held(present, outage)));
          const [first, ...others] = possible;
          const sure = others.every((one) => one === first);
          const expected = !sure ? 'outage' : first === 'unknown' ? 'insufficient data' : first;
          expect(evaluate(tree, present).verdict).toBe(expected);
        }),
        { numRuns: 2000 },
      );
    },
  );

  test('the state has a rule behind it', () => {
    fc.assert(
      fc.property(node, fc.constantFrom(...ALARM_STATES), (tree, present) => {
        const { verdict, findings } = evaluate(tree, present);
        if (verdict === 'outage') return expect(findings.unanswered.length).toBeGreaterThan(0);
        const { reasonData } = composite.explain(findings, verdict as AlarmState, false);
        expect(Object.keys((reasonData as { causative_rules: object }).causative_rules).length).toBeGreaterThan(0);
      }),
    );
  });

  test('rules that keep the state do so if the other rules do not decide it', () => {
    const decided = node.filter((tree) => !/unknown|up|down|outage/.test(JSON.stringify(tree)));
    fc.assert(
      fc.property(decided, fc.constantFrom<AlarmState>('ok', 'alarm'), (tree, present) => {
        const [low, high] = (['ok', 'alarm'] as const).map((kept) =>
          truth(tree, (leaf) => (leaf === 'keep' ? kept : (leaf as Truth))),
        );
        expect(evaluate(tree, present).verdict).toBe(low === high ? low : present);
      }),
    );
  });
});
