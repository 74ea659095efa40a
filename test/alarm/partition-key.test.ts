import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { NO_OPTIONS, type EvaluationOptions } from '../../src/alarm/evaluation-options.js';
import {
  placementOf,
  partitionOf,
  PARTITIONS,
  queryKeyOf as keyOf,
  PHASES_PER_INTERVAL,
} from '../../src/alarm/partition-key.js';
import type { MeterQuery } from '../../src/alarm/series.js';
import type { QueryItem, ThresholdRule } from '../../src/alarm/types/threshold/schema.js';
import { scopedTo, seriesNeeded as needsOf } from '../../src/alarm/types/threshold/meter-query.js';
import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import { aCombinationRule, aThresholdRule } from '../support/builders.js';

const queryKeyOf = (rule: AlarmRule, id: string): string => keyOf(rule, NO_OPTIONS, id);
const seriesNeeded = (rule: ThresholdRule): { query: MeterQuery; periods: number } =>
  needsOf(rule, NO_OPTIONS)[0] as never;

function where(...conditions: [field: string, value: string, type?: string][]): ThresholdRule {
  return aThresholdRule({
    query: conditions.map(([field, value, type = '']): QueryItem => ({ field, op: 'eq', value, type })),
  });
}

describe('alarms with the same query', () => {
  const plain = where(['resource_id', 'r1'], ['metadata.role', 'web']);

  test.each<[string, ThresholdRule]>([
    ['another threshold', { ...plain, threshold: 1 }],
    ['another operator', { ...plain, comparison_operator: 'lt' }],
    ['another statistic', { ...plain, statistic: 'max' }],
    ['another number of periods', { ...plain, evaluation_periods: 9 }],
    ['outliers excluded', { ...plain, exclude_outliers: true }],
    ['the conditions in another order', where(['metadata.role', 'web'], ['resource_id', 'r1'])],
    ['a condition said twice', where(['resource_id', 'r1'], ['resource', 'r1'], ['metadata.role', 'web'])],
    ['other names of the fields', where(['resource', 'r1'], ['resource_metadata.role', 'web'])],
    ['its own meter as a condition', where(['resource', 'r1'], ['metadata.role', 'web'], ['meter', 'cpu_util'])],
  ])('share a key: %s', (_, rule) => {
    expect(queryKeyOf(rule, 'x')).toBe(queryKeyOf(plain, 'y'));
  });

  test.each<[string, ThresholdRule]>([
    ['another meter', { ...plain, meter_name: 'disk' }],
    ['another period', { ...plain, period: 300 }],
    ['another resource', where(['resource_id', 'r2'], ['metadata.role', 'web'])],
    ['a project', where(['resource_id', 'r1'], ['metadata.role', 'web'], ['project_id', 'p'])],
    ['a condition less', where(['resource_id', 'r1'])],
    ['the same value in another field', where(['user_id', 'r1'], ['metadata.role', 'web'])],
    [
      'conditions that contradict each other',
      where(['resource_id', 'r2'], ['resource_id', 'r1'], ['metadata.role', 'web']),
    ],
  ])('have different keys for different queries: %s', (_, rule) => {
    expect(queryKeyOf(rule, 'x')).not.toBe(queryKeyOf(plain, 'x'));
  });

  test('an alarm without a backend has its id as key', () => {
    expect(queryKeyOf(aCombinationRule(), 'alarm-1')).toBe('alarm-1');
  });

  test.each([
    ['integer', ' 007 ', '7'],
    ['float', '1.50', '1.5'],
    ['boolean', 'Yes', 'true'],
    ['boolean', 'off', 'false'],
    ['string', '007', '007'],
    ['', '007', '007'],
  ])('a value of type "%s", %j, is compared as %s', (type, value, expected) => {
    expect(seriesNeeded(where(['metadata.size', value, type])).query.metadata).toEqual({ size: expected });
  });

  test('contradicting conditions are found before a request is sent', () => {
    expect(seriesNeeded(where(['resource_id', 'a'], ['resource', 'b'])).query.impossible).toBe(true);
    expect(seriesNeeded(where(['meter', 'another'])).query.impossible).toBe(true);
    expect(seriesNeeded(where(['resource_id', 'a'])).query.impossible).toBeUndefined();
  });

  test('the window is one period longer than needed, and twice as long for outliers', () => {
    expect(seriesNeeded(aThresholdRule({ evaluation_periods: 5 })).periods).toBe(6);
    expect(seriesNeeded(aThresholdRule({ evaluation_periods: 5, exclude_outliers: true })).periods).toBe(10);
  });
});

