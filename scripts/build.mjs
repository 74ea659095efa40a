// Compiles with tsc and copies what tsc does not (SQL, Lua), so that build/ can run by itself.
import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const tsc = path.join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(process.execPath, [tsc, '-p', root], { stdio: 'inherit', cwd: root });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
cpSync(path.join(root, 'src'), path.join(root, 'build', 'src'), {
  recursive: true,
  filter: (source) => !source.endsWith('.ts'),
});
