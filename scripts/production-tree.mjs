// Makes a folder with the program and its packages, as it runs in production: node scripts/production-tree.mjs FOLDER
// Uses npm pack and npm ci, without development packages and without scripts of packages.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './prepare.mjs';
import { run } from './smoke/smoke.mjs';

/** Fills `folder`, which is made if it is missing. */
export function makeProductionTree(folder) {
  const packed = mkdtempSync(path.join(tmpdir(), 'tocsin-pack-'));
  try {
    const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', packed], { cwd: root }));
    mkdirSync(folder, { recursive: true });
    run('tar', ['-xzf', path.join(packed, filename), '-C', folder, '--strip-components=1', '--no-same-owner']);
  } finally {
    rmSync(packed, { recursive: true, force: true });
  }
  // The package has no lock file, and npm ci needs it.
  for (const name of ['package-lock.json', '.npmrc']) copyFileSync(path.join(root, name), path.join(folder, name));
  run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: folder });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined || (existsSync(folder) && readdirSync(folder).length > 0)) {
    process.stderr.write('usage: node scripts/production-tree.mjs FOLDER, which must be empty or missing\n');
    process.exit(2);
  }
  makeProductionTree(path.resolve(folder));
}
