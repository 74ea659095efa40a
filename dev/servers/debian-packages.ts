import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import lockfile from 'proper-lockfile';

import { StartupError } from '../../src/errors.js';
import { makeDirectory } from '../../src/make-directory.js';
import { isRoot } from './local-process.js';
import { findPostgres } from './postgres.js';
import { findOnPath, findRedis } from './redis.js';

/** A program that can be installed from a Debian package. */
export interface InstallableProgram {
  name: string;
  debianPackage: string;
  find(): string | undefined;
}

/** PostgreSQL for private servers. */
export const POSTGRESQL: InstallableProgram = {
  name: 'PostgreSQL 15 or later',
  debianPackage: 'postgresql',
  find: findPostgres,
};
/** Redis for private servers. */
export const REDIS: InstallableProgram = { name: 'Redis', debianPackage: 'redis-server', find: findRedis };

/** Options of `ensureDebianPackages`. */
export interface EnsureOptions {
  /** Purpose of the programs, for messages: the words after "needed by". */
  neededBy: string;
  say: (line: string) => void;
  environment: Record<string, string | undefined>;
}

const INSTALL_LOCK = '/run/tocsin-install.lock';
const POLICY = '/usr/sbin/policy-rc.d';
/** Debian packages start their daemon at installation unless this script exits with 101. */
const POLICY_SCRIPT =
  '#!/bin/sh\n# Temporary, by Tocsin: what it installs for private servers shall not start daemons.\nexit 101\n';
const CLUSTER_CONFIGURATION = '/etc/postgresql-common/createcluster.conf';
const CLUSTER_DEFAULTS = '/usr/share/postgresql-common/createcluster.conf';
const LAST_LINES = 6;

/**
 * Announces and installs missing programs from Debian packages. Needs apt-get and root; TOCSIN_NO_INSTALL=1 forbids it.
 * Starts no daemon. Safe to call from several processes at once.
 * @throws StartupError with one line that says what to install, if it cannot.
 */
export async function ensureDebianPackages(
  programs: readonly InstallableProgram[],
  options: EnsureOptions,
): Promise<void> {
  const missing = programs.filter((program) => program.find() === undefined);
  if (missing.length === 0) return;
  refuseIfNotAllowed(missing, options);
  const release = await lockfile.lock('/', {
    lockfilePath: INSTALL_LOCK,
    stale: 60_000,
    retries: { retries: 120, maxTimeout: 2_000 },
  });
  try {
    // Another process may have installed them in the meantime.
    const stillMissing = programs.filter((program) => program.find() === undefined);
    if (stillMissing.length > 0) await install(stillMissing, options);
  } finally {
    await release();
  }
}

function refuseIfNotAllowed(missing: readonly InstallableProgram[], { neededBy, environment }: EnsureOptions): void {
  const problem = `${missing.map(({ name }) => name).join(' and ')}, needed by ${neededBy}, not found`;
  const command = `apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(' ')}`;
  if (environment['TOCSIN_NO_INSTALL'] === '1') {
    throw new StartupError(`${problem}, and TOCSIN_NO_INSTALL=1 forbids installing: run ${command}`);
  }
  if (findOnPath('apt-get') === undefined)
    throw new StartupError(`${problem}: install it and put its programs on the PATH`);
  if (!isRoot()) throw new StartupError(`${problem}: run ${command} as root`);
}

async function install(programs: readonly InstallableProgram[], options: EnsureOptions): Promise<void> {
  const packages = programs.map(({ debianPackage }) => debianPackage);
  options.say(
    `installing ${packages.join(', ')} with apt-get (needed by ${options.neededBy}; TOCSIN_NO_INSTALL=1 forbids it)`,
  );
  const updated = await aptGet(['update'], options.environment);
  if (!updated.done) options.say(`apt-get update failed, trying with the package lists at hand: ${updated.lastLines}`);
  const tidy = [keepDaemonsDown(), createNoCluster(packages)];
  try {
    const installed = await aptGet(['install', '-y', '--no-install-recommends', ...packages], options.environment);
    if (!installed.done) throw new StartupError(`apt-get install ${packages.join(' ')} failed: ${installed.lastLines}`);
  } finally {
    for (const restore of tidy) restore();
  }
  const absent = programs.filter((program) => program.find() === undefined).map(({ name }) => name);
  if (absent.length > 0)
    throw new StartupError(`installed ${packages.join(', ')}, but still no ${absent.join(' and ')}`);
}

/** Forbids packages to start daemons, unless the machine has a policy. Returns a function that undoes it. */
function keepDaemonsDown(): () => void {
  // A killed run of this function may have left its script.
  const leftByUs = existsSync(POLICY) && readFileSync(POLICY, 'utf8') === POLICY_SCRIPT;
  if (existsSync(POLICY) && !leftByUs) return () => undefined;
  writeFileSync(POLICY, POLICY_SCRIPT);
  chmodSync(POLICY, 0o755);
  return () => rmSync(POLICY, { force: true });
}

/** Keeps the package from creating a database cluster. Returns a function that undoes it. */
function createNoCluster(packages: readonly string[]): () => void {
  if (!packages.includes(POSTGRESQL.debianPackage) || existsSync(CLUSTER_CONFIGURATION)) return () => undefined;
  makeDirectory(path.dirname(CLUSTER_CONFIGURATION), { setting: 'configuration of PostgreSQL', mode: 0o755 });
  writeFileSync(CLUSTER_CONFIGURATION, 'create_main_cluster = false\n');
  return () => {
    if (existsSync(CLUSTER_DEFAULTS)) copyFileSync(CLUSTER_DEFAULTS, CLUSTER_CONFIGURATION);
    else rmSync(CLUSTER_CONFIGURATION, { force: true });
  };
}

interface AptResult {
  done: boolean;
  lastLines: string;
}

async function aptGet(args: readonly string[], environment: EnsureOptions['environment']): Promise<AptResult> {
  const options = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Options::=--force-confold'];
  const child = spawn('apt-get', [...options, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...environment, DEBIAN_FRONTEND: 'noninteractive', UCF_FORCE_CONFFOLD: '1' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = await once(child, 'close').catch(() => [null]);
  return { done: ended[0] === 0, lastLines: output.trim().split('\n').slice(-LAST_LINES).join(' | ') };
}
