// Runs a program together with all processes that it starts, and leaves none of them behind, whatever ends the run.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** Time for servers to stop after SIGTERM, before SIGKILL. */
const GRACE_MS = 10_000;
const POLL_MS = 50;

/**
 * Runs a program in a process group of its own, so that Ctrl-C in the terminal reaches only this process. A signal to
 * this process ends the program and its descendants. Resolves when none is left, with the exit code of the program, or
 * 128 + the number of the signal. `kill -9` of this process ends the program, which has to end its descendants.
 */
export async function runProcessGroup(command, args, options) {
  const child = spawn(...tied(command, args), { ...options, detached: true });
  let interruption;
  const interrupt = (signal) => {
    interruption ??= { status: 128 + constants.signals[signal], ended: endProcessGroup(child.pid) };
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  try {
    const [status] = await once(child, 'exit');
    await (interruption?.ended ?? endProcessGroup(child.pid));
    return interruption?.status ?? status;
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt);
  }
}

/** The kernel sends SIGTERM to the program when this process has ended. Needs `setpriv` of util-linux (Linux). */
function tied(command, args) {
  const canTie = spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  return canTie ? ['setpriv', ['--pdeathsig', 'TERM', '--', command, ...args]] : [command, args];
}

async function endProcessGroup(leader) {
  const members = membersOf(leader);
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    signalAll(leader, members, signal);
    for (let waited = 0; isAnyRunning(leader, members) && waited < GRACE_MS; waited += POLL_MS) await sleep(POLL_MS);
  }
}

function signalAll(leader, members, signal) {
  trySignal(-leader, signal);
  // Descendants with a process group of their own.
  for (const member of members) if (isRunning(member)) trySignal(member.pid, signal);
}

function trySignal(pid, signal) {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // it has ended
  }
}

function isAnyRunning(leader, members) {
  if (!existsSync('/proc/self/stat')) return trySignal(-leader, 0);
  return members.some(isRunning) || processes().some(({ group }) => group === leader);
}

/** The processes of the group, and all descendants of its leader. Without a /proc: none. */
function membersOf(leader) {
  const all = processes();
  const found = all.filter(({ pid, group }) => pid === leader || group === leader);
  // The loop reaches the members that it adds.
  for (const { pid } of found) found.push(...all.filter((other) => other.parent === pid && !found.includes(other)));
  return found;
}

function isRunning({ pid, startedAt }) {
  return readProcess(pid)?.startedAt === startedAt;
}

function processes() {
  if (!existsSync('/proc/self/stat')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readProcess)
    .filter((found) => found !== undefined);
}

/** Undefined when it has ended, also when its parent has not taken note of that. */
function readProcess(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name of the program, in parentheses, may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z') return undefined;
  return { pid: Number(pid), parent: Number(fields[1]), group: Number(fields[2]), startedAt: fields[19] };
}
