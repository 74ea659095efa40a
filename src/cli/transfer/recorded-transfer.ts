import type { AuditAction } from '../../api/audit/audit-actions.js';
import { openForTransfer } from '../../app/open-database.js';
import { loadConfig } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { createLogger } from '../../logger.js';
import { ReleaseStack } from '../../release-stack.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { Database } from '../../storage/database.js';
import type { TransferProgress } from '../../storage/transfer/export-store.js';
import { openCommandAudit, type CommandAudit } from '../command-audit.js';
import type { ConfigFlags, Terminal } from '../terminal.js';

/** Rows of a table after which the progress is printed again. */
const ROWS_A_LINE = 100_000;

/** The configured database, open for one transfer. */
export interface OpenTransfer {
  config: Config;
  db: Database;
  now: Date;
}

const ACTION = { source: 'data.export', target: 'data.import' } as const satisfies Record<string, AuditAction>;

/**
 * Opens the configured database as the source or the target of a transfer, does the work, and leaves one entry in its
 * audit trail.
 * @throws StartupError if the database cannot be used.
 */
export async function withTransfer(
  role: 'source' | 'target',
  { config: file, flags }: ConfigFlags,
  environment: Terminal['environment'],
  work: (open: OpenTransfer) => Promise<void>,
): Promise<void> {
  const { config } = loadConfig({ file, flags, environment });
  const resources = new ReleaseStack();
  try {
    const log = createLogger(config.log.level);
    const db = await openForTransfer(config, role, { log, resources });
    const audit = await openCommandAudit({ config, db, log, resources });
    await recorded(audit, ACTION[role], () => work({ config, db, now: audit.now }));
  } finally {
    await resources.release();
  }
}

async function recorded(
  audit: Pick<CommandAudit, 'record'>,
  action: AuditAction,
  work: () => Promise<void>,
): Promise<void> {
  const entry = { action, projectId: ALL_PROJECTS } as const;
  try {
    await work();
    audit.record({ ...entry, outcome: 'done' });
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
