import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';

import type { AlarmRule } from '../../../src/alarm/types/index.js';
import { typeOf } from '../../../src/alarm/types/index.js';
import type { Verdict } from '../../../src/alarm/decide.js';
import { NO_OPTIONS, type EvaluationOptions } from '../../../src/alarm/evaluation-options.js';
import { COMPARISON_OPERATORS } from '../../../src/alarm/types/threshold/schema.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { sendRequests } from '../../../src/evaluator/send-requests.js';
import { judgeAlarm, type Judgement } from '../../../src/evaluator/judge.js';
import { planRequests } from '../../../src/evaluator/plan.js';
import type { Expected, OracleRule } from './oracle.js';

export const NOW = new Date('2026-01-01T12:00:30Z');
export const STEP_MS = 60_000;

/** The comparison of an alarm, and the number of datapoints that it needs. */
export type Comparing = Required<Pick<OracleRule, 'comparison_operator' | 'threshold' | 'treatment'>>;

export const comparing: fc.Arbitrary<Comparing> = fc.record({
  comparison_operator: fc.constantFrom(...COMPARISON_OPERATORS),
  threshold: fc.constantFrom(0, 3, 5, -1),
  treatment: fc.constantFrom('missing', 'missing', 'missing', 'ok', 'alarm', 'ignore'),
});

export interface JudgedCase {
  alarms: readonly { rule: AlarmRule; options: EvaluationOptions; expected: Expected }[];
  /** Description of the case for a failure message. */
  shown: string;
}

/**
 * Sends the queries of a case's alarms to the datasource all at once, as evaluators do, and judges each. Undefined if
 * all are as expected.
 */
export async function disagreement(
  datasource: Datasource<never>,
  { alarms, shown }: JudgedCase,
): Promise<string | undefined> {
  const signal = new AbortController().signal;
  const all = alarms.map((alarm) => ({ ...alarm, needs: typeOf(alarm.rule).seriesNeeded(alarm.rule, alarm.options) }));
  const datasources = { find: () => datasource, close: () => undefined };
  try {
    const answers = await sendRequests(datasources, await planRequests(all.flatMap(({ needs }) => needs)), {
      now: NOW,
      signal,
    });
    for (const [index, { expected, ...alarm }] of all.entries()) {
      const judgement = judgeAlarm({ ...alarm, state: 'ok', repeats: true }, answers, NOW);
      const problem = problemOf(judgement, expected);
      if (problem !== undefined) return `alarm ${index}: ${problem}\n${shown.slice(0, 3_000)}`;
    }
    return undefined;
  } catch (thrown) {
    return `thrown: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n${shown.slice(0, 3_000)}`;
  }
}

/** The result of an alarm whose query is sent alone. */
export async function verdictOf(datasource: Datasource<never>, rule: AlarmRule): Promise<Verdict> {
  const needs = typeOf(rule).seriesNeeded(rule, NO_OPTIONS);
  const datasources = { find: () => datasource, close: () => undefined };
  const answers = await sendRequests(datasources, await planRequests(needs), {
    now: NOW,
    signal: new AbortController().signal,
  });
  return judgeAlarm({ rule, needs, options: NO_OPTIONS, state: 'ok', repeats: true }, answers, NOW).evaluation.verdict;
}

function problemOf({ evaluation, decision }: Judgement, expected: Expected): string | undefined {
  const { values } = evaluation.findings as { values: number[] };
  const found = { verdict: evaluation.verdict, values };
  if (!isDeepStrictEqual(found, expected)) return `${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`;
  if (expected.verdict === 'outage') return decision.kind === 'stay' ? undefined : 'the state is not kept';
  if (expected.verdict !== 'insufficient data') return undefined;
  return decision.kind === 'transition' && decision.to === 'insufficient data' && decision.reason !== ''
    ? undefined
    : 'unknown without a reason';
}

/** Runs some cases at a time; resolves to the first few failures. */
export async function disagreementsOf<Case>(
  cases: readonly Case[],
  judge: (one: Case, index: number) => Promise<string | undefined>,
  atOnce = 12,
): Promise<string[]> {
  const found: string[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < cases.length && found.length < 5) {
      const index = next;
      next += 1;
      const problem = await judge(cases[index]!, index);
      if (problem !== undefined) found.push(`case ${index}, ${problem}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found;
}
