import { existsSync, readFileSync, renameSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
// eslint-disable-next-line no-restricted-imports -- the lock depends on whether the process that holds it is alive
import process from 'node:process';
import lockfile from 'proper-lockfile';

import { StartupError, toError } from '../../errors.js';
import { makeDirectory } from '../../make-directory.js';

/** The process that holds a lock. Its id is not enough, since the operating system reuses ids. */
interface LockOwner {
  pid: number;
  /** Ticks of the kernel's clock; null without /proc. */
  startTime: string | null;
}

/**
 * The age of a lock must not decide: a process that is suspended, or whose clock jumps, still owns its data. So locks
 * practically never become stale, and are refreshed rarely.
 */
const NEVER_STALE_MS = 7 * 24 * 3_600_000;
const RETRY_MS = 300;
const RETRIES = 3;

/**
 * Locks a directory exclusively, and creates it if it is missing. A lock whose process has ended is replaced at once.
 * Returns a function that releases the lock. `onLost` is called if the lock is lost later.
 * @throws StartupError when the directory cannot be written, or another process holds the lock.
 */
export async function lockDirectory(dir: string, onLost: (cause: Error) => void): Promise<() => Promise<void>> {
  makeDirectory(dir, { setting: 'database.data_dir', mode: 0o700 });
  const lockPath = path.join(dir, 'lock');
  const ownerPath = path.join(dir, 'lock.owner');
  let release: () => Promise<void>;
  try {
    removeDeadLock(lockPath, ownerPath);
    release = await lockfile.lock(dir, {
      lockfilePath: lockPath,
      stale: NEVER_STALE_MS,
      onCompromised: onLost,
      retries: { retries: RETRIES, factor: 1, minTimeout: RETRY_MS },
    });
    writeFileSync(
      ownerPath,
      JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) } satisfies LockOwner),
    );
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

/** Returns true if `lockDirectory` failed because another process holds the lock. */
export function isDirectoryInUse(thrown: unknown): boolean {
  return thrown instanceof StartupError && codeOf(thrown.cause) === 'ELOCKED';
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}

/**
 * Removes the lock of a process that has ended. It renames the owner file first: of two processes that start at the
 * same time, only the one whose rename succeeds removes the lock.
 */
function removeDeadLock(lockPath: string, ownerPath: string): void {
  const text = readOrNull(ownerPath);
  if (text === null || !existsSync(lockPath)) return;
  const owner = JSON.parse(text) as LockOwner;
  if (isAlive(owner)) return;
  const aside = `${ownerPath}.${process.pid}`;
  renameSync(ownerPath, aside);
  const isOfDeadProcess = readOrNull(aside) === text;
  if (isOfDeadProcess) rmdirSync(lockPath);
  else renameSync(aside, ownerPath);
  rmSync(aside, { force: true });
}

function isAlive({ pid, startTime }: LockOwner): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ESRCH') return false;
  }
  return startTimeOf(pid) === startTime;
}

/** Returns the start time of a process in ticks of the kernel's clock; null without /proc. */
function startTimeOf(pid: number): string | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  // The program name, in parentheses, may contain blanks. The fields to count start after it.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function ownerText(ownerPath: string): string {
  const text = readOrNull(ownerPath);
  return text === null ? '' : ` (pid ${(JSON.parse(text) as LockOwner).pid})`;
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null; // the file does not exist
  }
}
