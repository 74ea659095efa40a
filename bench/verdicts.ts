import { decide } from '../src/alarm/decide.js';
import { NO_OPTIONS } from '../src/alarm/evaluation-options.js';
import type { BackendAnswer } from '../src/alarm/series.js';
import { alarmTypes } from '../src/alarm/types/index.js';
import { atLeast, cpuSeconds, type Figure } from './figure.js';

const VERDICTS = 3_000_000;
const WARM_UP = 300_000;

/** Evaluation in memory: three periods of a statistic are compared with a threshold, and the next state is decided. */
export function benchVerdicts(): Figure[] {
  judge(WARM_UP);
  const before = cpuSeconds();
  judge(VERDICTS);
  return [atLeast('threshold verdicts in memory', VERDICTS / (cpuSeconds() - before), 'per CPU-second', 500_000)];
}

function judge(times: number): number {
  const type = alarmTypes.threshold;
  const rule = type.schema.parse({
    meter_name: 'cpu',
    threshold: 80,
    comparison_operator: 'gt',
    evaluation_periods: 3,
  });
  const quiet = [answerOf(10, 20, 30, 40)];
  const busy = [answerOf(60, 85, 95, 90)];
  const now = new Date(0);
  const memberStates = new Map<string, string>();
  let transitions = 0;
  for (let n = 0; n < times; n += 1) {
    const evaluation = type.evaluate(rule, {
      answers: n % 16 === 0 ? busy : quiet,
      memberStates,
      state: 'ok',
      options: NO_OPTIONS,
      now,
    });
    if (decide({ state: 'ok', repeatActions: false }, evaluation, type).kind === 'transition') transitions += 1;
  }
  if (transitions !== Math.ceil(times / 16)) throw new Error('the verdicts are wrong, so their speed means nothing');
  return transitions;
}

function answerOf(...averages: number[]): BackendAnswer {
  const series = averages.map((avg, index) => ({
    at: index * 60_000,
    values: { avg, min: avg, max: avg, sum: avg, count: 1 },
  }));
  return { kind: 'series', series: [series] };
}
