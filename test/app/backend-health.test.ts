import { beforeEach, expect, test } from '@jest/globals';

import { createBackendHealth, type BackendHealth } from '../../src/app/datasources/backend-health.js';
import { durationText } from '../../src/config/duration.js';
import { BackendUnavailable } from '../../src/http/backend-unavailable.js';
import type { LogFields, Logger } from '../../src/logger.js';
import { createTelemetry, type Telemetry } from '../../src/telemetry.js';
import { FakeClock } from '../support/fake-clock.js';

let clock: FakeClock;
let telemetry: Telemetry;
let lines: [string, string, LogFields | undefined][];
let health: BackendHealth;

const REFUSED = new BackendUnavailable('connection refused', {
  cause: new Error('connect ECONNREFUSED 10.0.0.7:9090'),
});

function healthWith(graceMs: number, intervalMs = 60_000): BackendHealth {
  const at =
    (level: string) =>
    (message: string, fields?: LogFields): void =>
      void lines.push([level, message, fields]);
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: () => log };
  return createBackendHealth({ clock, log, telemetry, intervalMs, graceMs, alarmsInOutage: () => 12 });
}

beforeEach(() => {
  clock = new FakeClock('2026-01-01T12:00:00Z');
  telemetry = createTelemetry();
  lines = [];
  health = healthWith(180_000);
});

const up = async (): Promise<unknown> =>
  (await telemetry.backendUp.get()).values.map(({ labels, value }) => [labels.backend, value]);

test('an outage is logged once at its start and once at its end, for any number of failed requests', async () => {
  const observer = health.observerOf('prometheus', null);
  observer.succeeded();
  expect(await up()).toEqual([['default', 1]]);
  for (let n = 0; n < 100; n += 1) {
    observer.failed('connection refused', REFUSED);
    await clock.advance(1_000);
  }
  const labels = { datasource: 'prometheus', backend: 'default' };
  const warned = [
    'warn',
    'prometheus is unavailable: alarms keep their state for 3m',
    { ...labels, reason: 'connection refused', detail: 'connect ECONNREFUSED 10.0.0.7:9090' },
  ];
  expect(lines).toEqual([warned]);
  expect(await up()).toEqual([['default', 0]]);
  expect(health.failing()).toEqual([
    { backend: 'prometheus', since: new Date('2026-01-01T12:00:00Z'), reason: 'connection refused' },
  ]);
  for (let n = 0; n < 100; n += 1) observer.succeeded();
  expect(lines).toEqual([
    warned,
    ['info', 'prometheus answers again', { ...labels, after: '100s', alarmsInOutage: 12 }],
  ]);
  expect(await up()).toEqual([['default', 1]]);
  expect(health.failing()).toEqual([]);
  const counted = (await telemetry.backendQueries.get()).values.map(({ labels: { outcome }, value }) => [
    outcome,
    value,
  ]);
  expect(counted).toEqual([
    ['ok', 101],
    ['failed', 100],
  ]);
});

test('an error that may be a bug is logged with its stack', () => {
  const observer = health.observerOf('prometheus', null);
  const mistake = new TypeError('undefined is not a function');
  for (let n = 0; n < 3; n += 1) observer.failed('the connection failed', mistake);
  expect(lines.map(([, , fields]) => fields?.['err'])).toEqual([mistake]);
});

test('a single failed request is counted and is no outage', async () => {
  const observer = health.observerOf('gnocchi', 'east');
  for (let n = 0; n < 50; n += 1) {
    observer.failed('no answer in time', REFUSED);
    observer.failed('no answer in time', REFUSED);
    observer.succeeded();
  }
  expect(lines).toEqual([]);
  expect(await up()).toEqual([['east', 1]]);
});

test(
  'a backend that fails and recovers repeatedly is logged at ' + 'most twice a minute, and the metric follows it',
  async () => {
    const observer = health.observerOf('prometheus', null);
    for (let second = 0; second < 120; second += 1) {
      for (let n = 0; n < 3; n += 1) observer.failed('connection refused', REFUSED);
      expect(await up()).toEqual([['default', 0]]);
      observer.succeeded();
      expect(await up()).toEqual([['default', 1]]);
      await clock.advance(1_000);
    }
    expect(lines.map(([level]) => level)).toEqual(['warn', 'info', 'warn', 'info']);
  },
);

