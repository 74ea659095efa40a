// Makes the root file system of the image without a container engine, and runs the service in it: as an unprivileged
// account, with a read-only root, without a shell, and with nothing from this machine but Node.js and its libraries.
// The data folder alone is writable. Needs Linux and root.
import { chownSync, copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { makeProductionTree } from '../production-tree.mjs';
import { run, say, smoke, startAskStop } from './smoke.mjs';

/** As in the Dockerfile. */
const ACCOUNT = 1000;
const PROGRAM = '/opt/tocsin/build/src/main.js';
const FLAG = '--disallow-code-generation-from-strings';
const DATA = '/var/lib/tocsin';
/** Files that glibc needs for names; no other files of this machine are there. */
const NAMES = ['/etc/hosts', '/etc/nsswitch.conf'];
const DEVICES = ['/dev/null', '/dev/urandom'];
const PROBE = `
  const fs = require('node:fs');
  const canWrite = (path) => { try { fs.writeFileSync(path, ''); return true; } catch { return false; } };
  const paths = ['/x', '/opt/tocsin/x', '/tmp/x', '/etc/x', '${DATA}/x'];
  const hasShell = fs.existsSync('/bin/sh');
  console.log(JSON.stringify({ uid: process.getuid(), hasShell, writable: paths.filter(canWrite) }));
`;

if (process.platform !== 'linux' || process.getuid() !== 0) {
  say('the root file system: not run, it needs Linux and root');
} else {
  await smoke('the root file system', async (folder) => {
    const rootfs = path.join(folder, 'rootfs');
    const node = makeRootFileSystem(rootfs);
    const [command, ...args] = confined(rootfs, node);
    const seen = run(command, [...args, '-e', PROBE]).trim();
    const expected = JSON.stringify({ uid: ACCOUNT, hasShell: false, writable: [`${DATA}/x`] });
    if (seen !== expected) throw new Error(`the process sees ${seen}, not ${expected}`);
    await startAskStop(command, [...args, FLAG, PROGRAM], folder, `${DATA}/embedded`);
  });
}

/** Returns the path of Node.js in it. */
function makeRootFileSystem(rootfs) {
  makeProductionTree(path.join(rootfs, 'opt', 'tocsin'));
  const libraries = run('ldd', [process.execPath]).match(/\/\S+/g);
  for (const file of [process.execPath, ...libraries, ...NAMES.filter((name) => existsSync(name))]) {
    mkdirSync(path.join(rootfs, path.dirname(file)), { recursive: true });
    copyFileSync(file, path.join(rootfs, file));
  }
  for (const name of ['dev', 'tmp', DATA]) mkdirSync(path.join(rootfs, name), { recursive: true });
  for (const device of DEVICES) writeFileSync(path.join(rootfs, device), '');
  chownSync(path.join(rootfs, DATA), ACCOUNT, ACCOUNT);
  return process.execPath;
}

/** A command that runs Node.js in a mount namespace of its own, as the account of the image. */
function confined(rootfs, node) {
  const script = [
    'set -e',
    'mount --bind "$0" "$0"',
    ...DEVICES.map((device) => `mount --bind ${device} "$0${device}"`),
    `mount --bind "$0${DATA}" "$0${DATA}"`,
    'mount -o remount,bind,ro "$0"',
    `exec setpriv --no-new-privs chroot --userspec=${ACCOUNT}:${ACCOUNT} "$0" "$@"`,
  ].join('\n');
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, rootfs, node];
}
