/* global fetch */
// What the smoke tests of the package and of a newer Node share. Plain Node, no packages.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 90_000;
/** One of each kind: copied by the build, made by the build, of an installed package. */
const FILES_OF_PAGES = ['/docs/swagger-ui-bundle.js', '/console/shell/main.js', '/console/packages/uplot.css'];

/** Runs `test` with a temporary folder that is removed afterwards; exits 1 with one line if it throws. */
export async function smoke(name, test) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tocsin-smoke-'));
  try {
    await test(folder);
    say(`${name}: passed`);
  } catch (thrown) {
    say(`${name}: failed: ${thrown.message}`);
    process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end and returns its standard output; throws with all its output if it fails. */
export function run(command, args, options = {}) {
  const { status, signal, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options });
  if (error) throw error;
  if (status !== 0) {
    throw new Error(`${[command, ...args].join(' ')} ended with ${status ?? signal}\n${stdout}${stderr}`);
  }
  return stdout;
}

/**
 * Starts `tocsin serve` in `folder` on an embedded database, asks /livez, stores an alarm, reads files of /docs and
 * /console, and stops it. `dataDir` is as the service sees it.
 */
export async function startAskStop(command, args, folder, dataDir = path.join(folder, 'data')) {
  const port = await freePort();
  const child = spawn(command, [...args, 'serve', '--port', String(port), '--data-dir', dataDir], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a process group, so that npx and its child end together
  });
  // Not "exit": npx ends before the service, which closes its database first, but the service has the same streams.
  let isGone = false;
  const gone = once(child, 'close').then(() => (isGone = true));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  try {
    const url = `http://127.0.0.1:${port}`;
    await answers(`${url}/livez`, child);
    const alarm = { name: 'smoke', type: 'threshold', threshold_rule: { meter_name: 'm', threshold: 1 } };
    const headers = { 'Content-Type': 'application/json' };
    const created = await fetch(`${url}/v2/alarms`, { method: 'POST', headers, body: JSON.stringify(alarm) });
    if (created.status !== 201) throw new Error(`POST /v2/alarms answered ${created.status}`);
    for (const file of FILES_OF_PAGES) {
      const { status } = await fetch(url + file);
      if (status !== 200) throw new Error(`GET ${file} answered ${status}`);
    }
    process.kill(-child.pid, 'SIGTERM');
    const late = sleep(STOP_TIMEOUT_MS, 'late', { ref: false });
    if ((await Promise.race([gone, late])) === 'late') throw new Error('the service did not stop');
  } catch (thrown) {
    throw new Error(`${thrown.message}\n${output}`, { cause: thrown });
  } finally {
    if (!isGone) process.kill(-child.pid, 'SIGKILL');
  }
}

export function say(text) {
  process.stdout.write(`${text}\n`);
}

async function answers(url, child) {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`);
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await sleep(100);
  }
  throw new Error(`${url} did not answer in ${START_TIMEOUT_MS / 1000} s`);
}

async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
