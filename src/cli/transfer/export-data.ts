import { StartupError } from '../../errors.js';
import type { Database } from '../../storage/database.js';
import { exportedText, runningProcesses } from '../../storage/transfer/export-store.js';
import type { ExportHead } from '../../storage/transfer/export-format.js';
import type { ConfigFlags, Terminal } from '../terminal.js';
import { version } from '../version.js';
import { writeExportFile } from './export-file.js';
import { printedProgress, withTransfer } from './recorded-transfer.js';

/** `tocsin export-data`. @throws StartupError if the database or the file cannot be used. */
export function exportDataCommand(file: string, flags: ConfigFlags, terminal: Terminal): Promise<void> {
  return withTransfer('source', flags, terminal.environment, ({ db, now }) => exportInto(file, db, { terminal, now }));
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
