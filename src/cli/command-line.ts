import { Command, CommanderError } from 'commander';

import type { Terminal } from './terminal.js';

const WRONG_USAGE = 2;

/** A commander program that writes to the terminal and throws instead of ending the process. */
export function createCommandLine(name: string, terminal: Terminal): Command {
  return new Command(name)
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showSuggestionAfterError();
}

/**
 * Runs the action that `argv` (without node and script) names. Resolves to 0, or to 2 for wrong usage, which commander
 * explains on the terminal. Rejects with the error of the action.
 */
export async function runCommandLine(program: Command, argv: readonly string[]): Promise<number> {
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) throw thrown;
    return thrown.exitCode === 0 ? 0 : WRONG_USAGE;
  }
}
