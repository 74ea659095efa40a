import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { ensureDebianPackages, type InstallableProgram } from '../../dev/servers/debian-packages.js';
import { findOnPath } from '../../dev/servers/redis.js';
import { toError } from '../../src/errors.js';
import type { Finding } from '../finding.js';

const TRIAL = fileURLToPath(new URL('./trial.js', import.meta.url));
const TIMEOUT_MS = 900_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/**
 * In a network namespace of its own: every IPv4 and IPv6 address is local, and the name server is the trial's. $1 is a
 * file for /etc/resolv.conf, $2 the trial.
 */
const SETUP = `
set -e
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
mount --bind "$1" /etc/resolv.conf
exec "$0" "$2"`;

const IP: InstallableProgram = { name: 'ip', debianPackage: 'iproute2', find: () => findOnPath('ip') };

/**
 * Tries what users can make Tocsin call. Needs root, for the network namespace; it goes when the trial ends.
 * @returns a text instead if this machine cannot run the trial.
 */
export async function tryEgress(): Promise<Finding[] | string> {
  try {
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    await ensureDebianPackages([IP], { neededBy: 'the trial of egress', say, environment: process.env });
    await promisify(execFile)('unshare', ['--net', '--mount', 'true']);
  } catch (cause) {
    return `this machine cannot make a network namespace: ${toError(cause).message.trim()}`;
  }
  const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-egress-'));
  const resolvConf = path.join(dir, 'resolv.conf');
  writeFileSync(resolvConf, 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n');
  try {
    const args = ['--net', '--mount', '--kill-child', 'sh', '-c', SETUP, process.execPath, resolvConf, TRIAL];
    const { stdout } = await promisify(execFile)('unshare', args, {
      timeout: TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return JSON.parse(stdout) as Finding[];
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
