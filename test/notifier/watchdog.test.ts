import { describe, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { Watchdog } from '../../src/notifier/watchdog.js';
import { FakeClock } from '../support/fake-clock.js';

const TIMEOUT_MS = 70_000;

interface Check {
  afterMs: number;
  due: number;
  finished: number;
}

/** Makes these checks in order. Returns how often the connections were rebuilt, and whether `check` rejected. */
async function watch(checks: readonly Check[]): Promise<{ rebuilt: number; gaveUp: boolean }> {
  const clock = new FakeClock();
  let finished = 0;
  let rebuilt = 0;
  const watchdog = new Watchdog({
    timeoutMs: TIMEOUT_MS,
    finished: () => finished,
    rebuild: async () => void (rebuilt += 1),
    clock,
    log: silentLogger,
  });
  for (const check of checks) {
    await clock.advance(check.afterMs);
    finished = check.finished;
    const gaveUp = await watchdog.check(check.due).then(
      () => false,
      () => true,
    );
    if (gaveUp) return { rebuilt, gaveUp };
  }
  return { rebuilt, gaveUp: false };
}

const idle = { afterMs: TIMEOUT_MS, due: 0, finished: 0 };
const stuck = { afterMs: TIMEOUT_MS, due: 1, finished: 0 };
const early = { afterMs: TIMEOUT_MS - 1, due: 1, finished: 0 };

describe('the watchdog', () => {
  test.each([
    { when: 'no notification is due', checks: [idle, idle, idle], rebuilt: 0, gaveUp: false },
    { when: 'notifications are due for less than the time-out', checks: [idle, early], rebuilt: 0, gaveUp: false },
    { when: 'notifications are due for the whole time-out', checks: [idle, stuck], rebuilt: 1, gaveUp: false },
    { when: 'the second time-out has not passed', checks: [idle, stuck, early], rebuilt: 1, gaveUp: false },
    { when: 'rebuilding did not help', checks: [idle, stuck, stuck], rebuilt: 1, gaveUp: true },
    {
      when: 'an attempt ends in between',
      checks: [idle, stuck, { ...stuck, finished: 1 }, early],
      rebuilt: 1,
      gaveUp: false,
    },
    {
      when: 'the notifier stalls again after it had recovered',
      checks: [idle, stuck, { ...stuck, finished: 1 }, { ...stuck, finished: 1 }],
      rebuilt: 2,
      gaveUp: false,
    },
    { when: 'other notifiers sent the notifications', checks: [idle, early, idle, early], rebuilt: 0, gaveUp: false },
    {
      when: 'attempts continue to end',
      checks: [1, 2, 3, 4].map((finished) => ({ afterMs: TIMEOUT_MS, due: 9, finished })),
      rebuilt: 0,
      gaveUp: false,
    },
  ])(
    'when $when, connections are rebuilt $rebuilt times, and the check rejects: $gaveUp',
    async ({ checks, rebuilt, gaveUp }) => {
      expect(await watch(checks)).toEqual({ rebuilt, gaveUp });
    },
  );

  test('the error says for how long no attempt ended', async () => {
    const clock = new FakeClock();
    const watchdog = new Watchdog({
      timeoutMs: TIMEOUT_MS,
      finished: () => 0,
      rebuild: async () => {},
      clock,
      log: silentLogger,
    });
    for (const due of [0, 1]) {
      await watchdog.check(due);
      await clock.advance(TIMEOUT_MS);
    }
    await expect(watchdog.check(1)).rejects.toThrow('notifications are due, but no attempt ended for 140 s');
  });
});
