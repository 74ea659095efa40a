import path from 'node:path';

import type { Config } from '../config/schema.js';
import { createSealer, type Sealer } from '../storage/secrets/sealed.js';
import { sealingKeyFile } from '../storage/secrets/sealing-key-file.js';

/**
 * Encrypts secrets with the configured key. The embedded database has one of its own beside it, made at need; when
 * another is configured, that one still opens what it sealed.
 */
export function openSealer({ secrets, database }: Pick<Config, 'secrets' | 'database'>): Sealer {
  const [configured, before] = [secrets.key, secrets.previous_key].map(
    (key) => key && Buffer.from(key.reveal(), 'base64'),
  );
  const own = database.url
    ? undefined
    : sealingKeyFile(path.resolve(database.data_dir), { make: configured === undefined });
  return createSealer({ current: configured ?? own, previous: [before, own].filter((key) => key !== undefined) });
}
