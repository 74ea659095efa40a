import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { createLogger } from '../logger.js';
import type { Database } from '../storage/database.js';
import { migrate } from '../storage/migrate.js';
import { openPglite } from '../storage/pglite.js';
import { openPostgres } from '../storage/postgres.js';
import type { ConfigFlags, Terminal } from './program.js';

/** `tocsin migrate`: for deployments that do not let the service change its schema by itself. */
export async function migrateCommand({ config: file, flags }: ConfigFlags, terminal: Terminal): Promise<void> {
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const database = await open(config);
  try {
    const applied = await migrate(database);
    for (const name of applied) terminal.out(`applied ${name}\n`);
    terminal.out(applied.length === 0 ? 'The schema is up to date.\n' : `Done: ${applied.length} applied.\n`);
  } finally {
    await database.close();
  }
}

function open({ database, log }: Config): Promise<Database> {
  if (!database.url) return openPglite(database.data_dir);
  const options = { url: database.url.reveal(), maxConnections: 2, statementTimeoutMs: database.statement_timeout };
  return openPostgres(options, createLogger(log.level));
}
