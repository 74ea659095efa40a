import { afterEach, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';

import { storedRule } from '../../src/alarm/types/index.js';
import { openSealer } from '../../src/app/open-sealer.js';
import { runProgram } from '../../src/cli/program.js';
import { parseConfig } from '../../src/config/parse.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore, type AlarmStore } from '../../src/storage/alarms/alarm-store.js';
import type { AuditEntry } from '../../src/storage/audit/audit-entry.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { silentLogger } from '../../src/logger.js';
import { openPglite } from '../../src/storage/engine/pglite.js';
import { anEntry } from '../contract/alarm-store.js';
import { anAlarm } from '../support/builders.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';

const HOOK = 'https://hooks.example/?sig=abc';
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

async function rotate(environment: Record<string, string>): Promise<{ exitCode: number; out: string; err: string }> {
  const result = { exitCode: -1, out: '', err: '' };
  result.exitCode = await runProgram(['secrets', 'rotate'], {
    out: (text) => (result.out += text),
    err: (text) => (result.err += text),
    environment: { TOCSIN_LOG_LEVEL: 'error', ...environment },
    stop: new AbortController().signal,
  });
  return result;
}

/** What the audit trail has about rotations, oldest first. */
async function rotations(db: Database): Promise<Pick<AuditEntry, 'outcome' | 'changed'>[]> {
  const query = { action: 'secrets.rotate', actor: 'command line', projectId: '*', limit: 10 };
  const entries = await createAuditStore(db).list({ all: true }, query);
  return entries.map(({ outcome, changed }) => ({ outcome, changed })).reverse();
}

test('tocsin secrets rotate replaces the key file of an embedded database by the configured key', async () => {
  const dir = migratedDataDirectory();
  dirs.push(dir);
  const key = randomBytes(32).toString('base64');
  const withAlarms = async <T>(secrets: object, work: (alarms: AlarmStore) => Promise<T>): Promise<T> => {
    const sealer = openSealer(parseConfig({ database: { data_dir: dir }, secrets }));
    const db = await openPglite(dir);
    try {
      return await work(createAlarmStore(db, { sealer, quotas: NO_QUOTAS }));
    } finally {
      await db.close();
    }
  };
  const alarm = { ...anAlarm({ alarmActions: [HOOK] }), ...storedRule(anAlarm().rule) };
  await withAlarms({}, (alarms) => alarms.create({ alarm, memberProject: null, entry: anEntry() }));

  const environment = { TOCSIN_DATABASE_DATA_DIR: dir, TOCSIN_SECRETS_KEY: key };
  const done = 'Nothing is left under another key: secrets.previous_key can be removed.\n';
  expect(await rotate(environment)).toEqual({
    exitCode: 0,
    out:
      'Sealed with secrets.key: 1 alarms, 0 notifications, 0 history entries, 0 trusts, 0 signing secrets, ' +
      `0 receivers, 0 kept answers.\n${done}`,
    err: '',
  });
  expect((await rotate(environment)).out).toMatch(/^Sealed with secrets\.key: 0 alarms/);
  const db = await openPglite(dir);
  const trail = await rotations(db).finally(() => db.close());
  expect(trail).toEqual([
    { outcome: 'done', changed: ['alarms'] },
    { outcome: 'done', changed: [] },
  ]);
  rmSync(`${dir}/secrets.key`);
  const found = await withAlarms({ key }, (alarms) => alarms.find({ all: true }, 'a1'));
  expect(found?.alarmActions).toEqual([HOOK]);
});

describeWithPostgres('tocsin secrets rotate on PostgreSQL', () => {
  test('leaves a failed entry in the audit trail if a row needs a key that is not configured', async () => {
    const url = await freshPostgresUrl();
    const db = await openPostgres({ url, maxConnections: 1, statementTimeoutMs: 10_000 }, silentLogger);
    try {
      const [former, key] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('base64'));
      const sealer = openSealer(parseConfig({ database: { url }, secrets: { key: former } }));
      const alarm = { ...anAlarm({ alarmActions: [HOOK] }), ...storedRule(anAlarm().rule) };
      const alarms = createAlarmStore(db, { sealer, quotas: NO_QUOTAS });
      await alarms.create({ alarm, memberProject: null, entry: anEntry() });
      await expect(rotate({ TOCSIN_DATABASE_URL: url, TOCSIN_SECRETS_KEY: key! })).rejects.toThrow(/previous_key/);
      expect(await rotations(db)).toEqual([{ outcome: 'failed', changed: null }]);
    } finally {
      await db.close();
    }
  });

  test('is refused without a key', async () => {
    const environment = { TOCSIN_DATABASE_URL: await freshPostgresUrl() };
    await expect(rotate(environment)).rejects.toThrow(
      'secrets.key is not set: make one with `openssl rand -base64 32`',
    );
  });
});
