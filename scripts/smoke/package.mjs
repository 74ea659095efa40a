// Packs the program, installs the package into an empty folder and runs it there by npx.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { root } from '../prepare.mjs';
import { run, say, smoke, startAskStop } from './smoke.mjs';

/** Folders and files of the repository that are no part of the program. */
const NOT_SHIPPED = /^(test|bench|dev|scripts|build\/(?!src\/))|\.map$|\.ts$/;
const SHIPPED = [
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'config/default.yaml',
  'build/src/main.js',
  'build/src/console/files.json',
];
/** Telemetry, which swagger-ui-dist would bring. */
const NOT_INSTALLED = ['@scarf', 'swagger-ui-dist'];

await smoke('the package', async (folder) => {
  const [{ filename, files, size }] = JSON.parse(
    run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: root }),
  );
  const paths = files.map((file) => file.path);
  const tooMuch = paths.filter((file) => NOT_SHIPPED.test(file));
  if (tooMuch.length > 0) throw new Error(`the package contains ${tooMuch.slice(0, 5).join(', ')}`);
  const missing = SHIPPED.filter((file) => !paths.includes(file));
  if (missing.length > 0) throw new Error(`the package lacks ${missing.join(', ')}`);
  say(`${filename}: ${files.length} files, ${Math.round(size / 1024)} KiB`);

  const place = path.join(folder, 'place');
  mkdirSync(place);
  const install = ['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  run('npm', [...install, path.join(folder, filename)], { cwd: place });
  const unwanted = NOT_INSTALLED.filter((name) => existsSync(path.join(place, 'node_modules', name)));
  if (unwanted.length > 0) throw new Error(`the package installs ${unwanted.join(', ')}`);
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const printed = run('npx', ['--no-install', 'tocsin', '--version'], { cwd: place }).trim();
  if (printed !== version) throw new Error(`tocsin --version printed ${printed}, not ${version}`);
  await startAskStop('npx', ['--no-install', 'tocsin'], place);
});
