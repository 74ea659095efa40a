import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { urlOf } from '../support/run-servers.js';
import { describeWith } from '../support/servers.js';
import { filesOf, sourceOf } from '../support/source-tree.js';

const UNITS = filesOf('deploy/systemd', '.service');
const ROOT = new URL('../../../', import.meta.url);
/** The highest exposure that a unit may have, of 10. */
const MOST_EXPOSURE = 2.5;

function settingsOf(unit: string): [string, string][] {
  return sourceOf(unit)
    .split('\n')
    .filter((line) => /^[A-Z]\w+=/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]);
}

function valuesOf(unit: string, name: string): string[] {
  return settingsOf(unit).flatMap(([key, value]) => (key === name ? [value] : []));
}

test('there is a unit for each role and one for the schema', () => {
  expect(UNITS).toEqual(
    ['api', 'evaluator', 'migrate', 'notifier'].map((name) => `deploy/systemd/tocsin-${name}.service`),
  );
});

test('all units have the same hardening', () => {
  const hardening = UNITS.map((unit) => /\n# An account[\s\S]*?# No Memory.*\n/.exec(sourceOf(unit))?.[0]);
  expect(hardening[0]).toContain('DynamicUser=yes');
  expect(new Set(hardening).size).toBe(1);
});

describe.each(UNITS)('%s', (unit) => {
  test('starts the main program of the package', () => {
    const [start = ''] = valuesOf(unit, 'ExecStart');
    const program = (JSON.parse(sourceOf('package.json')) as { bin: { tocsin: string } }).bin.tocsin;
    expect(start).toMatch(
      new RegExp(`^/usr/bin/node --disallow-code-generation-from-strings /opt/tocsin/${program} (serve|migrate) `),
    );
  });

  test('names each credential that it loads in a variable, and no other', () => {
    const loaded = valuesOf(unit, 'LoadCredential').map((value) => value.split(':')[0]);
    const named = valuesOf(unit, 'Environment').map((value) => /=%d\/(.*)$/.exec(value)?.[1]);
    expect(loaded.length).toBeGreaterThan(0);
    expect(named).toEqual(loaded);
  });
});

describeWith(['systemd-analyze'], 'systemd-analyze', () => {
  const analyze = (...args: string[]): string => {
    const { stdout, stderr } = spawnSync(urlOf('systemd-analyze'), args, { encoding: 'utf8' });
    return stdout + stderr;
  };

  test.each(UNITS)(`security gives %s an exposure of at most ${MOST_EXPOSURE}`, (unit) => {
    const printed = analyze('security', '--offline=true', '--no-pager', fileURLToPath(new URL(unit, ROOT)));
    const exposure = /Overall exposure level for \S+: ([\d.]+)/.exec(printed)?.[1];
    expect([Number(exposure) <= MOST_EXPOSURE, printed]).toEqual([true, printed]);
    expect(printed).not.toMatch(/Unknown|Failed|ignoring/i);
  });
});
