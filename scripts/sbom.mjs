// Writes the software bill of materials (CycloneDX) of the program to the file that is named, or to standard output:
// npm's own list of the packages that are installed with it, and the packages of which the build copies files.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';

import { COPIED } from './check-packages.mjs';
import { root } from './prepare.mjs';

const FORMAT = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'];

const bill = billOf('--omit', 'dev');
const { components } = billOf();
const copied = components.filter(({ name }) => COPIED.includes(name));
bill.components.push(...copied.map((component) => ({ ...component, scope: 'required', properties: [] })));
bill.metadata.component.name = 'tocsin'; // npm takes the name of the folder
const text = `${JSON.stringify(bill, null, 2)}\n`;
const [file] = process.argv.slice(2);
if (file === undefined) process.stdout.write(text);
else writeFileSync(file, text);

function billOf(...options) {
  const { status, error, stdout, stderr } = spawnSync('npm', [...FORMAT, ...options], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  if (status !== 0) throw new Error(`npm sbom ended with ${status}\n${stderr}`);
  return JSON.parse(stdout);
}