describe('a threshold rule of an author who is bound to one project', () => {
  const scope = { projectId: 'p' };

  test('has that project as a condition and as its scope', () => {
    expect(scopedTo(where(['resource_id', 'r']), scope)).toMatchObject({
      query: [
        { field: 'resource_id', op: 'eq', value: 'r', type: '' },
        { field: 'project_id', op: 'eq', value: 'p', type: '' },
      ],
      scope_to_project: 'p',
    });
  });

  test('has that project as its scope also if a condition already names it', () => {
    const named = where(['project', 'p']);
    expect(scopedTo(named, scope)).toEqual({ ...named, scope_to_project: 'p' });
  });

  test('has no scope if its author sees all projects, even with a condition on a project', () => {
    expect(scopedTo(where(['project_id', 'q']), { projectId: null })).toEqual({
      ...where(['project_id', 'q']),
      scope_to_project: null,
    });
  });

  test('is refused when a condition names another project', () => {
    expect(() => scopedTo(where(['project_id', 'p'], ['project', 'q']), scope)).toThrow(
      'Not Authorized to access project q',
    );
  });

  test('is shown to clients without its scope', () => {
    const rule = scopedTo(where(['resource_id', 'r']), scope);
    expect(alarmTypes.threshold.shownJson?.(rule)).not.toContain('scope_to_project');
    expect(alarmTypes.threshold.ruleJson(rule)).toContain('"scope_to_project": "p"');
  });

  const FIELDS = [
    'project',
    'project_id',
    'user',
    'resource_id',
    'source',
    'message_id',
    'meter',
    'metadata.project_id',
  ];
  const IDS = ['7', '007', '1', '1.0', 'true', 'yes', '1e3', '1000', '9007199254740993', 'p', ''];
  const condition = fc.record({
    field: fc.constantFrom(...FIELDS),
    op: fc.constant('eq'),
    value: fc.oneof(fc.constantFrom(...IDS), fc.string()),
    type: fc.constantFrom('', 'string', 'integer', 'float', 'boolean', 'datetime'),
  });

  test('reads the samples of that project only, with any conditions', () => {
    fc.assert(
      fc.property(fc.array(condition), fc.constantFrom(...IDS), (query, projectId) => {
        const rule = { ...aThresholdRule(), query };
        const foreign = query.some(({ field, value }) => /^project(_id)?$/.test(field) && value !== projectId);
        if (foreign) expect(() => scopedTo(rule, { projectId })).toThrow('Not Authorized to access project');
        else {
          const need = seriesNeeded(scopedTo(rule, { projectId })).query;
          expect([need.project, need.projectId]).toEqual([projectId, undefined]);
        }
      }),
    );
  });

  test('never shares a key with a rule of another scope', () => {
    fc.assert(
      fc.property(fc.array(condition), fc.constantFrom(...IDS), fc.constantFrom(null, ...IDS), (query, one, other) => {
        fc.pre(one !== other);
        const rule = { ...aThresholdRule(), query };
        const keyOf = (scope: string | null): string => queryKeyOf({ ...rule, scope_to_project: scope }, 'x');
        expect(keyOf(one)).not.toBe(keyOf(other));
      }),
    );
  });

  test.each(['user_id', 'resource_id', 'source', 'message_id'])(
    'compares %s as the text that was sent, with any type',
    (field) => {
      const key = { user_id: 'userId', resource_id: 'resourceId', source: 'source', message_id: 'messageId' }[
        field
      ] as string;
      expect(seriesNeeded(where([field, '007', 'integer'])).query).toMatchObject({ [key]: '007' });
    },
  );
});

