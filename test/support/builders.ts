import { randomUUID } from 'node:crypto';

import type { Alarm } from '../../src/alarm/alarm.js';
import { NOT_EVALUATED_YET } from '../../src/alarm/state.js';
import type { Series } from '../../src/alarm/series.js';
import type { EvaluationInput } from '../../src/alarm/types/alarm-type.js';
import type { CombinationRule } from '../../src/alarm/types/combination/schema.js';
import type { ThresholdRule } from '../../src/alarm/types/threshold/schema.js';
import { storedRule } from '../../src/alarm/types/index.js';
import type { Creation, Removal } from '../../src/storage/alarms/alarm-store.js';

/** The moment at which tests begin, unless they say otherwise. */
export const NOON = new Date('2026-01-01T12:00:00Z');
const PERIOD_MS = 60_000;

export function aThresholdRule(given: Partial<ThresholdRule> = {}): ThresholdRule {
  return {
    type: 'threshold',
    period: 60,
    comparison_operator: 'gt',
    threshold: 80,
    statistic: 'avg',
    evaluation_periods: 1,
    meter_name: 'cpu_util',
    exclude_outliers: false,
    query: [],
    ...given,
  };
}

export function aCombinationRule(given: Partial<CombinationRule> = {}): CombinationRule {
  return { type: 'combination', operator: 'and', alarm_ids: ['a', 'b'], ...given };
}

export function anAlarm(given: Partial<Alarm> = {}): Alarm {
  return {
    id: 'a1',
    projectId: 'p1',
    userId: 'u1',
    name: 'cpu high',
    description: 'The processor is busy.',
    enabled: true,
    rule: aThresholdRule(),
    okActions: [],
    alarmActions: [],
    insufficientDataActions: [],
    repeatActions: false,
    severity: 'low',
    timeConstraints: [],
    deliveryPolicy: null,
    evaluationOptions: null,
    timestamp: NOON,
    state: 'insufficient data',
    stateVersion: 0,
    stateReason: NOT_EVALUATED_YET,
    stateTimestamp: NOON,
    definitionVersion: 1,
    muted: false,
    evaluateTimestamp: NOON,
    ...given,
  };
}

/** A creation of an alarm with an id of its own, unless one is given. */
export function aCreation(given: Partial<Alarm> = {}): Creation {
  const alarm = anAlarm({ id: randomUUID(), ...given });
  const { id: alarmId, projectId, userId } = alarm;
  return {
    alarm: { ...alarm, ...storedRule(alarm.rule) },
    memberProject: null,
    entry: {
      eventId: randomUUID(),
      alarmId,
      type: 'creation',
      detail: '{}',
      projectId,
      userId,
      onBehalfOf: projectId,
      severity: null,
      timestamp: NOON,
      stateVersion: null,
      previousState: null,
    },
  };
}

/** A removal at this moment, with an entry that says so. */
export function removedAt(at: Date): Removal {
  return {
    at,
    entry: (current) => ({
      eventId: randomUUID(),
      alarmId: current.id,
      type: 'deletion',
      detail: '{}',
      projectId: current.projectId,
      userId: current.userId,
      onBehalfOf: current.projectId,
      severity: null,
      timestamp: at,
      stateVersion: null,
      previousState: null,
    }),
  };
}

/** One period after the other, oldest first, each with one value of `statistic` and a number of samples. */
export function seriesOf(
  values: readonly number[],
  { statistic = 'avg', counts = [] as readonly number[] } = {},
): Series {
  return values.map((value, index) => ({
    at: NOON.getTime() + index * PERIOD_MS,
    values: { count: counts[index] ?? 1, [statistic]: value },
  }));
}

/** What a kind that asks one question gets to judge, if its answer was this series. */
export function evaluationInput(series: Series, given: Partial<EvaluationInput> = {}): EvaluationInput {
  const answers = [{ kind: 'series' as const, series: [series] }];
  return { answers, memberStates: new Map(), state: 'insufficient data', options: {}, now: NOON, ...given };
}
