import { expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { HourCounter } from '../../src/notifier/hour-counter.js';
import type { CountedInHours, NumbersByProject } from '../../src/storage/notifications/hourly-limit-store.js';
import { FakeClock } from '../support/fake-clock.js';

/** A counter whose statements `count` answers, with its log lines and what was counted. */
function counterWith(count: (numbers: NumbersByProject) => Promise<CountedInHours>, perProjectAndHour = 5) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const counted: Record<string, number>[] = [];
  const log = { ...silentLogger, warn: (message: string) => void lines.push(message) };
  const answer = async (numbers: NumbersByProject): Promise<CountedInHours> => {
    const answered = await count(numbers);
    counted.push(Object.fromEntries([...numbers].filter(([project]) => answered.projects.has(project))));
    return answered;
  };
  const store = { addToHours: answer, beginHours: async () => ({ projects: new Set<string>(), limited: [] }) };
  return { clock, lines, counted, counter: new HourCounter({ store, clock, log, perProjectAndHour }) };
}

const all = (numbers: NumbersByProject, limited: string[] = []): CountedInHours => ({
  projects: new Set(numbers.keys()),
  limited,
});
const LOCKED: CountedInHours = { projects: new Set(), limited: [] };

test('claims of a project that reaches its limit are counted, and logged once', async () => {
  const { counter, counted, lines } = counterWith(async (numbers) => all(numbers, ['p']));
  counter.add(new Map([['p', 5]]));
  await counter.flushed();
  expect(counted).toEqual([{ p: 5 }]);
  expect(lines).toEqual(['a project has reached limits.notifications_per_hour; its repeats wait']);
});

test('nothing is counted without a limit', async () => {
  const { counter, counted } = counterWith(async (numbers) => all(numbers), 0);
  counter.add(new Map([['p', 5]]));
  await counter.flushed();
  expect(counted).toEqual([]);
});

test.each([
  { how: 'fails', answer: () => Promise.reject(new Error('down')) },
  { how: 'is locked', answer: () => Promise.resolve(LOCKED) },
])('a count that $how is done again with later claims, and is logged once', async ({ answer }) => {
  let isFree = false;
  const rig = counterWith(async (numbers) => (isFree ? all(numbers) : answer()));
  rig.counter.add(new Map([['p', 2]]));
  await rig.clock.advance(60_000);
  expect(rig.lines).toEqual(['could not count claimed notifications for limits.notifications_per_hour; will retry']);
  rig.counter.add(new Map([['p', 3], ['q', 1]])); // prettier-ignore
  isFree = true;
  await rig.clock.advance(500);
  expect(rig.counted.at(-1)).toEqual({ p: 5, q: 1 });
  await rig.counter.flushed();
});

test('claims that are added while others are counted are counted at once, without a warning', async () => {
  let added = 0;
  const rig = counterWith(async (numbers) => {
    if (added++ < 10) rig.counter.add(new Map([['p', 1]]));
    return all(numbers);
  });
  rig.counter.add(new Map([['p', 2]]));
  await rig.counter.flushed();
  expect(rig.counted.reduce((sum, { p = 0 }) => sum + p, 0)).toBe(12);
  expect(rig.lines).toEqual([]);
});

test('a stop waits for a count, and gives it up after a while', async () => {
  const { counter, clock, lines } = counterWith(async () => LOCKED);
  counter.add(new Map([['p', 2]]));
  let isFlushed = false;
  const flushed = counter.flushed().then(() => (isFlushed = true));
  await clock.advance(1_500);
  expect(isFlushed).toBe(false);
  await clock.advance(1_000);
  await flushed;
  expect(lines.at(-1)).toBe('claimed notifications are not counted for limits.notifications_per_hour');
});
