import path from 'node:path';

import type { Config } from '../config/schema.js';
import { createSealer, type Sealer } from '../storage/secrets/sealed.js';
import { sealingKeyFile } from '../storage/secrets/sealing-key-file.js';

/**
 * Creates the encryption of secrets in the database, with `secrets.key`. Without it the embedded database uses a key
 * file in its directory, which is made if it is missing. That key still decrypts old secrets after `secrets.key` is
 * set.
 */
export function openSealer({ secrets, database }: Pick<Config, 'secrets' | 'database'>): Sealer {
  const [configured, before] = [secrets.key, secrets.previous_key].map(
    (key) => key && Buffer.from(key.reveal(), 'base64'),
  );
  const keyFile = database.url
    ? undefined
    : sealingKeyFile(path.resolve(database.data_dir), { make: configured === undefined });
  return createSealer({
    current: configured ?? keyFile,
    previous: [before, keyFile].filter((key) => key !== undefined),
  });
}

/**
 * True if this process reads and writes action URLs and has no key, so that their passwords and tokens are not
 * encrypted. Evaluators need no key.
 */
export function lacksKey({ roles, secrets, database }: Pick<Config, 'roles' | 'secrets' | 'database'>): boolean {
  return database.url !== undefined && secrets.key === undefined && roles.some((role) => role !== 'evaluator');
}
