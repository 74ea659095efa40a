import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';

import { parseApiKey } from '../../src/api/identity/api-key-form.js';
import { runProgram } from '../../src/cli/program.js';
import { StartupError } from '../../src/errors.js';
import { silentLogger } from '../../src/logger.js';
import { createAuditStore } from '../../src/storage/audit/audit-store.js';
import { openPglite } from '../../src/storage/engine/pglite.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';

interface Run {
  exitCode: number;
  out: string;
  err: string;
}

async function run(argv: readonly string[], environment: Record<string, string>): Promise<Run> {
  const result: Run = { exitCode: -1, out: '', err: '' };
  result.exitCode = await runProgram(['apikey', ...argv], {
    out: (text) => (result.out += text),
    err: (text) => (result.err += text),
    environment: { TOCSIN_LOG_LEVEL: 'error', ...environment },
    stop: new AbortController().signal,
  });
  return result;
}

function suite(settings: () => Promise<Record<string, string>>): void {
  let environment: Record<string, string>;
  beforeEach(async () => {
    environment = await settings();
  });
  const tocsin = (...argv: string[]): Promise<Run> => run(argv, environment);

  test('apikey creates, lists and revokes a key', async () => {
    expect((await tocsin('list')).out).toBe('No keys.\n');
    const made = await tocsin('create', '--project', 'p1', '--expires-in', '90d', '--description', 'autoscaler');
    const key = made.out.trim();
    const id = parseApiKey(key)?.id ?? 'none';
    expect(made.err).toBe(`Created key ${id}. It is shown only now:\n`);
    const all = await tocsin('create', '--role', 'admin', '--all-projects', '--user', 'root');
    expect(parseApiKey(all.out.trim())).toBeDefined();

    const listed = (await tocsin('list')).out;
    expect(listed).toMatch(
      new RegExp(`│ ${id} +│ p1 +│ apikey-${id} +│ member +│ valid until 20..-..-.. ..:..Z │ .* │ never +│ autoscaler`),
    );
    expect(listed).toMatch(/│ default \(all\) │ root +│ admin +│ valid +│/);
    expect(listed).not.toContain(key.slice(-43));
    expect((await tocsin('list', '--project', 'p2')).out).toBe('No keys.\n');

    expect((await tocsin('revoke', id)).out).toBe(`Revoked key ${id}.\n`);
    expect((await tocsin('list', '--project', 'p1')).out).toMatch(/│ member +│ revoked +│/);
  });

  test('apikey create and revoke are in the audit trail, apikey list is not', async () => {
    const id = parseApiKey((await tocsin('create', '--project', 'p1')).out.trim())?.id;
    await tocsin('list');
    await tocsin('revoke', id ?? '');
    const { TOCSIN_DATABASE_URL: url, TOCSIN_DATABASE_DATA_DIR: dataDir } = environment;
    const db =
      url === undefined
        ? await openPglite(dataDir)
        : await openPostgres({ url, maxConnections: 1, statementTimeoutMs: 10_000 }, silentLogger);
    const entries = await createAuditStore(db).list({ all: true }, { limit: 10 });
    await db.close();
    expect(
      entries.reverse().map(({ action, objectId, projectId, userId }) => [action, objectId, projectId, userId]),
    ).toEqual([
      ['api_key.create', id, 'p1', 'command line'],
      ['api_key.revoke', id, 'p1', 'command line'],
    ]);
  });

  test('apikey revoke refuses an unknown id', async () => {
    await expect(tocsin('revoke', 'never')).rejects.toThrow(
      new StartupError('unknown key never: tocsin apikey list shows all keys'),
    );
  });
}

describe('tocsin apikey on the embedded database', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = migratedDataDirectory();
  });
  afterEach(() => rmSync(dataDir, { recursive: true }));

  suite(() => Promise.resolve({ TOCSIN_DATABASE_DATA_DIR: dataDir }));

  test('refuses a database that a service uses, and names the API to use instead', async () => {
    const db = await openPglite(dataDir);
    try {
      await expect(run(['list'], { TOCSIN_DATABASE_DATA_DIR: dataDir, TOCSIN_API_PORT: '8043' })).rejects.toThrow(
        `database.data_dir: ${dataDir} is in use by another Tocsin process (pid ` +
          `${process.pid}); use the API of the running service: ` +
          'GET and POST http://127.0.0.1:8043/v1/api-keys, DELETE …/v1/api-keys/<id>',
      );
    } finally {
      await db.close();
    }
  });

  test.each([
    [['create'], '--project: required, unless --all-projects is given with --role admin'],
    [['create', '--project', 'p', '--role', 'owner'], '--role: expected one of reader, member, admin, got owner'],
    [['create', '--project', 'p', '--all-projects'], '--all-projects: only for keys of --role admin'],
    [['create', '--project', 'x'.repeat(129)], '--project: has more than 128 characters'],
    [
      ['create', '--project', 'p', '--expires-in', 'soon'],
      '--expires-in: expected a duration such as 250ms, 5s, 2m, 1h or 30d, got soon',
    ],
  ])('%j is refused before the database is opened', async (argv, message) => {
    await expect(run(argv, { TOCSIN_DATABASE_DATA_DIR: '/proc/no/such/folder' })).rejects.toThrow(
      new StartupError(message),
    );
  });

  test('shows the help without a subcommand', async () => {
    const { exitCode, err } = await run([], {});
    expect(exitCode).toBe(2);
    for (const word of ['create', 'list', 'revoke']) expect(err).toContain(word);
  });
});

describeWithPostgres('tocsin apikey on PostgreSQL', () =>
  suite(async () => ({ TOCSIN_DATABASE_URL: await freshPostgresUrl() })),
);
