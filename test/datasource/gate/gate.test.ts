import { describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../../src/clock.js';
import { createBackendGate, type BackendGate, type BackendGateOptions } from '../../../src/datasource/gate/gate.js';
import type { BackendObserver } from '../../../src/datasource/datasource.js';
import { BackendUnavailable } from '../../../src/http/backend-unavailable.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';

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

const answered = (): Promise<void> => Promise.resolve();

function aGate(options: Partial<BackendGateOptions> = {}): { gate: BackendGate; figures: Figures } {
  const figures = new Figures();
  const given = { concurrency: 2, observer: figures, retryAfterMs: RETRY_AFTER_MS, probe: answered, ...options };
  return { gate: createBackendGate(given), figures };
}

/** The answer to the request, or the message of its error. */
const outcome = async (sent: Promise<unknown>): Promise<unknown> =>
  sent.catch((thrown: unknown) => (thrown instanceof BackendUnavailable ? thrown.message : thrown));

describe('the gate of a backend', () => {
  test('sends few requests to an unavailable backend, and fails with a reason that names no address', async () => {
    const { gate, figures } = aGate({ probe: refused });
    const startedMs = clock.monotonicMs();
    let sent = 0;
    await eventually(async () => {
      const reasons = await Promise.all(Array.from({ length: 20 }, () => outcome(gate.run(refused))));
      sent += reasons.length;
      expect(new Set(reasons)).toEqual(new Set(['connection refused']));
      expect(clock.monotonicMs() - startedMs).toBeGreaterThan(5 * RETRY_AFTER_MS);
    });
    const periods = (clock.monotonicMs() - startedMs) / RETRY_AFTER_MS;
    // Three and the probe until its result is known, one already sent beside them, then the probe or one more once a
    // period.
    expect(figures.failures.length).toBeLessThanOrEqual(5 + periods);
    expect(figures.failures.length).toBeGreaterThanOrEqual(5);
    expect(sent).toBeGreaterThan(2 * figures.failures.length);
  });

  test.each([
    { how: 'refuses', dead: refused },
    { how: 'takes 3 s to fail', dead: (fake: FakeClock) => fake.sleep(3_000).then(refused) },
  ])('sends at most one request or probe a second to a backend that $how, and both in turn', async ({ dead }) => {
    const fake = new FakeClock();
    const sent: { what: 'probe' | 'request'; atMs: number }[] = [];
    const send = (what: 'probe' | 'request') => (): Promise<never> => {
      sent.push({ what, atMs: fake.monotonicMs() });
      return dead(fake);
    };
    const { gate } = aGate({ clock: fake, concurrency: 8, retryAfterMs: 1_000, probe: send('probe') });
    for (let step = 0; step < 240; step += 1) {
      for (let n = 0; n < 20; n += 1) void outcome(gate.run(send('request')));
      await fake.advance(250);
    }
    const late = sent.filter(({ atMs }) => atMs >= 30_000);
    const pauses = late.slice(1).map(({ atMs }, index) => atMs - late[index]!.atMs);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1_000);
    expect(late.length).toBeGreaterThanOrEqual(10);
    expect(late.slice(1).every(({ what }, index) => what !== late[index]!.what)).toBe(true);
  });

  test('closes the circuit as soon as the probe is answered', async () => {
    let isBack = false;
    const ask = (): Promise<string> => (isBack ? Promise.resolve('here') : refused());
    const { gate } = aGate({ probe: ask });
    for (let n = 0; n < 3; n += 1) await outcome(gate.run(refused));
    expect(await outcome(gate.run(ask))).toBe('connection refused');
    isBack = true;
    await eventually(async () => expect(await outcome(gate.run(ask))).toBe('here'));
    expect(await Promise.all(Array.from({ length: 20 }, () => gate.run(ask)))).toEqual(Array(20).fill('here'));
  });

  test('closes the circuit as soon as any request is answered, even if the probe is always refused', async () => {
    const fake = new FakeClock();
    const { gate } = aGate({ probe: refused, clock: fake, retryAfterMs: 1_000 });
    for (let n = 0; n < 3; n += 1) await outcome(gate.run(refused));
    const here = (): Promise<string> => Promise.resolve('here');
    expect(await outcome(gate.run(here))).toBe('connection refused');
    await fake.advance(1_000);
    expect(await outcome(gate.run(here))).toBe('connection refused');
    await fake.advance(1_000);
    expect(await Promise.all([1, 2, 3].map(() => outcome(gate.run(here))))).toContain('here');
    expect(await Promise.all([1, 2, 3].map(() => outcome(gate.run(here))))).toEqual(['here', 'here', 'here']);
  });

  test('rejects at the deadline both waiting requests and those under way, and has sent only the latter', async () => {
    const { gate, figures } = aGate();
    const batch = new AbortController();
    let sent = 0;
    const hang = (): Promise<never> => {
      sent += 1;
      return new Promise((_, reject) =>
        batch.signal.addEventListener('abort', () => reject(new Error('socket 10.0.0.7 destroyed'))),
      );
    };
    const requests = Array.from({ length: 10 }, () => outcome(gate.run(hang, batch.signal)));
    await eventually(() => expect(sent).toBe(2));
    batch.abort(new Error('late'));
    expect(await Promise.all(requests)).toEqual(Array(10).fill('no answer in time'));
    expect([sent, figures.failures]).toEqual([2, ['no answer in time', 'no answer in time']]);
    expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
  });

  test('serves other requests although aborted ones were before them', async () => {
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

  test('rejects at the deadline if the backend never answers', async () => {
    const { gate } = aGate({ concurrency: 1 });
    const batch = new AbortController();
    const deaf = outcome(gate.run(() => new Promise(() => undefined), batch.signal));
    const behind = outcome(gate.run(() => Promise.resolve('behind'), batch.signal));
    batch.abort(new Error('late'));
    expect(await Promise.all([deaf, behind])).toEqual(['no answer in time', 'no answer in time']);
  });

  test('stays closed for a healthy backend, however many queries it cannot answer', async () => {
    let [inARow, most, counted, probe] = [0, 0, 0, 0];
    const observer: BackendObserver = {
      succeeded: () => (inARow = 0),
      failed(_reason, _cause, answersNeutral) {
        counted += 1;
        inARow = answersNeutral ? 0 : inARow + 1;
        most = Math.max(most, inARow);
      },
    };
    const { gate } = aGate({ concurrency: 8, observer, probe: async () => void (probe += 1) });
    const all = Array.from({ length: 200 }, () => outcome(gate.run(refused)));
    expect(await gate.run(() => Promise.resolve('here'))).toBe('here');
    expect(new Set(await Promise.all(all))).toEqual(new Set(['connection refused']));
    expect([counted, most]).toEqual([200, 2]);
    expect(probe).toBeLessThanOrEqual(200 / 3);
  });

  test('does not count aborted requests against the backend', async () => {
    const { gate } = aGate({ concurrency: 8 });
    const gone = new AbortController();
    const hang = (): Promise<never> =>
      new Promise((_, reject) => gone.signal.addEventListener('abort', () => reject(new Error('socket destroyed'))));
    const requests = Array.from({ length: 8 }, () => outcome(gate.run(hang, gone.signal)));
    gone.abort(new Error('the reader has turned away'));
    expect(await Promise.all(requests)).toEqual(Array(8).fill('no answer in time'));
    expect(await gate.run(() => Promise.resolve('next'))).toBe('next');
  });

  test('probes the backend only after three failures in a row', async () => {
    let probe = 0;
    const { gate } = aGate({ probe: async () => void (probe += 1) });
    for (let n = 0; n < 30; n += 1) {
      await gate.run(answered);
      await outcome(gate.run(refused));
      await outcome(gate.run(refused));
    }
    expect(probe).toBe(0);
  });

  test(
    'keeps sending queries to a backend that answers only its ' + 'probe, and does not report the probe as success',
    async () => {
      const told: unknown[] = [];
      const observer: BackendObserver = {
        succeeded: () => told.push('ok'),
        failed: (_reason, _cause, answersNeutral) => told.push(answersNeutral),
      };
      const { gate } = aGate({ observer });
      for (let n = 0; n < 6; n += 1) await outcome(gate.run(refused));
      expect(told).toEqual([false, false, true, false, false, true]);
    },
  );

  test(
    'sends one probe for all waiting requests of an unavailable ' +
      'backend, and keeps the concurrency limit when it is back',
    async () => {
      const clock = new FakeClock();
      const answers: ((how: 'dead' | 'back') => void)[] = [];
      const probe = (): Promise<void> =>
        new Promise((resolve, reject) =>
          answers.push((how) => (how === 'back' ? resolve() : reject(new Error('dead')))),
        );
      const { gate } = aGate({ probe, clock, retryAfterMs: 1_000 });
      const failing = Promise.all(Array.from({ length: 3 }, () => outcome(gate.run(refused))));
      await eventually(() => expect(answers).toHaveLength(1));
      answers[0]!('dead');
      expect(await failing).toEqual(Array(3).fill('connection refused'));
      expect(await outcome(gate.run(answered))).toBe('the connection failed');
      await clock.advance(1_000);
      let [underWay, most] = [0, 0];
      const ask = async (): Promise<string> => {
        most = Math.max(most, (underWay += 1));
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        return 'here';
      };
      const all = Promise.all(Array.from({ length: 50 }, () => outcome(gate.run(ask))));
      await eventually(() => expect(answers).toHaveLength(2));
      answers[1]!('back');
      expect(await all).toEqual(Array(50).fill('here'));
      expect([most, answers.length]).toEqual([2, 2]);
    },
  );
});
