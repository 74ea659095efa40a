import type { AuditAction } from '../../api/audit/audit-actions.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { TransferProgress } from '../../storage/transfer/export-store.js';
import type { CommandAudit } from '../command-audit.js';
import type { Terminal } from '../terminal.js';

/** Rows of a table after which the progress is printed again. */
const ROWS_A_LINE = 100_000;

/** Does the work, and leaves one entry in the audit trail. */
export async function recordedTransfer<T>(
  audit: Pick<CommandAudit, 'record'>,
  action: AuditAction,
  work: () => Promise<T>,
): Promise<T> {
  const entry = { action, projectId: ALL_PROJECTS } as const;
  try {
    const result = await work();
    audit.record({ ...entry, outcome: 'done' });
    return result;
  } catch (thrown) {
    audit.record({ ...entry, outcome: 'failed' });
    throw thrown;
  }
}

/** Prints the rows of each table on standard error: at its end if it has any, of long tables also meanwhile. */
export function printedProgress(terminal: Pick<Terminal, 'err'>): TransferProgress {
  let next = ROWS_A_LINE;
  return (table, rows, isDone) => {
    if (isDone) {
      next = ROWS_A_LINE;
      if (rows > 0) terminal.err(`${table}: ${rows} rows\n`);
    } else if (rows >= next) {
      next = rows - (rows % ROWS_A_LINE) + ROWS_A_LINE;
      terminal.err(`${table}: ${rows} rows so far\n`);
    }
  };
}
