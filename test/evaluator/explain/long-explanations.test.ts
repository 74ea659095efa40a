import { expect, test } from '@jest/globals';

import type { BackendAnswer } from '../../../src/alarm/series.js';
import { composite } from '../../../src/alarm/types/composite/index.js';
import { explainedQueries } from '../../../src/evaluator/explain/explain-queries.js';
import { createTraceRecorder } from '../../../src/evaluator/explain/trace-recorder.js';

test('explaining a composite alarm yields to the event loop between the answers to two rules', async () => {
  const leaf = { type: 'prometheus', query: 'cpu', threshold: 80, comparison_operator: 'gt' };
  const rule = composite.schema.parse({ or: [leaf, leaf, leaf] });
  const needs = composite.seriesNeeded(rule, {});
  const at = new Date('2026-01-01T12:00:00Z');
  const answer: BackendAnswer = { kind: 'series', series: [[{ at: at.getTime(), values: { value: 90 } }]] };
  const answersInWindow = needs.map(() => answer);
  const input = {
    answers: answersInWindow,
    memberStates: new Map<string, string>(),
    state: 'ok',
    options: {},
    now: at,
  } as const;
  const answers = new Map(needs.map(({ key }) => [key, answer]));
  let yields = 0;
  const countYield = (): void => {
    yields += 1;
    next = setImmediate(countYield);
  };
  let next = setImmediate(countYield);
  const evaluated = {
    rule,
    needs,
    options: {},
    state: 'ok',
    at,
    answers,
    answersInWindow,
    recorder: createTraceRecorder(),
  } as const;
  const questions = await explainedQueries({ ...evaluated, evaluation: composite.evaluate(rule, input) });
  clearImmediate(next);
  expect(questions.map(({ part }) => part?.verdict)).toEqual(['alarm', 'alarm', 'alarm']);
  expect(yields).toBeGreaterThanOrEqual(2);
});
