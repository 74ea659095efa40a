import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const SCRIPT = fileURLToPath(new URL('../../../scripts/check-names.mjs', import.meta.url));
const RUN = `
import { fileNameProblems, typeNameProblems } from ${JSON.stringify(SCRIPT)};
const [base] = process.argv.slice(1);
console.log(JSON.stringify({ files: fileNameProblems(base, ['src']), types: typeNameProblems(base, 'src') }));
`;

const FILES: Record<string, string> = {
  'src/alarm/types/event.ts': 'export interface Rule {\n}\n',
  'src/api/rule.ts': "import type { Rule } from '../alarm/types/event.js';\ntype Held = Rule;\n",
  'src/api/answer.ts': 'interface Held {}\nexport class Answer {}\nexport const Answered = 1;\n',
  'src/api/Answered.ts': 'const Answered = 2;\nexport type Body = typeof Answered;\n',
  'src/api/utils.ts': 'export abstract class Answer {}\n',
};

describe('the check of names', () => {
  let base: string;
  let problems: { files: string[]; types: string[] };

  beforeAll(async () => {
    base = mkdtempSync(path.join(tmpdir(), 'names-'));
    for (const [name, text] of Object.entries(FILES)) {
      mkdirSync(path.dirname(path.join(base, name)), { recursive: true });
      writeFileSync(path.join(base, name), text);
    }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', RUN, base]);
    problems = JSON.parse(stdout) as typeof problems;
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  test('refuses drawers and names that are not in kebab-case, but not the folder of the kinds of alarm', () => {
    expect(problems.files.sort()).toEqual([
      'src/api/Answered.ts: names are kebab-case',
      'src/api/utils.ts: name it after what is in it',
    ]);
  });

  test('refuses a type with the name of a type in another file', () => {
    expect(problems.types.sort()).toEqual([
      'Answer is a type of src/api/answer.ts and of src/api/utils.ts: give one of them another name',
      'Held is a type of src/api/answer.ts and of src/api/rule.ts: give one of them another name',
    ]);
  });
});
