import { beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../../scripts/check-ports.mjs', import.meta.url));
const RUN = `
import { portProblems } from ${JSON.stringify(SCRIPT)};
const [base, files, boundaries] = JSON.parse(process.argv[1]);
console.log(JSON.stringify(portProblems(base, files, boundaries)));
`;

const FILES: Record<string, string> = {
  'by-class.ts': 'export interface Bell { ring(): void }',
  'iron-bell.ts': "import type { Bell } from './by-class.js'; export class IronBell implements Bell { ring() {} }",
  'by-object.ts': 'export type Horn = { blow(): void };',
  'tin-horn.ts': "import type { Horn } from './by-object.js'; export const horn = (): Horn => ({ blow() {} });",
  'unnamed.ts': 'export interface Drum { beat(): void } export function play(drum: Drum) { drum.beat(); }',
  'drummer.ts': "import { play } from './unnamed.js'; const make = () => ({ beat() {} }); play(make());",
  'two.ts': 'export interface Gong { strike(): void } export interface Loud extends Gong { louder(): void }',
  'one-gong.ts': "import type { Gong } from './two.js'; export const gong: Gong = { strike() {} };",
  'loud-gong.ts':
    "import type { Loud } from './two.js'; export class LoudGong implements Loud { strike() {} louder() {} }",
  'loud-tam-tam.ts': "import type { Loud } from './two.js'; export const loud: Loud = { strike() {}, louder() {} };",
  'in-place.ts': 'export interface Whistle { call(): void } export const whistle = (): Whistle => ({ call() {} });',
  'callbacks.ts': 'export interface Options { onEnd: () => void }',
  'caller.ts': "import type { Options } from './callbacks.js'; export const options: Options = { onEnd() {} };",
  'boundary.ts': 'export interface Border { cross(): void } export interface Gate { open(): void }',
};

const BOUNDARIES = { 'boundary.ts': ['Border'], 'in-place.ts': ['Whistle'] };

let problems: string[];

beforeAll(async () => {
  const base = mkdtempSync(path.join(tmpdir(), 'ports-'));
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(base, name), text);
  const files = Object.keys(FILES).map((name) => path.join(base, name));
  const given = JSON.stringify([base, files, BOUNDARIES]);
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', RUN, given]);
  problems = JSON.parse(stdout) as string[];
  rmSync(base, { recursive: true });
});

test.each([
  ['only one class implements it', /^by-class\.ts: Bell has one implementation \(iron-bell\.ts\)/],
  ['only one object implements it', /^by-object\.ts: Horn has one implementation \(tin-horn\.ts\)/],
  ['its one implementation does not name it', /^unnamed\.ts: Drum has one implementation \(which does not name it\)/],
  ['its file has another boundary that is listed', /^boundary\.ts: Gate /],
])('lint refuses a port if %s', (_, message) => {
  expect(problems.filter((problem) => message.test(problem))).toHaveLength(1);
});

test.each([
  ['an interface that two objects or classes implement', /Gong|Loud/],
  ['the interface of what its own file makes', /^in-place\.ts/],
  ['callbacks among options', /^callbacks\.ts/],
  ['a port at a listed boundary', /Border/],
])('lint accepts %s', (_, message) => {
  expect(problems.filter((problem) => message.test(problem))).toEqual([]);
});

test('lint refuses a listed boundary that is no port', () => {
  expect(problems).toContain('scripts/check-ports.mjs lists a boundary that is no port: Whistle of in-place.ts');
});
