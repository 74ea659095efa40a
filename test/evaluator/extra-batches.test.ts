import { afterEach, describe, expect, test } from '@jest/globals';

import { BackendUnavailable } from '../../src/http/backend-unavailable.js';
import { startOverload, unmergeable, type OverloadAlarm, type OverloadRig } from '../support/overload-rig.js';

const INTERVAL_MS = 10_000;
/** Requests that the backend answers in an interval, one after the other. */
const FIT = 160;

let rig: OverloadRig;
afterEach(() => rig.stop());

/** All of one partition, so that they are in one scheduled batch. */
function alarmsOf(count: number): OverloadAlarm[] {
  return Array.from({ length: count }, (_, n) => ({ id: `a${n}`, project: 'p', query: unmergeable(n), partition: 0 }));
}

async function start(alarms: readonly OverloadAlarm[], hasExtraBatches: boolean): Promise<void> {
  const takes = (): number => INTERVAL_MS / FIT;
  rig = await startOverload({ alarms, intervalMs: INTERVAL_MS, workers: 1, takes, hasExtraBatches });
}

const isDown = (): never => {
  throw new BackendUnavailable('connection refused');
};

/** The times of all requests, oldest first. */
function sentAt(): number[] {
  return [...rig.asked.values()].flat().sort((a, b) => a - b);
}

describe('an alarm in an outage', () => {
  test.each([
    // In each eighth of an interval. The probe of the backend and the request take turns.
    { hasExtraBatches: true, everyMs: [INTERVAL_MS / 8, INTERVAL_MS / 4] },
    { hasExtraBatches: false, everyMs: [INTERVAL_MS] },
  ])('is asked for every $everyMs ms with hasExtraBatches: $hasExtraBatches', async ({ hasExtraBatches, everyMs }) => {
    const [alarm] = alarmsOf(1);
    await start([alarm!], hasExtraBatches);
    rig.takes = isDown;
    await rig.pass(5 * INTERVAL_MS);
    const sent = rig.asked.get(alarm!.query) ?? [];
    const pauses = sent.slice(1).map((at, index) => at - sent[index]!);
    expect(pauses.filter((pause) => !everyMs.includes(pause))).toEqual([]);
    expect(pauses.length).toBeGreaterThanOrEqual((4 * INTERVAL_MS) / Math.max(...everyMs));
    const states = rig.outcomes.flatMap((outcome) => (outcome.kind === 'transition' ? [outcome.to] : []));
    expect(states).toEqual(['insufficient data']);
    rig.takes = () => 1;
    await rig.pass(1.5 * INTERVAL_MS);
    expect(rig.evaluator.alarmsInOutage()).toBe(0);
  });
});

describe('alarms that need more requests than can be sent in half of the deadline', () => {
  test('are all evaluated in each interval, if there are extra batches', async () => {
    await start(alarmsOf(0.9 * FIT), true);
    await rig.pass(10 * INTERVAL_MS);
    expect(sentAt().length).toBeGreaterThan(8 * 0.9 * FIT);
    expect(rig.evaluator.lateness().longestMs).toBeLessThan(INTERVAL_MS);
  });

  test('are evaluated in every second interval at least without extra batches, and are no outage', async () => {
    const alarms = alarmsOf(0.9 * FIT);
    await start(alarms, false);
    await rig.pass(10 * INTERVAL_MS);
    expect(sentAt().length).toBeLessThan(0.6 * 10 * FIT);
    const times = alarms.map(({ query }) => rig.asked.get(query)?.length ?? 0);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(4);
    expect(rig.evaluator.lateness().alarms).toBeGreaterThan(0);
    expect(rig.health.failing()).toEqual([]);
    rig.takes = () => 1;
    await rig.pass(2 * INTERVAL_MS);
    expect(rig.evaluator.lateness().alarms).toBe(0);
  });
});
