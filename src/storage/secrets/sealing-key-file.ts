import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import path from 'node:path';

import { StartupError, toError } from '../../errors.js';
import { KEY_BYTES } from './sealed.js';

const FILE = 'secrets.key';

/**
 * Reads the sealing key of an embedded database: base64 in a file that only its owner can read. With `make`, creates a
 * missing file.
 * @throws StartupError when the file contains no key. It is not replaced, since a new key could not open old secrets.
 */
export function sealingKeyFile(dataDir: string, { make }: { make: boolean }): Buffer | undefined {
  const file = path.join(dataDir, FILE);
  try {
    if (!existsSync(file)) {
      if (!make) return undefined;
      makeKeyFile(file);
    }
    const key = Buffer.from(readFileSync(file, 'utf8').trim(), 'base64');
    if (key.length === KEY_BYTES) return key;
  } catch (cause) {
    throw new StartupError(`database.data_dir: cannot use the key file ${file}: ${toError(cause).message}`, { cause });
  }
  throw new StartupError(`database.data_dir: ${file} does not hold ${KEY_BYTES} bytes as base64`);
}

/** Creates the file atomically: a truncated key would make the next start fail. */
function makeKeyFile(file: string): void {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(draft, 'wx', 0o600);
  try {
    writeSync(descriptor, `${randomBytes(KEY_BYTES).toString('base64')}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
