import type { Command } from 'commander';

import { configFlags, withDatabase, type CommonOptions } from '../config-options.js';
import type { Terminal } from '../terminal.js';

const EXPORT_NOTES = `
Stop all processes of the service first: what they write later is not in the export. The file is compressed, and only
its owner can read it. Secrets in it are encrypted with the key of this database, as they are here.

Example, from the embedded database to PostgreSQL:
  tocsin export-data tocsin.export --data-dir ./data
  tocsin import-data tocsin.export --config tocsin.yaml`;

const IMPORT_NOTES = `
The database must be empty; its schema is made if it is missing. Use the same release as for the export, and the same
secrets.key. If the command fails or is interrupted, nothing was imported. docs/operations.md has the steps of a move.`;

/** Adds `tocsin export-data` and `tocsin import-data`. */
export function addTransfer(program: Command, terminal: Terminal): void {
  withDatabase(
    program
      .command('export-data')
      .description('write everything in the database into a file, to move it into another database')
      .argument('<file>', 'the file, which must not exist'),
  )
    .addHelpText('after', EXPORT_NOTES)
    .action(async (file: string, options: CommonOptions) => {
      const { exportDataCommand } = await import('./export-data.js');
      await exportDataCommand(file, configFlags(options), terminal);
    });
  withDatabase(
    program
      .command('import-data')
      .description('read a file of export-data into an empty database')
      .argument('<file>', 'the file that export-data wrote'),
  )
    .addHelpText('after', IMPORT_NOTES)
    .action(async (file: string, options: CommonOptions) => {
      const { importDataCommand } = await import('./import-data.js');
      await importDataCommand(file, configFlags(options), terminal);
    });
}
