import { expect, test } from '@jest/globals';

import { lacksKey } from '../../src/app/open-sealer.js';
import { refuseOpenNoauth } from '../../src/app/noauth-guard.js';
import { readiness } from '../../src/app/readiness.js';
import { synchroniseClock } from '../../src/app/time-keeper.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import { Supervisor } from '../../src/supervisor.js';
import { FakeClock } from '../support/fake-clock.js';

const ON_SERVER = { database: { url: 'postgres://u:p@127.0.0.1:1/d' } };

test('a failed loop and a database that does not answer are each a check that is not ok', async () => {
  const clock = new FakeClock();
  const supervisor = new Supervisor({ clock, log: silentLogger });
  supervisor.start({ name: 'delivery', run: () => Promise.reject(new Error('broken')) });
  await supervisor.failed;
  const checks = readiness({
    clock,
    pingDatabase: () => new Promise(() => undefined),
    supervisors: [supervisor],
    redis: undefined,
    evaluation: () => ({ members: 3, partitions: 85, unloaded: 5, mode: 'redis', isProgressing: false }),
  });
  await clock.advance(2_000);
  expect(await checks).toEqual([
    { name: 'database', ok: false, detail: 'no answer within 2000 ms' },
    { name: 'loop:delivery', ok: false, detail: 'broken' },
    { name: 'evaluation', ok: false, detail: 'a batch or a load of alarms is stuck' },
    {
      name: 'coordination',
      ok: true,
      detail: 'redis: 85 partitions held (5 of them not loaded yet: their alarms are not evaluated), 3 evaluators seen',
    },
  ]);
});

test('a process without a key for secrets is ready, and says that they are not encrypted', async () => {
  const checks = await readiness({
    clock: new FakeClock(),
    pingDatabase: () => Promise.resolve(),
    supervisors: [],
    redis: undefined,
    unsealed: true,
    evaluation: undefined,
  });
  expect(checks).toContainEqual({
    name: 'secrets',
    ok: true,
    detail: 'passwords and tokens in action URLs are stored unencrypted: secrets.key is not set',
  });
});

test.each([
  { when: 'the database is embedded', lacks: false, config: {} },
  { when: 'there is a key', lacks: false, config: { ...ON_SERVER, secrets: { key: `${'A'.repeat(43)}=` } } },
  { when: 'it is an evaluator', lacks: false, config: { ...ON_SERVER, roles: ['evaluator'] } },
  { when: 'it is a notifier', lacks: true, config: { ...ON_SERVER, roles: ['notifier'] } },
  { when: 'it has all roles', lacks: true, config: ON_SERVER },
])('a process lacks a key: $lacks, when $when', ({ config, lacks }) => {
  expect(lacksKey(parseConfig(config))).toBe(lacks);
});

const SINCE = new Date('2026-01-01T11:58:00Z');

test.each([
  [[], [], undefined],
  [[['prometheus', 1]], [], '1 alarm on this evaluator waits for a backend that is not configured: 1 prometheus'],
  [
    [
      ['composite', 1],
      ['prometheus', 2],
      ['gnocchi_resources_threshold', 1],
    ],
    [],
    '4 alarms on this evaluator wait for a backend that is not configured: 2 ' +
      'prometheus, 1 composite, 1 gnocchi_resources_threshold',
  ],
  [
    [['composite', 1]],
    ['prometheus', 'gnocchi east'],
    'degraded: prometheus is unavailable since 2026-01-01T11:58:00.000Z (connection refused); ' +
      'degraded: gnocchi east is unavailable since 2026-01-01T11:58:00.000Z (connection refused); ' +
      '1 alarm on this evaluator waits for a backend that is not configured: 1 composite',
  ],
] as [[string, number][], string[], string | undefined][])(
  'alarms without a backend, %j, and unavailable backends, %j, are shown and are no failure',
  async (withoutBackend, failing, detail) => {
    const checks = await readiness({
      clock: new FakeClock(),
      pingDatabase: () => Promise.resolve(),
      supervisors: [],
      redis: undefined,
      backends: {
        withoutBackend: new Map(withoutBackend),
        failing: failing.map((backend) => ({ backend, since: SINCE, reason: 'connection refused' })),
      },
      evaluation: undefined,
    });
    const expected = detail === undefined ? [] : [{ name: 'backends', ok: true, detail }];
    expect(checks).toEqual([{ name: 'database', ok: true }, ...expected]);
  },
);

test.each([
  [{ alarms: 0, longestMs: 0, backends: [] }, 'no alarm is evaluated late'],
  [{ alarms: 1, longestMs: 14_600, backends: ['prometheus'] }, 'Tocsin is behind: 15 s (1 alarm waits for prometheus)'],
  [
    { alarms: 134, longestMs: 75_000, backends: ['gnocchi', 'prometheus east'] },
    'Tocsin is behind: 75 s (134 alarms wait for gnocchi, prometheus east)',
  ],
])('lateness, %j, is a check that stays ok', async (lateness, detail) => {
  const checks = await readiness({
    clock: new FakeClock(),
    pingDatabase: () => Promise.resolve(),
    supervisors: [],
    redis: undefined,
    lateness,
    evaluation: undefined,
  });
  expect(checks).toEqual([
    { name: 'database', ok: true },
    { name: 'behind', ok: true, detail },
  ]);
});

test('the end of a certificate is shown, and new files that cannot be used are no failure', async () => {
  const validTo = new Date('2026-12-24T12:00:00Z');
  const checks = await readiness({
    clock: new FakeClock(),
    pingDatabase: () => Promise.resolve(),
    supervisors: [],
    redis: undefined,
    certificates: [
      { setting: 'api.tls', validTo, problem: undefined },
      { setting: 'management.tls', validTo, problem: 'management.tls.key_file: /etc/tls.key has no usable PEM' },
    ],
    evaluation: undefined,
  });
  const detail = 'the certificate ends at 2026-12-24T12:00:00.000Z';
  expect(checks).toEqual([
    { name: 'database', ok: true },
    { name: 'api.tls', ok: true, detail },
    { name: 'management.tls', ok: true, detail: `${detail}; the new files cannot be used: see the log` },
  ]);
});

test.each([
  { host: '127.0.0.1', open: false },
  { host: '127.8.9.10', open: false },
  { host: '::1', open: false },
  { host: 'localhost', open: false },
  { host: '0.0.0.0', open: true },
  { host: '::', open: true },
  { host: '192.0.2.1', open: true },
])('without authentication, an API on $host accepts remote clients: $open', async ({ host, open }) => {
  expect(await refuseOpenNoauth(host, true)).toBe(open);
  const asked = refuseOpenNoauth(host, false);
  if (open) await expect(asked).rejects.toThrow(/^api\.host: .* allow it with api\.i_understand_noauth_is_open/);
  else await expect(asked).resolves.toBe(false);
});

test('service time is the time of the database in the middle of the request', async () => {
  const clock = new FakeClock('2026-01-01T00:00:00Z');
  const asked = synchroniseClock(clock, async () => {
    await clock.advance(200);
    return new Date('2026-06-01T00:00:00.100Z');
  });
  await asked;
  expect(clock.now()).toEqual(new Date('2026-06-01T00:00:00.200Z'));
});
