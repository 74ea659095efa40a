import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { ALARM_STATES, type AlarmState } from '../../../src/alarm/state.js';
import { decide, type Decision } from '../../../src/alarm/decide.js';
import { MISSING_DATA_TREATMENTS, NO_OPTIONS, type EvaluationOptions } from '../../../src/alarm/evaluation-options.js';
import { placementOf } from '../../../src/alarm/partition-key.js';
import type { BackendAnswer, JudgedAnswer } from '../../../src/alarm/series.js';
import { composite } from '../../../src/alarm/types/composite/index.js';
import type { CompositeLeaf, CompositeNode } from '../../../src/alarm/types/composite/tree.js';
import { LEAF_KINDS, leafTypeOf, leavesOf } from '../../../src/alarm/types/composite/tree.js';
import { COMPARISON_OPERATORS } from '../../../src/alarm/types/threshold/schema.js';
import { evaluationInput, seriesOf } from '../../support/builders.js';

/** Options of a rule within a composite alarm mean the same as options of an alarm with that rule. */

const GNOCCHI = { metric: 'm', resource_id: 'r', resource_type: 't', aggregation_method: 'mean' };
const FIELDS: Readonly<Record<CompositeLeaf['type'], object>> = {
  prometheus: { query: 'up' },
  gnocchi_resources_threshold: GNOCCHI,
  gnocchi_aggregation_by_metrics_threshold: { metrics: ['m'], aggregation_method: 'mean' },
  gnocchi_aggregation_by_resources_threshold: {
    metric: 'm',
    resource_type: 't',
    aggregation_method: 'rate:mean',
    query: '{"=": {"a": "b"}}',
  },
};

const options: fc.Arbitrary<EvaluationOptions> = fc.record(
  {
    datapoints_to_alarm: fc.integer({ min: 1, max: 4 }),
    treat_missing_data: fc.constantFrom(...MISSING_DATA_TREATMENTS),
    clear_threshold: fc.integer({ min: 1, max: 5 }),
    ingestion_lag: fc.constantFrom(0, 60),
    backend: fc.constantFrom('east', 'west'),
  },
  { requiredKeys: [] },
);
const leafKind = fc.constantFrom(...LEAF_KINDS);
const rule = fc
  .record({
    type: leafKind,
    comparison_operator: fc.constantFrom(...COMPARISON_OPERATORS),
    threshold: fc.constantFrom(2, 3, 4),
    evaluation_periods: fc.constantFrom(undefined, 1, 2, 3, 4),
  })
  .map((some) => ({ ...FIELDS[some.type], ...some }));
const values = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 5 });
const series = fc.array(values, { maxLength: 2 }).map((some): BackendAnswer => ({
  kind: 'series',
  series: some.map((each) => seriesOf(each, { statistic: 'value' })),
}));
const answer: fc.Arbitrary<JudgedAnswer> = fc.oneof(
  { weight: 8, arbitrary: series },
  fc.constantFrom<JudgedAnswer>(
    { kind: 'absent', reason: 'gone' },
    { kind: 'refused', reason: 'no' },
    { kind: 'lasting outage', reason: 'no' },
    { kind: 'outage', reason: 'away' },
  ),
);
const state = fc.constantFrom(...ALARM_STATES);

type Sent = { type: CompositeLeaf['type'] } & Record<string, unknown>;

function alone({ type, ...fields }: Sent): CompositeLeaf {
  return leafTypeOf({ type }).schema.parse(fields);
}

const fits = (sent: Sent, tocsin: EvaluationOptions): boolean =>
  leafTypeOf(sent).optionProblem(alone(sent), tocsin) === undefined;

/** A rule, and options that an alarm with that rule accepts. */
const leafWithOptions = fc.tuple(rule, options).filter(([sent, tocsin]) => fits(sent, tocsin));

function come({ kind, ...rest }: Decision): [kind: string, to: unknown] {
  return [kind, 'to' in rest ? rest.to : undefined];
}

describe('a composite alarm of one rule with options', () => {
  test('accepts those that an alarm of the rule’s type accepts', () => {
    fc.assert(
      fc.property(rule, options, (sent, tocsin) => {
        expect(composite.schema.safeParse({ or: [{ ...sent, tocsin }] }).success).toBe(fits(sent, tocsin));
      }),
    );
  });

  test('has the query and the partition of an alarm of the rule’s type with them', () => {
    fc.assert(
      fc.property(leafWithOptions, ([sent, tocsin]) => {
        const [own, whole] = [alone(sent), composite.schema.parse({ or: [{ ...sent, tocsin }] })];
        const scope = { projectId: 'p1', externalOwner: 'default', externalOwnersAt: new Map([['east', 'svc']]) };
        const externalOwner =
          tocsin.backend === undefined ? 'default' : (scope.externalOwnersAt.get(tocsin.backend) ?? null);
        const scoped = leafTypeOf(own).scopedTo(own, { projectId: 'p1', externalOwner });
        const wholeScoped = composite.scopedTo(whole, scope);
        expect(composite.seriesNeeded(wholeScoped, NO_OPTIONS)).toEqual(leafTypeOf(own).seriesNeeded(scoped, tocsin));
        expect(placementOf(wholeScoped, NO_OPTIONS, 'x')).toEqual(placementOf(scoped, tocsin, 'x'));
      }),
    );
  });

  test('makes the decision of an alarm of the rule’s type with them', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(leafWithOptions, answer, state, fc.boolean(), ([sent, tocsin], came, present, repeatActions) => {
        const [own, whole] = [alone(sent), composite.schema.parse({ or: [{ ...sent, tocsin }] })];
        const input = { ...evaluationInput([]), answers: [came], state: present };
        const type = leafTypeOf(own);
        const evaluation = type.evaluate(own, { ...input, options: tocsin });
        // Aodh's composite alarms never repeat while unknown.
        const explainer = { explain: type.explain, repeatsWhileUnknown: false };
        const expected = decide({ state: present, repeatActions }, evaluation, explainer);
        const found = decide({ state: present, repeatActions }, composite.evaluate(whole, input), composite);
        expect(come(found)).toEqual(come(expected));
        seen.add(evaluation.verdict);
      }),
      { numRuns: 3000 },
    );
    expect(seen.size).toBe(7);
  });
});

