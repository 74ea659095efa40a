import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../../security/main.js', import.meta.url));
const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [COMMAND, ...args], { encoding: 'utf8' });

test.each(['nothing', 'constructor', '--fast'])('npm run security -- %s lists the parts and exits with 2', (part) => {
  const { status, stdout, stderr } = run('egress', part);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe(`unknown: ${part}; parts are egress, canaries, limits, attacks, matrix\n`);
});

test('npm run security -- --quick says which parts it leaves out, and why', () => {
  const { status, stdout } = run('--quick', 'canaries', 'attacks', 'matrix');
  expect(status).toBe(0);
  expect(stdout.split('\n')).toEqual([
    'LEFT OUT canaries: npm test runs its tests',
    'LEFT OUT attacks: it measures time',
    'LEFT OUT matrix: npm test runs its tests',
    '',
  ]);
});
