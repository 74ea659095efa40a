import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { ALARM_STATES, type AlarmState } from '../../src/alarm/state.js';
import { decide, type Verdict } from '../../src/alarm/decide.js';
import { MISSING_DATA_TREATMENTS, type EvaluationOptions } from '../../src/alarm/evaluation-options.js';
import { createOpenTimesSource } from '../../src/alarm/time-constraint/open-times.js';
import { windowStart, type BackendAnswer } from '../../src/alarm/series.js';
import { alarmTypes, evaluatedTypeOf, typeOf, type AlarmRule } from '../../src/alarm/types/index.js';
import { evaluationInput, NOON, seriesOf } from '../support/builders.js';
import { tablesOf } from '../support/markdown.js';

const PAGE = readFileSync(new URL('../../../docs/semantics.md', import.meta.url), 'utf8');
const UNKNOWN = 'insufficient data';

/** Words of the page, and the verdicts that they stand for. */
const PAGE_WORDS: readonly (readonly [onPage: string, inCode: Verdict])[] = [
  ['unknown', UNKNOWN],
  ['keep', 'hold'],
  ['outage', 'outage'],
];

/** The page's word for a verdict. */
function word(verdict: Verdict): string {
  return PAGE_WORDS.find(([, inCode]) => inCode === verdict)?.[0] ?? verdict;
}

function verdictOf(text: string): Verdict {
  return PAGE_WORDS.find(([onPage]) => onPage === text)?.[1] ?? (text as Verdict);
}

/** `90 · 99`, and `/` between series; `·` is a datapoint that is missing at its place. */
function answerOf(text: string): BackendAnswer {
  const numbers: Readonly<Record<string, number>> = { '·': NaN, inf: Infinity, '-inf': -Infinity };
  const series = text.split('/').map((one) =>
    one
      .trim()
      .split(' ')
      .map((value) => numbers[value] ?? Number(value)),
  );
  return { kind: 'series', series: series.map((values) => seriesOf(values, { statistic: 'value' })) };
}

interface Judged {
  state?: AlarmState;
  options?: EvaluationOptions;
}

function verdict(
  rule: AlarmRule,
  answers: readonly BackendAnswer[],
  { state = 'ok', options = {} }: Judged = {},
): string {
  return word(evaluatedTypeOf(rule).evaluate(rule, { ...evaluationInput([]), answers, state, options }).verdict);
}

const ABOVE_80 = { threshold: 80, comparison_operator: 'gt', query: 'up' };

function aboveEighty(evaluation_periods: number): AlarmRule {
  return alarmTypes.prometheus.schema.parse({ ...ABOVE_80, evaluation_periods });
}

/** From the given cells of a row to the cells that the code expects after them. */
type Check = (given: string[]) => string[];

const treatments =
  (options: EvaluationOptions): Check =>
  ([datapoints = '']) =>
    MISSING_DATA_TREATMENTS.map((treat_missing_data) =>
      verdict(aboveEighty(3), [answerOf(datapoints)], { options: { ...options, treat_missing_data } }),
    );

const fromEachState = (look: (state: AlarmState) => string): string[] =>
  [UNKNOWN, 'ok', 'alarm'].map((state) => look(state as AlarmState));

const LEAF_ANSWERS: Readonly<Record<string, BackendAnswer>> = {
  ok: answerOf('1 2'),
  alarm: answerOf('98 99'),
  unknown: answerOf('· ·'),
  'trending alarm': answerOf('1 99'),
  'trending ok': answerOf('99 1'),
  keep: answerOf('· ·'),
  outage: { kind: 'outage', reason: 'no' },
};

function compositeVerdict(text: string, state: AlarmState): string {
  const operator = text.includes(' or ') ? 'or' : 'and';
  const leaves = text.split(` ${operator} `);
  const rules = leaves.map((leaf) => {
    const tocsin = leaf === 'keep' ? { treat_missing_data: 'ignore' } : null;
    return { type: 'prometheus', ...ABOVE_80, evaluation_periods: 2, tocsin };
  });
  const rule = alarmTypes.composite.schema.parse(rules.length === 1 ? rules[0] : { [operator]: rules });
  return verdict(
    rule,
    leaves.map((leaf) => LEAF_ANSWERS[leaf]!),
    { state },
  );
}

