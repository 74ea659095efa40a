import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { endingKeysChore } from '../../src/app/ending-keys.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createApiKeyStore } from '../../src/storage/secrets/api-key-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { embeddedDatabase } from '../support/databases.js';

const END = new Date('2026-04-01T12:00:00Z');
const DAY_MS = 86_400_000;
const daysBefore = (days: number): Date => new Date(END.getTime() - days * DAY_MS);

let db: Database;
beforeAll(async () => {
  db = await embeddedDatabase();
});
afterAll(() => db.close());

test('from 14 days before its end a key is counted in each run and logged daily, until it is revoked', async () => {
  const logged: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (message, fields) => void logged.push({ message, ...fields }) };
  const telemetry = createTelemetry();
  const store = createApiKeyStore(db);
  const granted = { projectId: 'p1', userId: 'u', role: 'member', allProjects: false } as const;
  const made = { description: '', createdBy: 'u', secretHash: 'f', createdAt: daysBefore(90), expiresAt: END };
  await store.create({ id: 'a', ...granted, ...made });
  const chore = endingKeysChore({ db, log, telemetry });
  const at = async (days: number): Promise<[counted: number | undefined, lines: number]> => {
    expect(await chore.run(daysBefore(days))).toBeLessThan(chore.batch);
    const { values } = await telemetry.apiKeysExpiring.get();
    return [values[0]?.value, logged.length];
  };

  expect(await at(14.1)).toEqual([0, 0]);
  expect(await at(14)).toEqual([1, 1]);
  expect(await at(13.1)).toEqual([1, 1]);
  expect(await at(13)).toEqual([1, 2]);
  await store.revoke({ all: true }, { id: 'a', roles: ['member'], allProjects: false }, daysBefore(12));
  expect(await at(11)).toEqual([0, 2]);
  expect(logged[1]).toEqual({
    message: 'API keys end soon: make new ones before their clients are refused',
    keys: [{ id: 'a', projectId: 'p1', expiresAt: END }],
    total: 1,
  });
});
