import { openDatabase } from '../app/open-database.js';
import { openSealer } from '../app/open-sealer.js';
import { loadConfig } from '../config/load.js';
import { StartupError } from '../errors.js';
import { createLogger } from '../logger.js';
import { ReleaseStack } from '../release-stack.js';
import { rotateSecrets, rowsUnderOtherKeys } from '../storage/secrets/rotate-secrets.js';
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
    const { alarms, notifications, historyEntries, trusts } = await rotateSecrets(db, sealer);
    terminal.out(
      `Sealed with secrets.key: ${alarms} alarms, ${notifications} notifications, ` +
        `${historyEntries} history entries, ${trusts} trusts.\n`,
    );
    const left = await rowsUnderOtherKeys(db, sealer);
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
