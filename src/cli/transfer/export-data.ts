import { openForTransfer } from '../../app/open-database.js';
import { loadConfig } from '../../config/load.js';
import { StartupError } from '../../errors.js';
import { createLogger } from '../../logger.js';
import { ReleaseStack } from '../../release-stack.js';
import type { Database } from '../../storage/database.js';
import { exportedText, runningProcesses } from '../../storage/transfer/export-store.js';
import type { ExportHead } from '../../storage/transfer/export-format.js';
import { openCommandAudit } from '../command-audit.js';
import type { ConfigFlags, Terminal } from '../terminal.js';
import { version } from '../version.js';
import { writeExportFile } from './export-file.js';
import { printedProgress, recordedTransfer } from './recorded-transfer.js';

/** `tocsin export-data`. @throws StartupError if the database or the file cannot be used. */
export async function exportDataCommand(
  file: string,
  { config: configFile, flags }: ConfigFlags,
  terminal: Terminal,
): Promise<void> {
  const { config } = loadConfig({ file: configFile, flags, environment: terminal.environment });
  const resources = new ReleaseStack();
  try {
    const log = createLogger(config.log.level);
    const db = await openForTransfer(config, 'source', { log, resources });
    const audit = await openCommandAudit({ config, db, log, resources });
    await recordedTransfer(audit, 'data.export', () => exportInto(file, db, { terminal, now: audit.now }));
  } finally {
    await resources.release();
  }
}

async function exportInto(
  file: string,
  db: Database,
  { terminal, now }: { terminal: Terminal; now: Date },
): Promise<void> {
  await warnOfProcesses(db, terminal);
  let head: ExportHead | undefined;
  const listener = { progress: printedProgress(terminal), onHead: (found: ExportHead) => (head = found) };
  const bytes = await db.transaction((tx) =>
    writeExportFile(file, untilStopped(exportedText(tx, { release: version(), now }, listener), terminal.stop)),
  );
  terminal.out(`Exported into ${file} (${bytes} bytes).\n`);
  if (head !== undefined && head.keys.length > 0)
    terminal.out(
      'It has encrypted secrets. The target needs the same secrets.key' +
        (db.kind === 'pglite' ? ': the file secrets.key in database.data_dir, unless you have set another.\n' : '.\n'),
    );
}

/** The embedded database has one process at most, which is this one. */
async function warnOfProcesses(db: Database, terminal: Terminal): Promise<void> {
  const processes = db.kind === 'pglite' ? 0 : await runningProcesses(db);
  if (processes > 0)
    terminal.err(
      `Warning: processes of Tocsin use this database, or have used it within the last minute (${processes}). ` +
        'Stop them and export again: their later changes are not in the export.\n',
    );
}

async function* untilStopped(texts: AsyncIterable<string>, stop: AbortSignal): AsyncGenerator<string> {
  for await (const text of texts) {
    if (stop.aborted) throw new StartupError('interrupted: the file was not written');
    yield text;
  }
}
