import { expect, test } from '@jest/globals';

import type { LogFields } from '../../src/logger.js';
import { createHeartbeatLoop } from '../../src/notifier/heartbeat.js';
import type { HeartbeatResult } from '../../src/storage/notifications/heartbeat-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { FakeClock } from '../support/fake-clock.js';

const EVERY_MS = 60_000;
const CHECK_MS = EVERY_MS / 10;
const EVALUATION_IS_LATE: HeartbeatResult = { kind: 'withheld', unevaluated: 3, isDeliveryLate: false };
const DELIVERY_IS_LATE: HeartbeatResult = { kind: 'withheld', unevaluated: 0, isDeliveryLate: true };

/** Runs the loop until each of these results was used once. An error is thrown. */
async function run(results: readonly (HeartbeatResult | Error)[]) {
  const clock = new FakeClock();
  const telemetry = createTelemetry();
  const seen = { logged: [] as (string | LogFields | undefined)[][], woken: 0 };
  const left = [...results];
  let lastAt: Date | null = null;
  const log = (message: string, fields?: LogFields): void => void seen.logged.push([message, fields]);
  const loop = createHeartbeatLoop({
    store: {
      async beat(now) {
        const result = left.shift() ?? { kind: 'exists' };
        if (result instanceof Error) throw result;
        if (result.kind === 'written') lastAt = now;
        return result;
      },
      lastAt: async () => lastAt,
    },
    everyMs: EVERY_MS,
    waker: { wake: () => void (seen.woken += 1) },
    clock,
    log: { warn: log, info: log },
    telemetry,
  });
  const stopping = new AbortController();
  const running = loop.run(stopping.signal);
  await clock.advance((results.length - 1) * CHECK_MS);
  stopping.abort();
  await running;
  const metrics = await telemetry.registry.metrics();
  const samples = [...metrics.matchAll(/^tocsin_heartbeat_(\S+) (\d+)$/gm)].map(([, name, value]) => [name, value]);
  return { ...seen, metrics: Object.fromEntries(samples) as Record<string, string> };
}

const secondsAt = (checks: number): string =>
  String(new Date('2026-01-01T12:00:00Z').getTime() / 1_000 + (checks * CHECK_MS) / 1_000);

test('a heartbeat that is written wakes the notifiers, and the metric has its time', async () => {
  const { woken, logged, metrics } = await run([{ kind: 'exists' }, { kind: 'written' }, { kind: 'exists' }]);
  expect([woken, logged]).toEqual([1, []]);
  expect(metrics).toEqual({ written_timestamp_seconds: secondsAt(1) });
});

test('a heartbeat that is withheld is logged once with its reason, and again when they are written', async () => {
  const { logged, metrics } = await run([
    EVALUATION_IS_LATE,
    DELIVERY_IS_LATE,
    { kind: 'written' },
    { kind: 'exists' },
  ]);
  expect(logged).toEqual([
    [
      'heartbeat notification withheld: evaluation or delivery is late',
      { unevaluatedPartitions: 3, isDeliveryLate: false },
    ],
    ['heartbeat notifications are written again', undefined],
  ]);
  expect(metrics).toEqual({
    written_timestamp_seconds: secondsAt(2),
    'withheld_timestamp_seconds{reason="evaluation"}': secondsAt(0),
    'withheld_timestamp_seconds{reason="delivery"}': secondsAt(1),
  });
});

test('a failure of the database is logged, and the heartbeat is written by the next check', async () => {
  const { woken, logged } = await run([new Error('no database'), { kind: 'written' }]);
  expect(logged).toEqual([['could not write the heartbeat notification; will retry', { err: expect.any(Error) }]]);
  expect(woken).toBe(1);
});
