import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';

const OWN = {
  application_name: 'tocsin',
  statement_timeout: '7s',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '8s',
  tcp_user_timeout: '8000',
  tcp_keepalives_idle: '2',
  tcp_keepalives_interval: '2',
  tcp_keepalives_count: '3',
};

let db: Database | undefined;
afterEach(() => db?.close());

/** The settings of a session whose URL has these parameters. */
async function settingsWith(parameters: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const url = new URL(await freshPostgresUrl());
  for (const [name, value] of Object.entries(parameters)) url.searchParams.append(name, value);
  db = await openPostgres(
    { url: url.href, maxConnections: 1, statementTimeoutMs: 7_000, mostSilenceMs: 8_000 },
    silentLogger,
  );
  const names = [...Object.keys(OWN), 'work_mem'];
  const { rows } = await db.query<{ name: string; value: string }>(
    'select name, current_setting(name) as value from unnest($1::text[]) as name',
    [names],
  );
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

describeWithPostgres('settings of sessions in PostgreSQL', () => {
  test.each<[string, Record<string, string>, Record<string, string>]>([
    ['are those of Tocsin without options in database.url', {}, {}],
    [
      'are those of Tocsin and those of the options in database.url',
      { options: '-c work_mem=5MB' },
      { work_mem: '5MB' },
    ],
    [
      'are those of the options in database.url where both name a setting',
      { options: '-c tcp_keepalives_count=5 -c statement_timeout=4s -c lock_timeout=1s -c application_name=mine' },
      { tcp_keepalives_count: '5', statement_timeout: '4s', lock_timeout: '1s', application_name: 'mine' },
    ],
    [
      'are those of other parameters of database.url, too',
      { application_name: 'mine', statement_timeout: '6000', options: '-c work_mem=5MB' },
      { application_name: 'mine', statement_timeout: '6s', work_mem: '5MB' },
    ],
  ])('%s', async (_, parameters, expected) => {
    expect(await settingsWith(parameters)).toMatchObject({ ...OWN, ...expected });
  });
});
