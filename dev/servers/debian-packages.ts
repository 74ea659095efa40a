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

/** A program that we can install where it is missing. */
export interface InstallableProgram {
  name: string;
  debianPackage: string;
  find(): string | undefined;
}

export const POSTGRESQL: InstallableProgram = {
  name: 'PostgreSQL 15 or later',
  debianPackage: 'postgresql',
  find: findPostgres,
};
export const REDIS: InstallableProgram = { name: 'Redis', debianPackage: 'redis-server', find: findRedis };

export interface EnsureOptions {
  /** What they are needed for, to be read after "needed by". */
  neededBy: string;
  say: (line: string) => void;
  environment: Record<string, string | undefined>;
}

const INSTALL_LOCK = '/run/tocsin-install.lock';
const POLICY = '/usr/sbin/policy-rc.d';
/** Debian's packages start their daemon on installation unless this says no (101). */
const POLICY_SCRIPT =
  '#!/bin/sh\n# Temporary, by Tocsin: what it installs for private servers shall not start daemons.\nexit 101\n';
const CLUSTER_CONFIGURATION = '/etc/postgresql-common/createcluster.conf';
const CLUSTER_DEFAULTS = '/usr/share/postgresql-common/createcluster.conf';
const LAST_LINES = 6;

/**
 * Installs the missing ones from Debian's packages, announcing it, if we are root on such a system and allowed to.
 * Leaves no daemon running. Safe to call from several processes at once.
 * @throws StartupError, one line saying what to install, when that is not possible.
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
    // Another process may have been quicker
    const stillMissing = programs.filter((program) => program.find() === undefined);
    if (stillMissing.length > 0) await install(stillMissing, options);
  } finally {
    await release();
  }
}

function refuseIfNotAllowed(missing: readonly InstallableProgram[], { neededBy, environment }: EnsureOptions): void {
  const what = `${missing.map(({ name }) => name).join(' and ')}, needed by ${neededBy}, not found`;
  const command = `apt-get install ${missing.map(({ debianPackage }) => debianPackage).join(' ')}`;
  if (environment['TOCSIN_NO_INSTALL'] === '1') {
    throw new StartupError(`${what}, and TOCSIN_NO_INSTALL=1 forbids installing: run ${command}`);
  }
  if (findOnPath('apt-get') === undefined)
    throw new StartupError(`${what}: install it and put its programs on the PATH`);
  if (!isRoot()) throw new StartupError(`${what}: run ${command} as root`);
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

/** A policy of the machine's own is left alone. Returns how to undo. */
function keepDaemonsDown(): () => void {
  // A process that was killed meanwhile
  const leftByUs = existsSync(POLICY) && readFileSync(POLICY, 'utf8') === POLICY_SCRIPT;
  if (existsSync(POLICY) && !leftByUs) return () => undefined;
  writeFileSync(POLICY, POLICY_SCRIPT);
  chmodSync(POLICY, 0o755);
  return () => rmSync(POLICY, { force: true });
}

/** Keeps the package from making a database of its own that nobody would use. Returns how to undo. */
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
