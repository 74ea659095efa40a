import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { createOpenTimesSource } from '../../src/alarm/time-constraint/open-times.js';
import type { MeterQuery, Point } from '../../src/alarm/series.js';
import { typeOf, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import { createDatasources, type Datasources } from '../../src/datasource/registry.js';
import type { HeldAlarm } from '../../src/evaluator/held-alarm.js';
import { BehindWatch } from '../../src/evaluator/lateness/behind-watch.js';
import { evaluateBatch } from '../../src/evaluator/evaluate-batch.js';
import type { EvaluateBatchDeps } from '../../src/evaluator/batch.js';
import { planRequests } from '../../src/evaluator/plan.js';
import { Quarantine } from '../../src/evaluator/quarantine.js';
import { OutageWatch } from '../../src/evaluator/outage-watch.js';
import { silentLogger } from '../../src/logger.js';
import type { EvaluationOutcome } from '../../src/storage/evaluation/evaluation-commit.js';
import { createTelemetry } from '../../src/telemetry.js';
import { thresholdRule } from '../support/stored-alarms.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const telemetry = createTelemetry();

interface Sample {
  meter: string;
  ageS: number;
  volume: number;
}

/** A backend that computes each answer from the samples, one query at a time, by the definition. */
function backendOf(samples: readonly Sample[]): Datasource<MeterQuery> {
  return {
    async answers({ granularityS, periods, queries }, { now }) {
      const start = now.getTime() - periods * granularityS * 1000;
      const pointsFor = (meter: string): Point[] => pointsOf(meter, start, { granularityS, periods });
      return new Map(queries.map(({ key, query }) => [key, { kind: 'series', series: [pointsFor(query.meter)] }]));
    },
  };

  function pointsOf(
    meter: string,
    start: number,
    { granularityS, periods }: { granularityS: number; periods: number },
  ): Point[] {
    const points: Point[] = [];
    for (let period = 0; period < periods; period += 1) {
      const from = start + period * granularityS * 1000;
      const inside = samples.filter((sample) => {
        const at = NOW.getTime() - sample.ageS * 1000;
        return sample.meter === meter && at >= from && at < from + granularityS * 1000;
      });
      const volumes = inside.map(({ volume }) => volume);
      if (volumes.length === 0) continue;
      const sum = volumes.reduce((total, volume) => total + volume, 0);
      const values = {
        count: volumes.length,
        sum,
        avg: sum / volumes.length,
        min: Math.min(...volumes),
        max: Math.max(...volumes),
      };
      points.push({ at: from, values });
    }
    return points;
  }
}

function onlyMeters(meters: Datasource<MeterQuery>): Datasources {
  return createDatasources({ meters: new Map([[null, meters]]) });
}

function held(id: string, fields: Record<string, unknown>): HeldAlarm {
  const rule = thresholdRule(fields);
  const needs = typeOf(rule).seriesNeeded(rule, NO_OPTIONS);
  return {
    id,
    projectId: 'p',
    rule,
    needs,
    options: NO_OPTIONS,
    repeats: true,
    statesWithActions: ['ok', 'alarm', 'insufficient data'],
    shownReason: null,
    isReasonFound: false,
    openTimes: createOpenTimesSource().of([]),
    partition: 0,
    definitionVersion: 1,
    state: 'insufficient data',
    stateVersion: 0,
  };
}

const anOutageWatch = (): OutageWatch => new OutageWatch({ graceMs: 180_000, retryAfterMs: 7_500, random: () => 0.5 });

async function outcomesOf(deps: EvaluateBatchDeps, alarms: readonly HeldAlarm[]): Promise<EvaluationOutcome[]> {
  const never = new AbortController().signal;
  const limits = { sendBy: never, signal: never, cutOff: never };
  const outcomes = [];
  for await (const part of evaluateBatch(deps, { alarms, now: NOW, isRetry: false, ...limits }))
    outcomes.push(...part.outcomes);
  return outcomes;
}

const arbitraryRule = fc.record({
  meter_name: fc.constantFrom('a', 'b', 'c'),
  statistic: fc.constantFrom('avg', 'min', 'max', 'sum', 'count'),
  comparison_operator: fc.constantFrom('lt', 'le', 'eq', 'ne', 'ge', 'gt'),
  threshold: fc.integer({ min: 0, max: 10 }),
  period: fc.constantFrom(10, 60),
  evaluation_periods: fc.integer({ min: 1, max: 9 }),
  exclude_outliers: fc.boolean(),
});
const arbitrarySample = fc.record({
  meter: fc.constantFrom('a', 'b', 'c'),
  ageS: fc.integer({ min: -30, max: 700 }),
  volume: fc.integer({ min: 0, max: 10 }),
});

test('an alarm gets the same verdict, reason and points together with others as by itself', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryRule, { minLength: 1, maxLength: 20 }),
      fc.array(arbitrarySample, { maxLength: 80 }),
      async (rules, samples) => {
        const deps = {
          datasources: onlyMeters(backendOf(samples)),
          quarantine: new Quarantine({ log: silentLogger, telemetry }),
          log: silentLogger,
          outages: anOutageWatch(),
          behind: new BehindWatch(),
          telemetry,
        };
        const alarms = rules.map((rule, index) => held(String(index), rule));
        const together = await outcomesOf(deps, alarms);
        const alone = [];
        for (const alarm of alarms) alone.push(...(await outcomesOf(deps, [alarm])));
        expect(together).toEqual(alone);
      },
    ),
    { numRuns: 200 },
  );
});

describe('planRequests', () => {
  const needsOf = (alarms: HeldAlarm[]) => alarms.flatMap(({ needs }) => needs);

  test('makes one request for alarms with the same query and different conditions', async () => {
    const alarms = [
      held('1', { threshold: 1 }),
      held('2', { threshold: 2, statistic: 'max' }),
      held('3', { evaluation_periods: 5 }),
    ];
    const requests = await planRequests(needsOf(alarms));
    expect(requests.map(({ queries }) => queries.length)).toEqual([1]);
    expect(requests[0]?.periods).toBe(8);
  });

  test('makes a request for the exact window of an alarm whose answer depends on its beginning', async () => {
    const rule: AlarmRule = {
      type: 'gnocchi_aggregation_by_metrics_threshold',
      metrics: ['m'],
      comparison_operator: 'gt',
      threshold: 1,
      aggregation_method: 'rate:mean',
      evaluation_periods: 4,
      granularity: 60,
      scope_to_project: null,
    };
    const rules = [rule, { ...rule, evaluation_periods: 5 }, { ...rule, aggregation_method: 'mean' }];
    const needs = rules.flatMap((each) => typeOf(each).seriesNeeded(each, NO_OPTIONS));
    expect((await planRequests(needs)).map(({ periods }) => periods)).toEqual([5, 6, 8]);
  });

  test('makes separate requests for periods of different lengths', async () => {
    expect((await planRequests(needsOf([held('1', { period: 10 }), held('2', { period: 60 })]))).length).toBe(2);
  });
});
