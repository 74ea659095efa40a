// Compiles with tsc, copies what tsc does not (SQL, Lua, styles, the files of /docs), and removes what has lost its
// source, so that build/ can run by itself.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

import { consoleFiles } from './console-files.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const COMPILED = ['src', 'dev', 'test', 'examples', 'bench', 'security'];
/** Files of the source tree that are no part of the program. */
const NOT_COPIED = /(\.tsx?|\/tsconfig\.json)$/;
/** What /docs serves of swagger-ui-dist, and its licences. The package itself would bring one with telemetry. */
const PAGE_FILES = [
  ...['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'],
  ...['swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE'],
];

const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [tsc, '-b', root], { stdio: 'inherit', cwd: root });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
cpSync(path.join(root, 'src'), path.join(root, 'build', 'src'), {
  recursive: true,
  filter: (source) => !NOT_COPIED.test(source),
});
for (const folder of COMPILED) removeOrphans(folder);
copyPageFiles();
const listed = consoleFiles(path.join(root, 'build', 'src', 'console'));
writeFileSync(path.join(root, 'build', 'src', 'console', 'files.json'), JSON.stringify(listed));

function copyPageFiles() {
  for (const file of PAGE_FILES) {
    const source = path.join(root, 'node_modules', 'swagger-ui-dist', file);
    cpSync(source, path.join(root, 'build', 'src', 'api', 'routes', 'swagger-ui', file));
  }
}

/** A compiled test or a migration whose source is gone would still be run. */
function removeOrphans(folder) {
  const at = path.join(root, 'build', folder);
  if (!existsSync(at)) return;
  for (const entry of readdirSync(at, { withFileTypes: true })) {
    const name = path.join(folder, entry.name);
    if (!hasSource(name)) rmSync(path.join(root, 'build', name), { recursive: true });
    else if (entry.isDirectory()) removeOrphans(name);
  }
}

function hasSource(name) {
  const stem = name.replace(/(\.js|\.js\.map|\.d\.ts)$/, '');
  const sources = stem === name ? [name] : [`${stem}.ts`, `${stem}.tsx`];
  return sources.some((source) => existsSync(path.join(root, source)));
}