/** Of two rules, above 80 and clear at 60, each with one datapoint. */
function twoWithClearThreshold([first = '', second = '']: string[]): string[] {
  const leaf = { type: 'prometheus', ...ABOVE_80, tocsin: { clear_threshold: 60 } };
  const answers = [answerOf(first), answerOf(second)];
  return ['and', 'or'].flatMap((operator) => {
    const rule = alarmTypes.composite.schema.parse({ [operator]: [leaf, leaf] });
    return (['ok', 'alarm'] as const).map((state) => verdict(rule, answers, { state }));
  });
}

function windowOf([alarm = '', granularity = '', periods = '', lag = '']: string[]): string[] {
  const kind = alarm.replaceAll('`', '');
  const named = {
    metric: 'm',
    resource_id: 'r',
    resource_type: 't',
    aggregation_method: 'mean',
    metrics: ['m'],
    query: '{}',
  };
  const fields: Readonly<Record<string, readonly (keyof typeof named)[]>> = {
    gnocchi_resources_threshold: ['metric', 'resource_id', 'resource_type', 'aggregation_method'],
    gnocchi_aggregation_by_metrics_threshold: ['metrics', 'aggregation_method'],
    gnocchi_aggregation_by_resources_threshold: ['metric', 'query', 'resource_type', 'aggregation_method'],
    prometheus: ['query'],
  };
  const sent = Object.fromEntries((fields[kind] ?? []).map((name) => [name, named[name]]));
  const range = granularity === '–' ? {} : { granularity: Number(granularity), evaluation_periods: Number(periods) };
  const rule: AlarmRule =
    kind === 'threshold'
      ? alarmTypes.threshold.schema.parse({
          meter_name: 'm',
          threshold: 80,
          period: Number(granularity),
          evaluation_periods: Number(periods),
        })
      : alarmTypes[kind as 'prometheus'].schema.parse({ ...sent, threshold: 80, ...range });
  const at = Date.parse('2026-01-01T12:57:30Z');
  const [need] = typeOf(rule).seriesNeeded(rule, { ingestion_lag: Number(lag) });
  return [windowStart(need!, at), at - need!.lagS * 1000].map((moment) => new Date(moment).toISOString().slice(11, 19));
}

function decisionOf([state = '', given = '']: string[]): string[] {
  return [false, true].map((repeatActions) => {
    const explainer = { explain: () => ({ reason: '', reasonData: null }), repeatsWhileUnknown: true };
    const evaluation = { verdict: verdictOf(given), findings: null };
    const decision = decide({ state: verdictOf(state) as AlarmState, repeatActions }, evaluation, explainer);
    if (decision.kind === 'stay') return 'nothing';
    return decision.kind === 'repeat' ? `repeat ${word(decision.state)}` : `change to ${word(decision.to)}`;
  });
}

function memberVerdict([isUp = '', operating_status = '', age = '']: string[]): string[] {
  const created_at = age === 'not known' ? null : new Date(NOON.getTime() - Number(age) * 1000).toISOString();
  const member = { admin_state_up: isUp === 'true', operating_status, created_at };
  const rule = alarmTypes.loadbalancer_member_health.schema.parse({
    pool_id: 'p',
    stack_id: 's',
    autoscaling_group_id: 'g',
  });
  return [verdict(rule, [{ kind: 'members', members: [member], creationTimeS: 120 }])];
}

const CAME: Readonly<Record<string, BackendAnswer>> = {
  'no data': { kind: 'series', series: [] },
  absent: { kind: 'absent', reason: 'no' },
  refused: { kind: 'refused', reason: 'no' },
  outage: { kind: 'outage', reason: 'no' },
};

