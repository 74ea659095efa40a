import { afterEach, describe, expect, test } from '@jest/globals';

import {
  startOverload,
  unmergeable,
  type OverloadAlarm,
  type OverloadOptions,
  type OverloadRig,
} from '../support/overload-rig.js';

const INTERVAL_MS = 10_000;
/** The backend answers this many requests a second, one after the other; 160 fit into an interval. */
const A_SECOND = 16;
const FIT = (INTERVAL_MS / 1000) * A_SECOND;
const takes = (): number => 1000 / A_SECOND;

let rig: OverloadRig;
afterEach(() => rig.stop());

async function start(alarms: readonly OverloadAlarm[], options: Partial<OverloadOptions> = {}): Promise<void> {
  rig = await startOverload({ alarms, intervalMs: INTERVAL_MS, workers: 1, takes, ...options });
}

/** Alarms whose queries cannot share a request. */
function alarmsOf(count: number, project: string, partition?: number): OverloadAlarm[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `${project}${n}`,
    project,
    query: unmergeable(`${project}${n}`),
    ...(partition !== undefined && { partition }),
  }));
}

/** The least and the greatest number of queries of one alarm. */
function queriesPerAlarm(alarms: readonly OverloadAlarm[]): { least: number; most: number } {
  const times = alarms.map(({ query }) => rig.asked.get(query)?.length ?? 0);
  return { least: Math.min(...times), most: Math.max(...times) };
}

async function backendUp(): Promise<number | undefined> {
  return (await rig.telemetry.backendUp.get()).values[0]?.value;
}

describe('alarms that need more requests than their backend answers in time', () => {
  test.each([
    ['0.75 times', 0.75, undefined],
    ['1.5 times', 1.5, undefined],
    ['1.5 times what fits, all in one batch,', 1.5, 0],
    ['3 times', 3, undefined],
  ])('are evaluated one after the other, keep their state and are no outage: %s', async (_, load, partition) => {
    const alarms = alarmsOf(FIT * load, 'p', partition);
    await start(alarms);
    const intervals = 8;
    await rig.pass(intervals * INTERVAL_MS);
    const { least, most } = queriesPerAlarm(alarms);
    expect(most - least).toBeLessThanOrEqual(2);
    // The first interval is the wait for each alarm's first phase; a tenth of the time may pass between two batches.
    expect(least).toBeGreaterThanOrEqual(Math.floor((0.9 * (intervals - 1)) / Math.max(1, load)) - 1);
    expect(rig.evaluator.alarmsInOutage()).toBe(0);
    expect(rig.outcomes.filter(({ kind }) => kind === 'transition')).toEqual([]);
    expect(rig.health.failing()).toEqual([]);
    expect(await backendUp()).toBe(1);
    expect(rig.lines.map(({ level }) => level)).toEqual(load > 1 ? ['warn'] : []);
  });

  test('are all evaluated in each interval if they fit into the interval, but not into the deadline', async () => {
    const alarms = alarmsOf(FIT / 2, 'p', 0);
    await start(alarms, { deadlineMs: 3_000, timeoutMs: 3_000 });
    await rig.pass(5.5 * INTERVAL_MS);
    expect(queriesPerAlarm(alarms)).toEqual({ least: 5, most: 5 });
    expect(rig.evaluator.lateness().alarms).toBe(0);
    expect(rig.outcomes).toHaveLength(5 * alarms.length);
  });

  test('do not delay a project that needs less than its share', async () => {
    const [many, few] = [alarmsOf(3 * FIT, 'greedy'), alarmsOf(8, 'modest')];
    await start([...many, ...few]);
    await rig.pass(6 * INTERVAL_MS);
    expect(queriesPerAlarm(few).least).toBeGreaterThanOrEqual(5);
    expect(queriesPerAlarm(many).least).toBeGreaterThanOrEqual(1);
  });

  test('do not delay alarms of the same project that share a request', async () => {
    const shared = Array.from({ length: 30 }, (_, n) => ({ id: `s${n}`, project: 'p', query: `load{n="${n}"}` }));
    await start([...alarmsOf(3 * FIT, 'p'), ...shared.map((alarm) => ({ ...alarm, partition: 3 }))]);
    await rig.pass(6 * INTERVAL_MS);
    expect(queriesPerAlarm(shared).least).toBeGreaterThanOrEqual(5);
  });

  test('are evaluated once in an interval, and never by two batches at once', async () => {
    const alarms = alarmsOf(2 * FIT, 'p');
    await start(alarms);
    await rig.pass(8 * INTERVAL_MS);
    for (const times of rig.asked.values())
      for (const [index, at] of times.entries())
        expect(at - (times[index - 1] ?? -Infinity)).toBeGreaterThan(INTERVAL_MS / 2);
  });

  test('log their lateness once at its beginning and once at its end, and are on time again soon after', async () => {
    const alarms = alarmsOf(1.5 * FIT, 'p');
    await start(alarms);
    await rig.pass(6 * INTERVAL_MS);
    const late = rig.evaluator.lateness();
    expect(late).toMatchObject({ backends: ['prometheus'] });
    expect(late.alarms).toBeGreaterThan(0);
    expect((await rig.telemetry.alarmsBehind.get()).values[0]?.value).toBeGreaterThan(0);
    expect((await rig.telemetry.behindSeconds.get()).values[0]?.value).toBeGreaterThan(0);
    expect(
      Object.keys(Object.assign({}, ...rig.recorded.flat().map((row) => row.alarms)) as object).length,
    ).toBeGreaterThan(0);
    rig.takes = () => 10;
    await rig.pass(4 * INTERVAL_MS);
    expect(rig.evaluator.lateness()).toEqual({ alarms: 0, longestMs: 0, backends: [] });
    expect(rig.lines.map(({ level, message }) => `${level} ${message.split(':')[0]}`)).toEqual([
      'warn Tocsin is behind',
      'info Tocsin is no longer behind',
    ]);
    const last = new Map(rig.recorded.flat().map(({ partition, alarms: behind }) => [partition, behind]));
    expect([...last.values()].filter((behind) => Object.keys(behind).length > 0)).toEqual([]);
  });
});

test('requests that are sent and never answered are an outage, also while others wait to be sent', async () => {
  const alarms = alarmsOf(2 * FIT, 'p');
  await start(alarms, { takes: () => Infinity });
  await rig.pass(8 * INTERVAL_MS);
  expect(rig.health.failing().map(({ backend, reason }) => [backend, reason])).toEqual([
    ['prometheus', 'no answer in time'],
  ]);
  expect(await backendUp()).toBe(0);
  expect(rig.evaluator.alarmsInOutage()).toBe(alarms.length);
  const states = rig.outcomes.flatMap((outcome) => (outcome.kind === 'transition' ? [outcome.to] : []));
  expect(new Set(states)).toEqual(new Set(['insufficient data']));
});

test('slow requests are late, but sent, while others keep the backend busy', async () => {
  const [quick, slow] = [alarmsOf(1.5 * FIT, 'p'), alarmsOf(2, 'slow')];
  // With one worker, all requests behind a slow one would be slow, too.
  await start([...quick, ...slow], { workers: 8, takes: (query) => (query.includes('slow') ? 4_000 : 2_000) });
  await rig.pass(12 * INTERVAL_MS);
  expect(queriesPerAlarm(slow).least).toBeGreaterThanOrEqual(2);
  expect(rig.evaluator.alarmsInOutage()).toBe(0);
});