test('log lines name kind and name of the backend, and the effect of a grace of 0 s', () => {
  health = healthWith(0);
  const east = health.observerOf('prometheus', 'east');
  const west = health.observerOf('prometheus', 'west');
  for (let n = 0; n < 3; n += 1) {
    east.failed('connection refused', REFUSED);
    west.succeeded();
  }
  expect(lines.map(([, message]) => message)).toEqual([
    'prometheus east is unavailable: alarms go to insufficient data',
  ]);
  expect(health.failing().map(({ backend }) => backend)).toEqual(['prometheus east']);
});

test.each([
  [0, '0s'],
  [250, '250ms'],
  [180_000, '3m'],
  [90_400, '90s'],
  [7_200_000, '2h'],
  [86_400_000, '1d'],
])('%i ms reads %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

test('a failed request to a backend that answers others is counted and is no outage', async () => {
  const observer = health.observerOf('gnocchi', null);
  observer.succeeded();
  for (let n = 0; n < 50; n += 1) observer.failed('it answered with status 500', REFUSED, true);
  expect(lines).toEqual([]);
  expect(health.failing()).toEqual([]);
  expect(await up()).toEqual([['default', 1]]);
  const counted = (await telemetry.backendQueries.get()).values.map(({ labels: { outcome }, value }) => [
    outcome,
    value,
  ]);
  expect(counted).toEqual([
    ['ok', 1],
    ['failed', 50],
  ]);
});

/**
 * Three failures a minute, of which the third leads to the neutral question; and an answer every so many minutes, if
 * any.
 */
async function badQuestions(minutes: number, goodEvery = Infinity): Promise<void> {
  const observer = health.observerOf('gnocchi', null);
  observer.succeeded();
  for (let minute = 1; minute <= minutes; minute += 1) {
    await clock.advance(60_000);
    for (const answersNeutral of [false, false, true])
      observer.failed('it answered with status 500', REFUSED, answersNeutral);
    if (minute % goodEvery === 0) observer.succeeded();
  }
}

test('a backend that answers only probes is unavailable after some time', async () => {
  await badQuestions(1);
  expect([lines, health.failing()]).toEqual([[], []]);
  health = healthWith(180_000);
  await badQuestions(3);
  expect(lines.map(([level]) => level)).toEqual(['warn']);
  expect(health.failing()).toHaveLength(1);
  expect(await up()).toEqual([['default', 0]]);
});

test('the time after which a backend that answers only probes is unavailable grows with the interval', async () => {
  health = healthWith(900_000, 300_000);
  await badQuestions(60, 5);
  expect([lines, health.failing()]).toEqual([[], []]);
});

test('an unavailable backend stays so until it answers a request of alarms', async () => {
  const observer = health.observerOf('gnocchi', null);
  observer.succeeded();
  for (let n = 0; n < 3; n += 1) observer.failed('connection refused', REFUSED);
  for (let n = 0; n < 3; n += 1) observer.failed('it answered with status 500', REFUSED, true);
  expect([lines.map(([level]) => level), await up()]).toEqual([['warn'], [['default', 0]]]);
  observer.succeeded();
  expect([lines.map(([level]) => level), await up()]).toEqual([['warn', 'info'], [['default', 1]]]);
});

test('a backend is up since its first answer or its recovery, and down since its first failure in a row', async () => {
  const observer = health.observerOf('prometheus', 'east');
  expect(health.states()).toEqual([]);
  observer.succeeded();
  await clock.advance(60_000);
  observer.succeeded();
  const up = { backend: 'prometheus east', isUp: true, reason: '' };
  expect(health.states()).toEqual([{ ...up, since: new Date('2026-01-01T12:00:00Z') }]);
  for (let n = 0; n < 3; n += 1) {
    observer.failed('connection refused', REFUSED);
    await clock.advance(1_000);
  }
  expect(health.states()).toEqual([
    { ...up, isUp: false, reason: 'connection refused', since: new Date('2026-01-01T12:01:00Z') },
  ]);
  observer.succeeded();
  expect(health.states()).toEqual([{ ...up, since: new Date('2026-01-01T12:01:03Z') }]);
});
