// Lists the files of the page /console for the server, which serves these and no others: what the build made of
// src/console/, and what each module imports, so that the modules of the first view are named in the page.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SERVED = /\.(js|css|svg)$/;
/** Statements of static imports, as the compiler writes them. Dynamic ones load later. */
const IMPORT = /^(?:import|(?:import|export)\b[^'"();=]*\bfrom) ['"]([^'"]+)['"];?$/gm;

/**
 * Imports of each file by its name, FOLDER/FILE. An import is such a name, the name of a package, or
 * `client/FILE` for the typed client.
 */
export function consoleFiles(folder) {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => readdirSync(path.join(folder, entry.name)).map((file) => `${entry.name}/${file}`))
    .filter((name) => SERVED.test(name))
    .sort();
  return Object.fromEntries(names.map((name) => [name, name.endsWith('.js') ? importsOf(folder, name) : []]));
}

function importsOf(folder, name) {
  const text = readFileSync(path.join(folder, name), 'utf8');
  return [...text.matchAll(IMPORT)].map(([, imported]) => {
    if (!imported.startsWith('.')) return imported;
    return path.posix.join(path.posix.dirname(name), imported).replace(/^\.\.\//, '');
  });
}
