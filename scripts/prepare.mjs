// What every script needs before it can run compiled code: a fit Node, the packages, a fresh build. Plain Node, no
// packages.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = [20, 19];
const SOURCES = [
  'src',
  'dev',
  'test',
  'examples',
  'bench',
  'security',
  'tsconfig.json',
  'package.json',
  'scripts/build.mjs',
  'scripts/console-files.mjs',
];
const STAMP = path.join(root, 'build', '.sources');
const INSTALL = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];

/** Something that the person who started the script can put right; printed without a stack. */
export class NotReady extends Error {}

/** Quick when there is nothing to do: it only looks at the times and sizes of files. */
export function prepare() {
  requireNode();
  if (packagesAreStale()) install();
  const now = fingerprint();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === now) return;
  say('Building ...');
  runOrFail(process.execPath, [path.join(root, 'scripts', 'build.mjs')], 'the build failed');
  writeFileSync(STAMP, now);
}

/** Prepares; where a person has to put something right first, says so in one line and exits with 1. */
export function prepareOrExit() {
  try {
    prepare();
  } catch (thrown) {
    if (!(thrown instanceof NotReady)) throw thrown;
    say(thrown.message);
    process.exit(1);
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1])) return;
  throw new NotReady(`Tocsin needs Node ${OLDEST_NODE.join('.')} or later; this is ${process.versions.node}.`);
}

/** A checkout renews the lock file's time without changing it, so a newer one is compared by what it says. */
function packagesAreStale() {
  const locked = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return true;
  if (statSync(locked).mtimeMs <= statSync(installed).mtimeMs) return false;
  const present = packagesOf(installed);
  return Object.entries(packagesOf(locked)).some(([name, { version, optional }]) => {
    // The root is no package, and optional ones are left out where they do not fit the machine.
    if (name === '' || (optional && !present[name])) return false;
    return present[name]?.version !== version;
  });
}

function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}

function install() {
  const command = `npm ${INSTALL.join(' ')}`;
  if (process.env.TOCSIN_NO_INSTALL === '1') {
    throw new NotReady(
      `The packages are missing or out of date, and TOCSIN_NO_INSTALL=1 forbids installing them. Run: ${command}`,
    );
  }
  say(`Installing packages into node_modules (${command}) ...`);
  runOrFail(
    process.platform === 'win32' ? 'npm.cmd' : 'npm',
    INSTALL,
    `installing the packages failed; try: ${command}`,
  );
}

/** Standard output belongs to the program that is started, so whatever is done before goes to standard error. */
function runOrFail(command, args, failure) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  if (signal) process.exit(130);
  if (error) throw new NotReady(`${failure}: ${error.message}`);
  if (status !== 0) throw new NotReady(failure[0].toUpperCase() + failure.slice(1) + '.');
}

function fingerprint() {
  const hash = createHash('sha256');
  for (const source of SOURCES) addTo(hash, source);
  return hash.digest('hex');
}

function addTo(hash, name) {
  const stat = statSync(path.join(root, name), { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) {
    hash.update(`${name} ${stat.mtimeMs} ${stat.size}\n`);
    return;
  }
  for (const entry of readdirSync(path.join(root, name)).sort()) addTo(hash, `${name}/${entry}`);
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
