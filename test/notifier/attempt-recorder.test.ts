import { expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { AttemptRecorder } from '../../src/notifier/attempt-recorder.js';
import type { FinishedAttempt, RecordedAttempt } from '../../src/storage/notifications/notification-claim-store.js';
import { FakeClock } from '../support/fake-clock.js';
import { NOON } from '../support/builders.js';

function finished(id: string): FinishedAttempt {
  const end = { outcome: 'delivered', httpStatus: 204, error: null, nextAttemptAt: null } as const;
  return { id, attempt: 1, startedAt: NOON, durationMs: 1, ...end };
}

function asRecorded({ id, attempt, httpStatus }: FinishedAttempt): RecordedAttempt {
  const about = { kind: 'transition', status: 'delivered', lastError: null, alarmId: 'a', alarmName: null } as const;
  return { ...about, id, attempt, httpStatus, host: 'receiver:80' };
}

const DROPPED = 'outcomes of attempts dropped: their claims have ended';

function recorder(
  record: (ids: string[]) => Promise<void>,
  onRecorded: () => void = () => {},
  isLocked: (id: string) => boolean = () => false,
) {
  const clock = new FakeClock();
  const lines: [string, unknown][] = [];
  const made = new AttemptRecorder({
    clock,
    log: { ...silentLogger, warn: (message, fields) => void lines.push([message, fields]) },
    giveUpAfterMs: 1_000,
    onRecorded,
    record: async (group) => {
      await record(group.map(({ id }) => id));
      const locked = group.filter(({ id }) => isLocked(id));
      return { recorded: group.filter((one) => !locked.includes(one)).map(asRecorded), locked };
    },
  });
  return { clock, lines, recorder: made };
}

test.each([0, 1, 2, 3, 4, 5, 6])(
  'an attempt that ends %i ticks after the previous one was recorded is recorded too',
  async (ticks) => {
    const written: string[] = [];
    let again = false;
    const { recorder: made } = recorder(
      async (ids) => void written.push(...ids),
      () => {
        if (again) return;
        again = true;
        void afterTicks(ticks).then(() => made.add(finished('second')));
      },
    );
    made.add(finished('first'));
    await afterTicks(50);
    await made.flushed();
    expect(written).toEqual(['first', 'second']);
  },
);

test('attempts that end during one statement are recorded together by the next', async () => {
  const groups: string[][] = [];
  const { recorder: made } = recorder(async (ids) => void groups.push(ids));
  for (const id of ['a', 'b', 'c']) made.add(finished(id));
  await made.flushed();
  expect(groups).toEqual([['a'], ['b', 'c']]);
});

test('attempts are kept while the database is unavailable, until their claims expire', async () => {
  const written: string[] = [];
  let isDown = true;
  const {
    recorder: made,
    clock,
    lines,
  } = recorder(async (ids) => {
    if (isDown) throw new Error('down');
    written.push(...ids);
  });
  made.add(finished('early'));
  await clock.advance(900);
  made.add(finished('late'));
  await clock.advance(300);
  isDown = false;
  await clock.advance(300);
  await made.flushed();
  expect(written).toEqual(['late']);
  expect(lines.filter(([message]) => message === DROPPED)).toEqual([[DROPPED, { attempts: 1 }]]);
});

async function afterTicks(ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve();
}

test('an attempt whose notification is locked is recorded when the lock is free, and delays no other', async () => {
  const groups: string[][] = [];
  let isLocked = true;
  const { recorder: made, clock } = recorder(
    async (ids) => void groups.push(ids),
    undefined,
    (id) => id === 'locked' && isLocked,
  );
  for (const id of ['locked', 'b', 'c']) made.add(finished(id));
  await afterTicks(50);
  expect(groups.flat()).toEqual(['locked', 'b', 'c']);
  made.add(finished('d'));
  await afterTicks(50);
  expect(groups.at(-1)).toEqual(['d']);
  await clock.advance(250);
  isLocked = false;
  await clock.advance(250);
  await clock.advance(250);
  expect(groups.flat().filter((id) => id === 'locked')).toHaveLength(3);
  await made.flushed();
});

test('an attempt whose notification stays locked is given up when its claim has expired', async () => {
  let tries = 0;
  const {
    recorder: made,
    clock,
    lines,
  } = recorder(
    async () => void (tries += 1),
    undefined,
    () => true,
  );
  made.add(finished('locked'));
  await clock.advance(10_000);
  await made.flushed();
  expect(tries).toBe(4);
  expect(lines.at(-1)).toEqual([DROPPED, { attempts: 1 }]);
});

test('an attempt whose claim has ended is logged, since its notification is sent again', async () => {
  const lines: string[] = [];
  const made = new AttemptRecorder({
    clock: new FakeClock(),
    log: { ...silentLogger, warn: (message) => void lines.push(message) },
    giveUpAfterMs: 1_000,
    onRecorded: () => undefined,
    record: async () => ({ recorded: [], locked: [] }),
  });
  made.add(finished('late'));
  await made.flushed();
  expect(lines).toEqual([DROPPED]);
});
