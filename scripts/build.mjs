// Compiles with tsc, copies what tsc does not (SQL, Lua, the files of /docs), and removes what has lost its source, so
// that build/ can run by itself.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const COMPILED = ['src', 'dev', 'test', 'examples', 'bench', 'security'];
/** What /docs serves of swagger-ui-dist, and its licences. The package itself would bring one with telemetry. */
const PAGE_FILES = [
  ...['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'],
  ...['swagger-ui-bundle.js.LICENSE.txt', 'LICENSE', 'NOTICE'],
];

const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit', cwd: root });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
cpSync(path.join(root, 'src'), path.join(root, 'build', 'src'), {
  recursive: true,
  filter: (source) => !source.endsWith('.ts'),
});
for (const folder of COMPILED) removeOrphans(folder);
copyPageFiles();

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
    const source = path.join(root, entry.isDirectory() ? name : name.replace(/\.js(\.map)?$/, '.ts'));
    if (!existsSync(source)) rmSync(path.join(root, 'build', name), { recursive: true });
    else if (entry.isDirectory()) removeOrphans(name);
  }
}
