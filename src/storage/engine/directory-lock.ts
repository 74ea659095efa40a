import { existsSync, readFileSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
// eslint-disable-next-line no-restricted-imports -- whether the process that holds a lock still lives is a question
// about processes
import process from 'node:process';
import lockfile from 'proper-lockfile';

import { StartupError, toError } from '../../errors.js';
import { makeDirectory } from '../../make-directory.js';

/** Which process holds a lock: its number alone is not enough, since numbers are used again. */
interface Owner {
  pid: number;
  startTime: string | null;
}

/**
 * The lock's age decides nothing: a process that is suspended, or whose clock jumps, still owns its data. So it is
 * refreshed rarely, too.
 */
const NEVER_STALE_MS = 7 * 24 * 3_600_000;
const RETRY_MS = 300;
const RETRIES = 3;

/**
 * Takes an exclusive lock on a directory, which it makes where it is missing. A lock whose process is gone is taken
 * over at once.
 * @throws StartupError when the directory cannot be written, or another process has it.
 */
export async function lockDirectory(dir: string, onLost: (cause: Error) => void): Promise<() => Promise<void>> {
  makeDirectory(dir, { setting: 'database.data_dir', mode: 0o700 });
  const lockPath = path.join(dir, 'lock');
  const ownerPath = path.join(dir, 'lock.owner');
  let release: () => Promise<void>;
  try {
    freeIfDead(lockPath, ownerPath);
    release = await lockfile.lock(dir, {
      lockfilePath: lockPath,
      stale: NEVER_STALE_MS,
      onCompromised: onLost,
      retries: { retries: RETRIES, factor: 1, minTimeout: RETRY_MS },
    });
    writeFileSync(ownerPath, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) } satisfies Owner));
  } catch (cause) {
    const problem =
      codeOf(cause) === 'ELOCKED'
        ? `is in use by another Tocsin process${ownerText(ownerPath)}`
        : `cannot be locked: ${toError(cause).message}`;
    throw new StartupError(`database.data_dir: ${dir} ${problem}`, { cause });
  }
  return async () => {
    rmSync(ownerPath, { force: true });
    await release();
  };
}

/** Whether that is why a directory could not be locked: another process works with it. */
export function isDirectoryInUse(thrown: unknown): boolean {
  return thrown instanceof StartupError && codeOf(thrown.cause) === 'ELOCKED';
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

/**
 * Removes what a process that is gone has left. Whoever moves its owner file away does it, so that two that start at
 * once do not both.
 */
function freeIfDead(lockPath: string, ownerPath: string): void {
  const text = readOrNull(ownerPath);
  if (text === null || !existsSync(lockPath)) return;
  const owner = JSON.parse(text) as Owner;
  if (isAlive(owner)) return;
  const aside = `${ownerPath}.${process.pid}`;
  renameSync(ownerPath, aside);
  const isStillTheDeadOnes = readOrNull(aside) === text;
  if (isStillTheDeadOnes) rmdirSync(lockPath);
  else renameSync(aside, ownerPath);
  rmSync(aside, { force: true });
}

function isAlive({ pid, startTime }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return false;
  }
  return startTimeOf(pid) === startTime;
}

/** When a process started, in the kernel's ticks; null where there is no /proc, so that its number alone must do. */
function startTimeOf(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  // The name of the program, in parentheses, may hold blanks; what is counted begins behind it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function ownerText(ownerPath: string): string {
  const text = readOrNull(ownerPath);
  return text === null ? '' : ` (pid ${(JSON.parse(text) as Owner).pid})`;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null; // not there, which is all that is asked
  }
}
