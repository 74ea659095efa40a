import { databaseLocation, openForTransfer } from '../../app/open-database.js';
import { openSealer } from '../../app/open-sealer.js';
import { loadConfig } from '../../config/load.js';
import { createLogger } from '../../logger.js';
import { ReleaseStack } from '../../release-stack.js';
import { importExport } from '../../storage/transfer/data-import.js';
import { openCommandAudit } from '../command-audit.js';
import type { ConfigFlags, Terminal } from '../terminal.js';
import { linesOfExport } from './export-file.js';
import { printedProgress, recordedTransfer } from './recorded-transfer.js';

/** `tocsin import-data`. @throws StartupError if the file or the database cannot be used: nothing was imported. */
export async function importDataCommand(
  file: string,
  { config: configFile, flags }: ConfigFlags,
  terminal: Terminal,
): Promise<void> {
  const { config } = loadConfig({ file: configFile, flags, environment: terminal.environment });
  const resources = new ReleaseStack();
  try {
    const log = createLogger(config.log.level);
    const db = await openForTransfer(config, 'target', { log, resources });
    const sealer = openSealer(config);
    const audit = await openCommandAudit({ config, db, log, resources });
    const target = { db, sealer, progress: printedProgress(terminal), signal: terminal.stop };
    const rows = await recordedTransfer(audit, 'data.import', () =>
      db.transaction((tx) => importExport(tx, linesOfExport(file), target)),
    );
    const all = Object.values(rows).reduce((sum, count) => sum + count, 0);
    terminal.out(`Imported ${all} rows into ${databaseLocation(config)}.\n`);
    terminal.out('Start the service on this database, and no longer on the other one.\n');
  } finally {
    await resources.release();
  }
}
