import { describe } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { complexQueryContract } from '../../contract/complex-query-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

/** A database with a locale for its texts. Filters must not depend on the locale. */
async function englishDatabase(): Promise<Database> {
  const db = await serverDatabase();
  for (const column of ['name', 'description', 'state_reason']) {
    await db.query(`alter table alarms alter column ${column} type text collate "en-x-icu"`);
  }
  return db;
}

describe('complex queries in PGlite', () => complexQueryContract(embeddedDatabase));
describeWithPostgres('complex queries in PostgreSQL', () => complexQueryContract(serverDatabase));
describeWithPostgres('complex queries in PostgreSQL that sorts in English', () =>
  complexQueryContract(englishDatabase),
);