describe('the partition of a key', () => {
  test.each([
    ['', 0xe3b0c442 % 256],
    ['abc', 0xba7816bf % 256],
  ])('of %j never changes: it is in stored rows', (key, expected) => {
    expect(partitionOf(key)).toBe(expected);
  });

  test('is one of the 256, and every one is used', () => {
    fc.assert(
      fc.property(fc.string(), (key) => {
        expect(partitionOf(key)).toBeGreaterThanOrEqual(0);
        expect(partitionOf(key)).toBeLessThan(PARTITIONS);
      }),
    );
    const loads = new Array<number>(PARTITIONS).fill(0);
    for (let index = 0; index < 25_600; index += 1) loads[partitionOf(`key ${index}`)]! += 1;
    expect(Math.min(...loads)).toBeGreaterThan(50);
    expect(Math.max(...loads)).toBeLessThan(150);
  });
});

describe('alarms on Prometheus', () => {
  const about = (query: string, more: object = {}): AlarmRule => ({
    ...alarmTypes.prometheus.schema.parse({ query, threshold: 1 }),
    ...more,
  });
  const phaseOf = (rule: AlarmRule, options: EvaluationOptions = NO_OPTIONS): number =>
    placementOf(rule, options, '').partition % PHASES_PER_INTERVAL;
  const phasesOf = (query: (n: number) => string): Set<number> =>
    new Set(Array.from({ length: 40 }, (_, n) => phaseOf(about(query(n)))));
  const hosts = Array.from(
    { length: 400 },
    (_, n) => placementOf(about(`cpu{instance="h${n}",job="node"}`), NO_OPTIONS, '').partition,
  );

  test('have the same phase if one request can serve them, and are spread over all partitions of that phase', () => {
    expect(new Set(hosts.map((partition) => partition % PHASES_PER_INTERVAL)).size).toBe(1);
    expect(new Set(hosts).size).toBe(PARTITIONS / PHASES_PER_INTERVAL);
  });

  test.each<[string, (n: number) => string]>([
    ['in double quotes', (n) => `cpu{a="${n}"}`],
    ['in single quotes', (n) => `cpu{a='${n}'}`],
    ['in backticks', (n) => `cpu{a=\`${n}\`}`],
    ['with quotes in it', (n) => `cpu{a="\\"${n}'"}`],
    ['with line breaks in it', (n) => `cpu{a=\`\n${n}\`}`],
    ['of two labels at once', (n) => `sum(rate(cpu{a="${n % 7}",b="${n}"}[5m])) > 2`],
  ])('have the same phase if they differ in values %s', (_, query) => {
    expect(phasesOf(query).size).toBe(1);
  });

  test.each<[string, (n: number) => string]>([
    ['metric', (n) => `cpu${n}{a="1"}`],
    ['label', (n) => `cpu{a${n}="1"}`],
    ['window', (n) => `rate(cpu{a="1"}[${n + 1}m])`],
  ])('are spread over the interval by their %s', (_, query) => {
    expect(phasesOf(query).size).toBe(PHASES_PER_INTERVAL);
  });

  test.each<[string, (n: number) => [AlarmRule, EvaluationOptions]]>([
    ['project', (n) => [about('cpu{a="1"}', { scope_to_project: `p${n}` }), NO_OPTIONS]],
    ['granularity', (n) => [about('cpu{a="1"}', { granularity: n + 1 }), NO_OPTIONS]],
    ['lag', (n) => [about('cpu{a="1"}'), { ingestion_lag: n }]],
    ['backend', (n) => [about('cpu{a="1"}'), { backend: `b${n}` }]],
  ])('are spread over the interval by their %s', (_, nth) => {
    expect(new Set(Array.from({ length: 60 }, (_, n) => phaseOf(...nth(n)))).size).toBe(PHASES_PER_INTERVAL);
  });

  test('are placed by their query, not by the condition', () => {
    const one = placementOf(about('cpu{a="1"}'), NO_OPTIONS, 'x');
    expect(placementOf(about('cpu{a="1"}', { threshold: 5, comparison_operator: 'lt' }), NO_OPTIONS, 'y')).toEqual(one);
  });

  test('have the phase of composite alarms whose first query belongs to their merge group', () => {
    const leaf = about('cpu{instance="h1",job="node"}') as never;
    const other = about('mem') as never;
    const composite: AlarmRule = { type: 'composite', tree: { and: [leaf, { or: [other] }] } };
    expect(placementOf(composite, NO_OPTIONS, '')).toEqual(placementOf(leaf, NO_OPTIONS, ''));
    expect(hosts).toContain(placementOf(leaf, NO_OPTIONS, '').partition);
  });
});