/** The whole minutes of a day, in UTC, at which the time constraint of the page holds. */
function holdsOn([, , day = '']: string[]): string[] {
  const [, constraint = ''] = /```json\n(\{ "name": "backup".*\})\n```/.exec(PAGE) ?? [];
  const times = createOpenTimesSource().ofJson(`[${constraint}]`);
  const minutes = Array.from({ length: 1440 }, (_, minute) => new Date(Date.parse(day) + minute * 60_000));
  const open = minutes.filter((minute) => times.isOpen(minute)).map((minute) => minute.toISOString().slice(11, 16));
  return [`${open[0]} to ${open.at(-1)}`];
}

/** By heading and columns. The number is of the cells that are given. */
const CHECKS: Readonly<Record<string, [given: number, check: Check]>> = {
  'The window: alarm, granularity, evaluation_periods, ingestion_lag, from, to': [4, windowOf],
  'Enough data, and trends: datapoints, verdict': [
    1,
    ([datapoints = '']) => [verdict(aboveEighty(3), [answerOf(datapoints)])],
  ],
  'What follows: state, verdict, repeat_actions: false, repeat_actions: true': [2, decisionOf],
  'Missing data: datapoints, missing, ok, alarm, ignore': [1, treatments({})],
  'M of N datapoints: datapoints, missing, ok, alarm, ignore': [1, treatments({ datapoints_to_alarm: 2 })],
  'Clear threshold: datapoints, from unknown, from ok, from alarm': [
    1,
    ([datapoints = '']) =>
      fromEachState((state) =>
        verdict(aboveEighty(2), [answerOf(datapoints)], { state, options: { clear_threshold: 60 } }),
      ),
  ],
  'Several series: datapoints, verdict': [1, ([datapoints = '']) => [verdict(aboveEighty(2), [answerOf(datapoints)])]],
  'Composite: rules, verdict': [1, ([rules = '']) => [compositeVerdict(rules, 'ok')]],
  'Composite: rules, from unknown, from ok, from alarm': [
    1,
    ([rules = '']) => fromEachState((state) => compositeVerdict(rules, state)),
  ],
  'Clear thresholds in a composite: first, second, and: from ok, and: from alarm, or: from ok, or: from alarm': [
    2,
    twoWithClearThreshold,
  ],
  'Load balancer: admin_state_up, operating_status, age in seconds, verdict': [3, memberVerdict],
  'Time constraints: local time, opens, day, holds, in UTC': [3, holdsOn],
  'Outages: what came, counts as, verdict': [2, ([, kind = '']) => [verdict(aboveEighty(1), [CAME[kind]!])]],
};

const found = tablesOf(PAGE);

describe.each(found)('docs/semantics.md, $heading ($columns)', ({ heading, columns, rows }) => {
  const [given, check] = CHECKS[`${heading}: ${columns.join(', ')}`] ?? [];

  test('is a table that the code is compared with', () => {
    expect(check).toBeDefined();
    expect(rows.length).toBeGreaterThan(1);
  });

  test.each(rows.map((row) => ({ row })))('$row', ({ row }) => {
    expect(check?.(row.slice(0, given))).toEqual(row.slice(given));
  });
});

test('docs/semantics.md has exactly the tables that this test compares', () => {
  expect(found.map(({ heading, columns }) => `${heading}: ${columns.join(', ')}`).sort()).toEqual(
    Object.keys(CHECKS).sort(),
  );
});

test('docs/semantics.md says what follows for every state and verdict', () => {
  const table = found.find(({ heading }) => heading === 'What follows');
  const told = new Set(table?.rows.map(([state, given]) => `${state} ${given}`));
  const verdicts = ['ok', 'alarm', 'unknown', 'trending ok', 'trending alarm', 'keep', 'outage'];
  expect(told.size).toBe(ALARM_STATES.length * verdicts.length);
});

test('the links within docs/semantics.md lead to headings of the page', () => {
  const headings = [...PAGE.matchAll(/^#+ (.*)$/gm)].map(([, text = '']) =>
    text
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const links = [...PAGE.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor);
  expect(links.length).toBeGreaterThan(3);
  expect(headings).toEqual(expect.arrayContaining(links));
});
