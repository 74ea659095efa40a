// Drawers collect what nobody could name: files and folders with these names are refused.
import { readdirSync } from 'node:fs';
import path from 'node:path';

import { root } from './prepare.mjs';

const DRAWERS = /^(utils?|helpers?|common|shared|lib|misc|services|interfaces|types|constants)$/;
/** The one folder of that name that means something: the kinds of alarm. */
const MEANT = new Set(['src/alarm/types', 'test/alarm/types']);
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;

const problems = [...walk('src'), ...walk('test')];
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exit(problems.length > 0 ? 1 : 0);

function walk(folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    const word = entry.name.replace(/\.[^.]+$/, '');
    const found = [];
    if (DRAWERS.test(word) && !MEANT.has(name)) found.push(`${name}: name it after what is in it`);
    if (!KEBAB_CASE.test(entry.name)) found.push(`${name}: names are kebab-case`);
    return entry.isDirectory() ? [...found, ...walk(name)] : found;
  });
}
