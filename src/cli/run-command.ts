import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

import { ConfigError } from '../config/problem.js';
import { StartupError, toError } from '../errors.js';
import { maskSecrets } from '../logger.js';
import type { Terminal } from './terminal.js';

const INTERRUPTED = 130;

const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
let isTerminalClosed = false;

/**
 * Runs a command with the arguments, streams and signals of this process, and ends the process with the exit code that
 * it resolves with. A rejection is printed on standard error, after `name`, and the exit code is 1.
 */
export async function runCommand(
  name: string,
  command: (argv: readonly string[], terminal: Terminal) => Promise<number>,
): Promise<never> {
  const { stop, onHangup } = signals();
  // Output to a closed terminal or pipe fails. This must not prevent a clean end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.on('uncaughtException', (error) => endBadly('uncaught exception', error));
  process.on('unhandledRejection', (reason) => endBadly('unhandled rejection', toError(reason)));
  try {
    const exitCode = await command(process.argv.slice(2), {
      out: (text) => process.stdout.write(text),
      err: (text) => process.stderr.write(text),
      environment: process.env,
      stop,
      onHangup: terminals.length === 0 ? onHangup : undefined,
    });
    // A forgotten handle must not keep a process that has finished.
    return exit(exitCode);
  } catch (thrown) {
    const error = toError(thrown);
    const isExpected = error instanceof StartupError || error instanceof ConfigError;
    process.stderr.write(maskSecrets(`${name}: ${isExpected ? error.message : (error.stack ?? error.message)}\n`));
    return exit(1);
  }
}

/**
 * `stop` aborts at SIGINT, SIGTERM, and SIGHUP unless it has a handler. A second SIGINT or SIGTERM ends the process at
 * once.
 */
function signals(): { stop: AbortSignal; onHangup: (handler: () => void) => void } {
  const stop = new AbortController();
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) exit(INTERRUPTED);
      isStopping = true;
      stop.abort(signal);
    });
  }
  // The kernel and the shell both send SIGHUP for a closed terminal, so a second one is ignored.
  let hangUp = (): void => {
    isTerminalClosed = true;
    stop.abort('SIGHUP');
  };
  process.on('SIGHUP', () => hangUp());
  return { stop: stop.signal, onHangup: (handler) => (hangUp = handler) };
}

/**
 * Ends the process, since its state is unknown. The message has the form of a log line. Properties and causes of the
 * error are left out: libraries attach requests, with their headers.
 */
function endBadly(message: string, error: Error): void {
  const line = JSON.stringify({ level: 'error', message, err: { message: error.message, stack: error.stack } });
  process.stderr.write(`${maskSecrets(line)}\n`);
  exit(1);
}

/** Reopens closed terminals as /dev/null, since Node.js resets its terminals at exit and aborts if one is closed. */
function exit(code: number): never {
  for (const descriptor of isTerminalClosed ? terminals : []) {
    closeSync(descriptor);
    openSync('/dev/null', 'r+'); // takes the lowest free number: the one that was just closed
  }
  process.exit(code);
}
