import { openDatabase } from '../app/open-database.js';
import { openSealer } from '../app/open-sealer.js';
import { loadConfig } from '../config/load.js';
import { StartupError } from '../errors.js';
import { createLogger } from '../logger.js';
import { ReleaseStack } from '../release-stack.js';
import { ALL_PROJECTS } from '../storage/audit/audit-entry.js';
import type { Database } from '../storage/database.js';
import { rotateSecrets, rowsUnderOtherKeys, type RotatedRows } from '../storage/secrets/rotate-secrets.js';
import type { Sealer } from '../storage/secrets/sealed.js';
import { openCommandAudit, type CommandAudit } from './command-audit.js';
import type { ConfigFlags, Terminal } from './terminal.js';

/**
 * `tocsin secrets rotate`. Resolves to the exit code: 1 if a process has sealed secrets with another key meanwhile.
 * @throws StartupError if there is no key.
 */
export async function rotateSecretsCommand({ config: file, flags }: ConfigFlags, terminal: Terminal): Promise<number> {
  const { config } = loadConfig({ file, flags, environment: terminal.environment });
  const resources = new ReleaseStack();
  try {
    const log = createLogger(config.log.level);
    const db = await openDatabase(config, { log, resources, onLockLost: () => undefined });
    const sealer = openSealer(config);
    if (sealer.currentPrefix === undefined)
      throw new StartupError('secrets.key is not set: make one with `openssl rand -base64 32`');
    const audit = await openCommandAudit({ config, db, log, resources });
    const { rotated, left } = await rotate(db, sealer, audit);
    const { alarms, notifications, historyEntries, trusts, signingSecrets, receivers, keptAnswers } = rotated;
    terminal.out(
      `Sealed with secrets.key: ${alarms} alarms, ${notifications} notifications, ` +
        `${historyEntries} history entries, ${trusts} trusts, ${signingSecrets} signing secrets, ` +
        `${receivers} receivers, ${keptAnswers} kept answers.\n`,
    );
    if (left === 0) {
      terminal.out('Nothing is left under another key: secrets.previous_key can be removed.\n');
      return 0;
    }
    terminal.err(
      `${left} rows are under another key: a process still seals with it. Start all processes with the new ` +
        'secrets.key, then run this command again.\n',
    );
    return 1;
  } finally {
    await resources.release();
  }
}

/** Leaves one entry in the audit trail. The rotation has failed, too, if rows are left under another key. */
async function rotate(
  db: Database,
  sealer: Sealer,
  audit: Pick<CommandAudit, 'record'>,
): Promise<{ rotated: RotatedRows; left: number }> {
  const entry = { action: 'secrets.rotate', projectId: ALL_PROJECTS } as const;
  try {
    const rotated = await rotateSecrets(db, sealer);
    const left = await rowsUnderOtherKeys(db, sealer);
    const { historyEntries, signingSecrets, keptAnswers, ...others } = rotated;
    const named = { history_entries: historyEntries, signing_secrets: signingSecrets, kept_answers: keptAnswers };
    const changed = Object.entries({ ...others, ...named }).flatMap(([kind, rows]) => (rows > 0 ? [kind] : []));
    audit.record({ ...entry, outcome: left === 0 ? 'done' : 'failed', changed });
    return { rotated, left };
  } catch (thrown) {
    audit.record({ ...entry, outcome: 'failed' });
    throw thrown;
  }
}