describe('clear thresholds in a composite alarm', () => {
  const rising = fc
    .record({ type: leafKind, threshold: fc.constant(4), evaluation_periods: fc.constantFrom(1, 2, 3) })
    .map((some) => ({ ...FIELDS[some.type], ...some, comparison_operator: 'gt' }));
  const leaf = fc
    .tuple(rising, options)
    .filter(([sent, tocsin]) => fits(sent, tocsin))
    .map(([sent, tocsin]): CompositeNode => composite.schema.parse({ ...sent, tocsin }).tree);
  const { node } = fc.letrec<{ node: CompositeNode }>((tie) => ({
    node: fc.oneof(
      { maxDepth: 2 },
      leaf,
      fc.record({ and: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('node'), { minLength: 1, maxLength: 3 }) }),
    ),
  }));
  const judged = fc
    .record({ tree: node })
    .chain(({ tree }) =>
      fc.tuple(
        fc.constant(tree),
        fc.array(series, { minLength: leavesOf(tree).length, maxLength: leavesOf(tree).length }),
      ),
    );
  const RANK = { ok: 0, 'insufficient data': 1, alarm: 2 } as const;

  test('make it harder to leave the alarm, never easier, in any tree', () => {
    let held = 0;
    fc.assert(
      fc.property(judged, ([tree, answers]) => {
        const from = (present: AlarmState): number => {
          const { verdict } = composite.evaluate(
            { type: 'composite', tree },
            { ...evaluationInput([]), answers, state: present },
          );
          return RANK[verdict as AlarmState];
        };
        expect(from('alarm')).toBeGreaterThanOrEqual(from('ok'));
        if (from('alarm') > from('ok')) held += 1;
      }),
      { numRuns: 2000 },
    );
    expect(held).toBeGreaterThan(50);
  });
});

describe('the reason', () => {
  const leafOf = (tocsin: EvaluationOptions): object => ({
    type: 'prometheus',
    query: 'up',
    threshold: 80,
    comparison_operator: 'gt',
    evaluation_periods: 3,
    tocsin,
  });
  const reasonOf = (rules: readonly EvaluationOptions[], came: readonly number[][]): string => {
    const whole = composite.schema.parse({ and: rules.map(leafOf) });
    const answers = came.map((some): BackendAnswer => ({
      kind: 'series',
      series: [seriesOf(some, { statistic: 'value' })],
    }));
    const evaluation = composite.evaluate(whole, { ...evaluationInput([]), answers });
    return composite.explain(evaluation.findings, 'alarm', false).reason.replace(/^.*due to rules: /, '');
  };

  test.each<[rules: EvaluationOptions[], came: number[][], reason: string]>([
    [
      [{ datapoints_to_alarm: 1 }, {}],
      [
        [1, 99, 1],
        [98, 98, 98],
      ],
      'rule1, rule2 outside their threshold.',
    ],
    [
      [{ treat_missing_data: 'alarm' }, {}],
      [[99], [98, 98, 98]],
      'rule1, rule2 outside their threshold. (rule1: missing datapoints counted as alarm: 2)',
    ],
    [
      [{ treat_missing_data: 'alarm' }, { treat_missing_data: 'alarm' }],
      [[], [98, 98]],
      'rule1, rule2 outside their threshold. (rule1: missing datapoints counted as ' +
        'alarm: 3; rule2: missing datapoints counted as alarm: 1)',
    ],
  ])('of rules with %j and %j says %s', (rules, came, reason) => {
    expect(reasonOf(rules, came)).toBe(reason);
  });

  test('contains the options with the rules behind it', () => {
    const whole = composite.schema.parse(leafOf({ datapoints_to_alarm: 1 }));
    const answers: BackendAnswer[] = [{ kind: 'series', series: [seriesOf([99, 1, 1], { statistic: 'value' })] }];
    const { findings } = composite.evaluate(whole, { ...evaluationInput([]), answers });
    const { causative_rules } = composite.explain(findings, 'alarm', false).reasonData as { causative_rules: object };
    expect(JSON.stringify(causative_rules)).toContain('tocsin\\": {\\"datapoints_to_alarm\\": 1}');
  });
});
