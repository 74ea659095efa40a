import { beforeEach, describe, expect, test } from '@jest/globals';

import { atMost, untilAborted, withDeadline } from '../../src/async/deadline.js';
import { FakeClock } from '../support/fake-clock.js';

let clock: FakeClock;

beforeEach(() => {
  clock = new FakeClock();
});

const never = new Promise<never>(() => undefined);
const failure = new Error('failed');

describe('untilAborted', () => {
  test('settles as the work does', async () => {
    const { signal } = new AbortController();
    await expect(untilAborted(Promise.resolve(1), signal)).resolves.toBe(1);
    await expect(untilAborted(Promise.reject(failure), signal, () => 'late')).rejects.toBe(failure);
  });

  test('rejects with the reason of the signal when it aborts, before or during the work', async () => {
    const abort = new AbortController();
    const waiting = untilAborted(never, abort.signal);
    abort.abort(failure);
    await expect(waiting).rejects.toBe(failure);
    await expect(untilAborted(never, abort.signal)).rejects.toBe(failure);
  });

  test('resolves to the late value instead, if there is one', async () => {
    await expect(untilAborted(never, AbortSignal.abort(), () => 'late')).resolves.toBe('late');
  });

  test('a rejection after the abort is not reported', async () => {
    let reject: (cause: Error) => void = () => undefined;
    const work = new Promise<never>((_, rejectWork) => (reject = rejectWork));
    await expect(untilAborted(work, AbortSignal.abort(), () => 'late')).resolves.toBe('late');
    reject(failure); // an unhandled rejection would end the process
    await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('atMost', () => {
  test('settles as the work does and leaves no timer', async () => {
    await expect(atMost(clock, 1_000, Promise.resolve(1))).resolves.toBe(1);
    await expect(atMost(clock, 1_000, Promise.reject(failure))).rejects.toBe(failure);
    expect(clock.sleeping).toBe(0);
  });

  test('resolves to undefined after its time', async () => {
    const waiting = atMost(clock, 1_000, never);
    let isOver = false;
    void waiting.then(() => (isOver = true));
    await clock.advance(999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await expect(waiting).resolves.toBeUndefined();
  });
});

describe('withDeadline', () => {
  test('aborts the signal of the work after its time', async () => {
    const reason = withDeadline(clock, 1_000, (expired) => untilAborted(never, expired));
    const rejected = expect(reason).rejects.toThrow('the deadline has passed');
    await clock.advance(1_000);
    await rejected;
  });

  test('does not abort the signal of work that has ended', async () => {
    const expired = await withDeadline(clock, 1_000, (signal) => Promise.resolve(signal));
    await clock.advance(1_000);
    expect(expired.aborted).toBe(false);
  });
});
