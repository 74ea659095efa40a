import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../../src/logger.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { startPostgresDouble, type PostgresDouble } from '../../support/postgres-double.js';

let server: PostgresDouble | undefined;
afterEach(() => server?.goAway());

// Servers that are too old cannot be had.
test('a PostgreSQL older than 15 is refused with a one-line error that names the needed version', async () => {
  server = await startPostgresDouble('140011');
  const options = { url: server.url, maxConnections: 1, statementTimeoutMs: 2_000 };
  await expect(openPostgres(options, silentLogger)).rejects.toThrow(
    'database.url: PostgreSQL 14 is too old; Tocsin needs 15 or later',
  );
});
