// Two faults of names. Drawers collect what nobody could name: files and folders with these names are refused. And a
// type with the name of another type makes one word mean two things, so a name is declared in one file of src.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { root } from './prepare.mjs';

const DRAWERS = /^(utils?|helpers?|common|shared|lib|misc|services|interfaces|types|constants)$/;
/** The one folder of that name that means something: the kinds of alarm. */
const MEANT = new Set(['src/alarm/types', 'test/alarm/types']);
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;
const DECLARATION = /^(?:export )?(?:abstract )?(?:class|enum|interface|type) ([A-Za-z]\w*)/gm;

/** Problems of the files and folders below these folders. */
export function fileNameProblems(base, folders) {
  return folders.flatMap((folder) =>
    readdirSync(path.join(base, folder), { withFileTypes: true }).flatMap((entry) => {
      const name = `${folder}/${entry.name}`;
      const word = entry.name.replace(/\.[^.]+$/, '');
      return [
        ...(DRAWERS.test(word) && !MEANT.has(name) ? [`${name}: name it after what is in it`] : []),
        ...(KEBAB_CASE.test(entry.name) ? [] : [`${name}: names are kebab-case`]),
        ...(entry.isDirectory() ? fileNameProblems(base, [name]) : []),
      ];
    }),
  );
}

/** Types of the TypeScript files below a folder that have the name of a type in another file. */
export function typeNameProblems(base, folder) {
  const filesByName = new Map();
  for (const file of typescriptFiles(base, folder)) {
    for (const [, name] of readFileSync(path.join(base, file), 'utf8').matchAll(DECLARATION)) {
      filesByName.set(name, (filesByName.get(name) ?? new Set()).add(file));
    }
  }
  return [...filesByName]
    .filter(([, files]) => files.size > 1)
    .map(
      ([name, files]) => `${name} is a type of ${[...files].sort().join(' and of ')}: give one of them another name`,
    );
}

function typescriptFiles(base, folder) {
  return readdirSync(path.join(base, folder), { recursive: true })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => path.join(folder, name));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = [...fileNameProblems(root, ['src', 'test']), ...typeNameProblems(root, 'src')];
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
