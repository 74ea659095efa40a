import { describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../src/clock.js';
import { createBackendGate, type BackendGate } from '../../src/datasource/backend-gate.js';
import type { BackendObserver } from '../../src/datasource/datasource.js';
import { BackendTrouble } from '../../src/datasource/trouble.js';
import { eventually } from '../support/eventually.js';

const RETRY_AFTER_MS = 100;
const clock = createSystemClock();

class Figures implements BackendObserver {
  ok = 0;
  failures: string[] = [];
  succeeded(): void {
    this.ok += 1;
  }
  failed(reason: string): void {
    this.failures.push(reason);
  }
}

const refused = (): Promise<never> =>
  Promise.reject(Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:9090'), { code: 'ECONNREFUSED' }));

function aGate(options: { concurrency?: number; retryAfterMs?: number } = {}): { gate: BackendGate; figures: Figures } {
  const figures = new Figures();
  return { gate: createBackendGate({ concurrency: 2, observer: figures, retryAfterMs: RETRY_AFTER_MS, ...options }), figures };
}

/** What came of the request, as the text of its failure where it failed. */
const outcome = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.catch((thrown: unknown) => (thrown instanceof BackendTrouble ? thrown.message : thrown));

describe('the way to a backend', () => {
  test('that is dead is tried at a low rate, whatever is asked of it, with a reason that names no address', async () => {
    const { gate, figures } = aGate();
    const startedMs = clock.monotonicMs();
    let asked = 0;
    await eventually(async () => {
      const reasons = await Promise.all(Array.from({ length: 20 }, () => outcome(gate.run(refused))));
      asked += reasons.length;
      expect(new Set(reasons)).toEqual(new Set(['connection refused']));
      expect(clock.monotonicMs() - startedMs).toBeGreaterThan(5 * RETRY_AFTER_MS);
    });
    const periods = (clock.monotonicMs() - startedMs) / RETRY_AFTER_MS;
    // Three until it is known, one already let in beside them, then one a period.
    expect(figures.failures.length).toBeLessThanOrEqual(4 + periods);
    expect(figures.failures.length).toBeGreaterThanOrEqual(5);
    expect(asked).toBeGreaterThan(3 * figures.failures.length);
  });

  test('is open to all again as soon as one request is answered', async () => {
    const { gate } = aGate();
    for (let n = 0; n < 3; n += 1) await outcome(gate.run(refused));
    let isBack = false;
    const ask = (): Promise<string> => (isBack ? Promise.resolve('here') : refused());
    expect(await outcome(gate.run(ask))).toBe('connection refused');
    isBack = true;
    await eventually(async () => expect(await outcome(gate.run(ask))).toBe('here'));
    expect(await Promise.all(Array.from({ length: 20 }, () => gate.run(ask)))).toEqual(Array(20).fill('here'));
  });

  test('lets go, when time is up, of requests that wait as of those under way; only the latter were asked', async () => {
    const { gate, figures } = aGate();
    const batch = new AbortController();
    let asked = 0;
    const hang = (): Promise<never> => {
      asked += 1;
      return new Promise((_, reject) =>
        batch.signal.addEventListener('abort', () => reject(new Error('socket 10.0.0.7 destroyed'))),
      );
    };
    const requests = Array.from({ length: 10 }, () => outcome(gate.run(hang, batch.signal)));
    await eventually(() => expect(asked).toBe(2));
    batch.abort(new Error('late'));
    expect(await Promise.all(requests)).toEqual(Array(10).fill('no answer in time'));
    expect([asked, figures.failures]).toEqual([2, ['no answer in time', 'no answer in time']]);
    expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
  });

  test('does not stand still for those behind requests that nobody waits for any more', async () => {
    const { gate, figures } = aGate({ concurrency: 1 });
    let finish: () => void = () => undefined;
    const first = gate.run(() => new Promise<void>((resolve) => (finish = resolve)));
    const batch = new AbortController();
    const abandoned = Array.from({ length: 5 }, () => outcome(gate.run(refused, batch.signal)));
    const behind = gate.run(() => Promise.resolve('behind'));
    batch.abort(new Error('late'));
    expect(await Promise.all(abandoned)).toEqual(Array(5).fill('no answer in time'));
    finish();
    await first;
    expect(await behind).toBe('behind');
    expect(figures).toMatchObject({ ok: 2, failures: [] });
  });

  test('that leaves a request unanswered for ever costs its caller no more than the signal allows', async () => {
    const { gate } = aGate({ concurrency: 1 });
    const batch = new AbortController();
    const deaf = outcome(gate.run(() => new Promise(() => undefined), batch.signal));
    const behind = outcome(gate.run(() => Promise.resolve('behind'), batch.signal));
    batch.abort(new Error('late'));
    expect(await Promise.all([deaf, behind])).toEqual(['no answer in time', 'no answer in time']);
  });
});
