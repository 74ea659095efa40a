import { afterEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { PYTHON } from '../support/peer-programs.js';
import { freePort, NODE_FLAGS, startService } from '../support/service-process.js';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/**
 * Runs a program in a terminal of its own, closes that terminal once the program has said a word, and prints how the
 * program ended.
 */
const CLOSE_TERMINAL = `
import os, pty, sys
word, argv = sys.argv[1].encode(), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
said = b''
while word not in said:
    said += os.read(terminal, 4096)
os.close(terminal)
_, status = os.waitpid(pid, 0)
print('exit %d' % os.WEXITSTATUS(status) if os.WIFEXITED(status) else 'signal %d' % os.WTERMSIG(status))
`;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function dataDirectory(): string {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

describe('SIGHUP', () => {
  test('stops the service cleanly with exit code 0, also when it comes twice and before a SIGTERM', async () => {
    const port = await freePort();
    const service = startService({ DATABASE_DATA_DIR: dataDirectory(), API_PORT: String(port), LOG_LEVEL: 'info' });
    undo.push(() => service.kill());
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200));
    for (const signal of ['SIGHUP', 'SIGHUP', 'SIGTERM'] as const) process.kill(service.pid, signal);
    await eventually(() => expect(service.isRunning()).toBe(false));
    expect(await service.stop()).toBe(0);
  });

  test('of a closed terminal stops the service cleanly, although its output fails', async () => {
    const serve = [process.execPath, ...NODE_FLAGS, MAIN, 'serve'];
    const argv = [...serve, '--data-dir', dataDirectory(), '--port', String(await freePort())];
    const child = spawn(PYTHON, ['-I', '-c', CLOSE_TERMINAL, 'Ctrl-C stops Tocsin', ...argv, '--log-level', 'debug'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    undo.push(() => child.kill());
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    await eventually(() => expect(out).toBe('exit 0\n'));
  });
});
