import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { announcedEmbeddedDump } from './running-servers.js';

/**
 * A new folder for `database.data_dir`, with a migrated, empty database. A process that has to make one needs three
 * times as long to start. The caller removes the folder.
 */
export function migratedDataDirectory(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-data-'));
  const data = path.join(dir, 'pglite');
  mkdirSync(data);
  execFileSync('tar', ['--extract', '--file', announcedEmbeddedDump(), '--directory', data], { stdio: 'pipe' });
  return dir;
}
