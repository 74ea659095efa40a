import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { eventually } from '../support/eventually.js';
import { freePort, startTocsin, type ServiceProcess } from '../support/service-process.js';

const README = new URL('../../../README.md', import.meta.url);

interface Step {
  command: string;
  expected: string;
}

let service: ServiceProcess | undefined;
const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-readme-'));
afterEach(async () => {
  await service?.kill();
  rmSync(dir, { recursive: true, force: true });
});

/** The commands of the tour and what the README says they print. */
function tour(): Step[] {
  const [, section = ''] = readFileSync(README, 'utf8').split('## Five minutes');
  return [...section.matchAll(/```console\n\$ (.*)\n([\s\S]*?)```/g)].map(([, command = '', expected = '']) => ({
    command,
    expected,
  }));
}

/** The text without the ids and times, which differ from run to run. */
function masked(text: string): string {
  return text
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?/g, '<time>')
    .trim();
}

test('the commands of the README print what the README says', async () => {
  const port = await freePort();
  service = startTocsin(['serve', '--interval', '1s', '--port', String(port), '--data-dir', dir]);
  await eventually(async () => expect((await fetch(`http://127.0.0.1:${port}/readyz`)).ok).toBe(true));
  const steps = tour();
  expect(steps.length).toBeGreaterThanOrEqual(6);
  let shellState = '';
  for (const { command, expected } of steps) {
    const script = `${shellState}${command.replaceAll(':8042', `:${port}`)}`;
    await eventually(
      async () => {
        const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
        expect(masked(stdout.replaceAll(`:${port}`, ':8042'))).toBe(masked(expected));
      },
      // A POST is sent once: a second one would create a second alarm. Other commands are repeated until they match.
      / -d /.test(command) ? { timeoutMs: 1 } : {},
    );
    const [assignment] = /^ID=\$\(.*?\);/.exec(command.replaceAll(':8042', `:${port}`)) ?? [];
    if (assignment) shellState = `${assignment} `;
  }
});
