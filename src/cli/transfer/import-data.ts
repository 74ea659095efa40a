import { databaseLocation } from '../../app/open-database.js';
import { openSealer } from '../../app/open-sealer.js';
import { importExport } from '../../storage/transfer/data-import.js';
import type { ConfigFlags, Terminal } from '../terminal.js';
import { linesOfExport } from './export-file.js';
import { printedProgress, withTransfer } from './recorded-transfer.js';

/** `tocsin import-data`. @throws StartupError if the file or the database cannot be used: nothing was imported. */
export function importDataCommand(file: string, flags: ConfigFlags, terminal: Terminal): Promise<void> {
  return withTransfer('target', flags, terminal.environment, async ({ config, db }) => {
    const target = { db, sealer: openSealer(config), progress: printedProgress(terminal), signal: terminal.stop };
    const rows = await db.transaction((tx) => importExport(tx, linesOfExport(file), target));
    const all = Object.values(rows).reduce((sum, count) => sum + count, 0);
    terminal.out(`Imported ${all} rows into ${databaseLocation(config)}.\n`);
    terminal.out('Start the service on this database, and no longer on the other one.\n');
  });
}
