import { expect, test } from '@jest/globals';

import { createHousekeeping } from '../src/housekeeping.js';
import { silentLogger } from '../src/logger.js';
import { FakeClock } from './support/fake-clock.js';

const EVERY_MS = 60_000;
const PAUSE_MS = 100;

test.each([
  { when: 'finds as many rows as one call may delete', rows: 10, pauseMs: PAUSE_MS },
  { when: 'finds fewer', rows: 9, pauseMs: EVERY_MS },
  { when: 'fails', rows: new Error('no database'), pauseMs: EVERY_MS },
])('a chore that $when is repeated after $pauseMs ms', async ({ rows, pauseMs }) => {
  const clock = new FakeClock();
  let runs = 0;
  const run = (): Promise<number> => {
    runs += 1;
    return rows instanceof Error ? Promise.reject(rows) : Promise.resolve(rows);
  };
  const chore = { name: 'test', everyMs: EVERY_MS, batch: 10, run };
  const stop = new AbortController();
  const done = createHousekeeping({ clock, log: silentLogger, chores: [chore] }).run(stop.signal);
  await clock.advance(0);
  expect(runs).toBe(1);
  await clock.advance(pauseMs - 1);
  expect(runs).toBe(1);
  await clock.advance(1);
  expect(runs).toBe(2);
  stop.abort();
  await done;
});
