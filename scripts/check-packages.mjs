// What is installed with the program: known licences, exact versions, no address of a registry in the lock file, and
// no script that runs at the installation. `npm ci` itself fails if the lock file does not match package.json.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './prepare.mjs';

/** Licences (SPDX) that a package may have: they ask for the notice to be kept, and for nothing else. */
const LICENCES = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);
/** Packages with a script that npm runs at the installation. This one looks for native code, which is optional. */
const WITH_SCRIPT = new Set(['msgpackr-extract']);
const EXACT = /^\d+\.\d+\.\d+(-[0-9a-z.-]+)?$/i;

/** Development packages of which the build copies files into the program. */
export const COPIED = ['swagger-ui-dist'];

/** Problems of package.json, package-lock.json and node_modules in a folder. */
export function packageProblems(base, copied = COPIED) {
  const manifest = readJson(path.join(base, 'package.json'));
  const { packages } = readJson(path.join(base, 'package-lock.json'));
  const installed = Object.entries(packages).filter(([place]) => place !== '');
  const isShipped = ([place, { dev }]) => !dev || copied.includes(nameOf(place));
  return [
    ...versionProblems(manifest),
    ...installed
      .filter(([, { resolved }]) => resolved !== undefined)
      .map(([place]) => `package-lock.json: ${place} has a resolved address; remove it (.npmrc leaves it out)`),
    ...installed.filter(isShipped).flatMap((entry) => licenceProblems(base, entry)),
    ...installed
      .filter(([place, { dev, hasInstallScript }]) => !dev && hasInstallScript && !WITH_SCRIPT.has(nameOf(place)))
      .map(([place, { version }]) => `${nameOf(place)}@${version} runs a script when it is installed`),
  ];
}

/** In overrides `$name` stands for the version of a dependency in package.json, which must be exact itself. */
function versionProblems({ dependencies = {}, devDependencies = {}, overrides = {} }) {
  const own = { ...dependencies, ...devDependencies };
  return [...Object.entries(own), ...overrideEntries(overrides)]
    .filter(([, version]) => !EXACT.test(own[/^\$(.+)/.exec(version)?.[1]] ?? version))
    .map(([name, version]) => `package.json: ${name} is ${version}; write one exact version`);
}

/** An override may hold those of the packages below it. */
function overrideEntries(overrides) {
  return Object.entries(overrides).flatMap(([name, value]) =>
    typeof value === 'object' ? overrideEntries(value) : [[name, value]],
  );
}

/** Optional packages for other machines are not installed; the lock file knows their licences. */
function licenceProblems(base, [place, locked]) {
  const file = path.join(base, place, 'package.json');
  const { license } = existsSync(file) ? readJson(file) : locked;
  if (isAllowed(license)) return [];
  return [
    `${nameOf(place)}@${locked.version} has the licence ${JSON.stringify(license ?? 'none')}, which is not listed`,
  ];
}

/** Of several licences, one is enough to choose from (`OR`); `AND` asks for all and is refused. */
function isAllowed(license) {
  if (typeof license !== 'string') return false;
  return license
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((each) => LICENCES.has(each));
}

function nameOf(place) {
  return place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = packageProblems(root);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
