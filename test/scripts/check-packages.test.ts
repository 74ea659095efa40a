import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../../scripts/check-packages.mjs', import.meta.url));
const RUN = `
import { packageProblems } from ${JSON.stringify(SCRIPT)};
console.log(JSON.stringify(packageProblems(process.argv[1], ['page'])));
`;
const MIT = { version: '1.0.0', license: 'MIT' };
const SCRIPTED = { ...MIT, hasInstallScript: true };

const MANIFEST = {
  dependencies: { exact: '1.0.0', 'pre-release': '1.0.0-rc.1', caret: '^1.0.0' },
  devDependencies: { tag: 'latest', alias: 'npm:other@1.0.0' },
  overrides: { range: '1.x', tool: { inner: '^1.0.0', exact: '$exact', unknown: '$other' } },
};
const LOCKED = {
  '': { license: 'none of its business' },
  'node_modules/exact': MIT,
  'node_modules/either': { version: '1.0.0', license: '(MIT OR CC0-1.0)' },
  'node_modules/both': { version: '1.0.0', license: '(MIT AND CC0-1.0)' },
  'node_modules/viral': { version: '2.0.0', license: 'AGPL-3.0' },
  'node_modules/a/node_modules/@scope/changed': MIT,
  'node_modules/unlicensed': { version: '1.0.0' },
  'node_modules/elsewhere': { version: '1.0.0', license: 'SSPL-1.0', optional: true },
  'node_modules/tool': { version: '1.0.0', license: 'GPL-3.0', dev: true, hasInstallScript: true },
  'node_modules/page': { version: '1.0.0', license: 'GPL-2.0', dev: true },
  'node_modules/addressed': { ...MIT, dev: true, resolved: 'https://registry.example.com/addressed.tgz' },
  'node_modules/telemetry': SCRIPTED,
  'node_modules/msgpackr-extract': SCRIPTED,
};
/** What a package says of itself counts more than the lock file. */
const INSTALLED = { 'node_modules/a/node_modules/@scope/changed': { licenses: [{ type: 'MIT' }] } };

let base: string;
let problems: string[];

beforeAll(async () => {
  base = mkdtempSync(path.join(tmpdir(), 'packages-'));
  const write = (file: string, content: unknown): void => {
    mkdirSync(path.dirname(path.join(base, file)), { recursive: true });
    writeFileSync(path.join(base, file), JSON.stringify(content));
  };
  write('package.json', MANIFEST);
  write('package-lock.json', { packages: LOCKED });
  for (const [place, content] of Object.entries(INSTALLED)) write(`${place}/package.json`, content);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', RUN, base]);
  problems = JSON.parse(stdout) as string[];
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

test.each([
  ['a licence that is not listed', 'viral@2.0.0 has the licence "AGPL-3.0", which is not listed'],
  [
    'two licences at once, one of them not listed',
    'both@1.0.0 has the licence "(MIT AND CC0-1.0)", which is not listed',
  ],
  ['no licence', 'unlicensed@1.0.0 has the licence "none", which is not listed'],
  [
    'a licence that the installed package does not have',
    '@scope/changed@1.0.0 has the licence "none", which is not listed',
  ],
  ['an optional package that is not installed here', 'elsewhere@1.0.0 has the licence "SSPL-1.0", which is not listed'],
  ['a package of which files are copied', 'page@1.0.0 has the licence "GPL-2.0", which is not listed'],
  ['a range', 'package.json: caret is ^1.0.0; write one exact version'],
  ['a tag', 'package.json: tag is latest; write one exact version'],
  ['another name', 'package.json: alias is npm:other@1.0.0; write one exact version'],
  ['a range among the overrides', 'package.json: range is 1.x; write one exact version'],
  ['a range in a nested override', 'package.json: inner is ^1.0.0; write one exact version'],
  ['an override by a package that is no dependency', 'package.json: unknown is $other; write one exact version'],
  [
    'the address of a registry',
    'package-lock.json: node_modules/addressed has a resolved address; remove it (.npmrc leaves it out)',
  ],
  ['a script at the installation', 'telemetry@1.0.0 runs a script when it is installed'],
])('lint refuses %s', (_, problem) => {
  expect(problems).toContain(problem);
});

test('lint accepts listed licences, one of several, tools of any licence, and exact versions', () => {
  expect(problems.filter((problem) => /exact@|pre-release|either|tool|msgpackr|none of/.test(problem))).toEqual([]);
  expect(problems).toHaveLength(14);
});
