import { afterEach, describe, expect, test } from '@jest/globals';

import { startOverload, unmergeable, type OverloadAlarm, type OverloadRig } from '../support/overload-rig.js';

let rig: OverloadRig;
afterEach(() => rig.stop());

const alarmsOf = (count: number, project = 'p', partition?: number): OverloadAlarm[] =>
  Array.from({ length: count }, (_, n) => ({
    id: `${project}${n}`,
    project,
    query: unmergeable(`${project}${n}`),
    ...(partition !== undefined && { partition }),
  }));

function spread(alarms: readonly OverloadAlarm[]): { least: number; median: number; most: number } {
  const times = alarms.map(({ query }) => rig.asked.get(query)?.length ?? 0).sort((a, b) => a - b);
  return { least: times[0]!, median: times[times.length >> 1]!, most: times.at(-1)! };
}

describe('more queries than a backend answers', () => {
  test.each([
    [195, 26, 10_000],
    [400, 26, 10_000],
    [780, 26, 10_000],
  ])('%i, at %i a second', async (count, rate, intervalMs) => {
    const alarms = alarmsOf(count);
    rig = await startOverload({ alarms, intervalMs, workers: 1, takes: () => 1000 / rate });
    await rig.pass(10 * intervalMs);
    console.log(count, 'spread', spread(alarms), rig.evaluator.lateness(), rig.evaluator.inTrouble(), rig.lines);
    expect(rig.evaluator.inTrouble()).toBe(0);
  }, 300_000);
  test('1000 at .2', async () => {
    const alarms = alarmsOf(1000, 'p', 0);
    rig = await startOverload({ alarms, intervalMs: 60_000, workers: 8, takes: () => 200 });
    await rig.pass(5 * 60_000);
    console.log('spread', spread(alarms), rig.evaluator.lateness(), rig.evaluator.inTrouble(), rig.lines);
  }, 300_000);
});
