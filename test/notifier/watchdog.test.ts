import { describe, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { Watchdog } from '../../src/notifier/watchdog.js';
import { FakeClock } from '../support/fake-clock.js';

const PATIENCE_MS = 70_000;

interface Look {
  afterMs: number;
  due: number;
  finished: number;
}

/** Looks one after the other; returns how often connections were rebuilt, and whether the process gave up. */
async function watch(looks: readonly Look[]): Promise<{ rebuilt: number; gaveUp: boolean }> {
  const clock = new FakeClock();
  let finished = 0;
  let rebuilt = 0;
  const watchdog = new Watchdog({
    patienceMs: PATIENCE_MS,
    finished: () => finished,
    rebuild: async () => void (rebuilt += 1),
    clock,
    log: silentLogger,
  });
  for (const look of looks) {
    await clock.advance(look.afterMs);
    finished = look.finished;
    const gaveUp = await watchdog.look(look.due).then(
      () => false,
      () => true,
    );
    if (gaveUp) return { rebuilt, gaveUp };
  }
  return { rebuilt, gaveUp: false };
}

const idle = { afterMs: PATIENCE_MS, due: 0, finished: 0 };
const stuck = { afterMs: PATIENCE_MS, due: 1, finished: 0 };
const soon = { afterMs: PATIENCE_MS - 1, due: 1, finished: 0 };

describe('the watchdog', () => {
  test.each([
    { when: 'nothing is due', looks: [idle, idle, idle], rebuilt: 0, gaveUp: false },
    { when: 'work has been due for less than its patience', looks: [idle, soon], rebuilt: 0, gaveUp: false },
    { when: 'work has been due for all its patience', looks: [idle, stuck], rebuilt: 1, gaveUp: false },
    { when: 'the second period has not passed', looks: [idle, stuck, soon], rebuilt: 1, gaveUp: false },
    { when: 'rebuilding did not help', looks: [idle, stuck, stuck], rebuilt: 1, gaveUp: true },
    {
      when: 'an attempt ends in between',
      looks: [idle, stuck, { ...stuck, finished: 1 }, soon],
      rebuilt: 1,
      gaveUp: false,
    },
    {
      when: 'it stands still again after it had recovered',
      looks: [idle, stuck, { ...stuck, finished: 1 }, { ...stuck, finished: 1 }],
      rebuilt: 2,
      gaveUp: false,
    },
    { when: 'the work was done by others', looks: [idle, soon, idle, soon], rebuilt: 0, gaveUp: false },
    {
      when: 'attempts go on ending',
      looks: [1, 2, 3, 4].map((finished) => ({ afterMs: PATIENCE_MS, due: 9, finished })),
      rebuilt: 0,
      gaveUp: false,
    },
  ])('when $when: rebuilt $rebuilt times, gave up: $gaveUp', async ({ looks, rebuilt, gaveUp }) => {
    expect(await watch(looks)).toEqual({ rebuilt, gaveUp });
  });

  test('says in its last word for how long nothing was attempted', async () => {
    const clock = new FakeClock();
    const watchdog = new Watchdog({
      patienceMs: PATIENCE_MS,
      finished: () => 0,
      rebuild: async () => {},
      clock,
      log: silentLogger,
    });
    for (const due of [0, 1]) {
      await watchdog.look(due);
      await clock.advance(PATIENCE_MS);
    }
    await expect(watchdog.look(1)).rejects.toThrow('notifications are due and none was attempted for 140 s');
  });
});
