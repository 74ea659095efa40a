import { readFileSync, readdirSync } from 'node:fs';

const FOLDER = new URL('./lua/', import.meta.url);

/** A script and the number of its arguments that are keys: the number at the end of its file name. */
export interface LuaScript {
  text: string;
  keyCount: number;
}

/** Reads a script of the folder `lua/`. */
export function loadLuaScript(name: string): LuaScript {
  const file = readdirSync(FOLDER).find((candidate) => candidate.replace(/-\d+\.lua$/, '') === name);
  if (file === undefined) throw new Error(`no Lua script is named ${name}`);
  return { text: readFileSync(new URL(file, FOLDER), 'utf8'), keyCount: Number(/-(\d+)\.lua$/.exec(file)?.[1]) };
}
