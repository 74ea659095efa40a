import { loadConfig } from '../config/load.js';
import { createLogger } from '../logger.js';
import { migrate, migrateServer } from '../storage/migration/migrate.js';
import { openPglite } from '../storage/engine/pglite.js';
import type { ConfigFlags, Terminal } from './terminal.js';

/** `tocsin migrate`, for deployments with `database.migrate_on_start: false`. */
export async function migrateCommand({ config: file, flags }: ConfigFlags, terminal: Terminal): Promise<void> {
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const { url, data_dir } = config.database;
  const applied = url
    ? await migrateServer(url.reveal(), createLogger(config.log.level))
    : await migrateEmbedded(data_dir);
  for (const name of applied) terminal.out(`applied ${name}\n`);
  terminal.out(
    applied.length === 0 ? 'The schema is up to date.\n' : `The schema is up to date: ${applied.length} applied.\n`,
  );
}

async function migrateEmbedded(dataDir: string): Promise<string[]> {
  const db = await openPglite(dataDir);
  try {
    return await migrate(db);
  } finally {
    await db.close();
  }
}
