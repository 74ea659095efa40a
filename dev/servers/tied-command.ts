import { spawnSync } from 'node:child_process';

/** A program and its arguments. */
export interface TiedCommand {
  command: string;
  args: string[];
}

/** Signals that the kernel can send at the end of the parent. SIGINT is a fast shutdown of PostgreSQL. */
export type EndSignal = 'INT' | 'TERM' | 'KILL';

let canTie: boolean | undefined;

/**
 * The same command, to be started by this process: the kernel sends it the signal when this process has ended, also by
 * `kill -9`. Needs `setpriv` of util-linux (Linux); without it, the command is unchanged.
 */
export function tiedCommand(command: string, args: readonly string[], signal: EndSignal = 'TERM'): TiedCommand {
  canTie ??= spawnSync('setpriv', ['--pdeathsig', 'TERM', 'true']).status === 0;
  if (!canTie) return { command, args: [...args] };
  return { command: 'setpriv', args: ['--pdeathsig', signal, '--', command, ...args] };
}
