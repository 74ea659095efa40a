import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';

import { StartupError, toError } from './errors.js';

/**
 * Makes a directory and its parents, each with `mode`; existing ones are not changed. Each level is a call of its own,
 * since the recursive call of Node.js never returns for a parent that exists but gives ENOENT for new entries, as
 * `/proc` does.
 * @throws StartupError that begins with `setting`, which the operator can change.
 */
export function makeDirectory(dir: string, { setting, mode }: { setting: string; mode: number }): void {
  const missing: string[] = [];
  for (let at = path.resolve(dir); !existsSync(at) && path.dirname(at) !== at; at = path.dirname(at))
    missing.unshift(at);
  try {
    for (const level of missing) makeOne(level, mode);
    if (!statSync(dir).isDirectory()) throw new Error('it is not a directory');
  } catch (cause) {
    throw new StartupError(`${setting}: cannot write to ${dir}: ${toError(cause).message}`, { cause });
  }
}

function makeOne(dir: string, mode: number): void {
  try {
    mkdirSync(dir, { mode });
  } catch (cause) {
    const isMadeMeanwhile = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST' && existsSync(dir);
    if (!isMadeMeanwhile) throw cause;
  }
}
