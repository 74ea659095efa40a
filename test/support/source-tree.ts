import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../../', import.meta.url);

/** Paths of the files below a folder of the repository, relative to the repository, whose names end with `ending`. */
export function filesOf(folder: string, ending: string): string[] {
  return readdirSync(new URL(`${folder}/`, ROOT), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name}`)
    .sort();
}

/** The text of a file of the repository. */
export function sourceOf(file: string): string {
  return readFileSync(new URL(file, ROOT), 'utf8');
}
