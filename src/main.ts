#!/usr/bin/env node
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

import { runProgram } from './cli/program.js';
import { ConfigError } from './config/problem.js';
import { StartupError, toError } from './errors.js';

const INTERRUPTED = 130;

const stop = new AbortController();
let askedToStop = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal ends the process at once: the clean end takes too long for the sender.
    if (askedToStop) exit(INTERRUPTED);
    askedToStop = true;
    stop.abort(signal);
  });
}
const terminals = [0, 1, 2].filter((descriptor) => isatty(descriptor));
let isTerminalClosed = false;
// The kernel and the shell both send SIGHUP for a closed terminal, so a second one is ignored.
process.on('SIGHUP', () => {
  isTerminalClosed = true;
  stop.abort('SIGHUP');
});
// Output to a closed terminal or pipe fails. This must not prevent a clean end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('uncaughtException', (error) => endBadly('uncaught exception', error));
process.on('unhandledRejection', (reason) => endBadly('unhandled rejection', toError(reason)));

try {
  const exitCode = await runProgram(process.argv.slice(2), {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    environment: process.env,
    stop: stop.signal,
  });
  // A forgotten handle must not keep a process that has finished.
  exit(exitCode);
} catch (thrown) {
  const error = toError(thrown);
  const explained = error instanceof StartupError || error instanceof ConfigError;
  process.stderr.write(`tocsin: ${explained ? error.message : (error.stack ?? error.message)}\n`);
  exit(1);
}

/** The state of the process is unknown now: say so in the form of the logs, and let the supervisor start another. */
function endBadly(message: string, error: Error): void {
  process.stderr.write(`${JSON.stringify({ level: 'error', message, err: { message: error.message, stack: error.stack } })}\n`);
  exit(1);
}

/** Reopens closed terminals as /dev/null: at its exit Node.js resets its terminals, and aborts if one is closed. */
function exit(code: number): never {
  for (const descriptor of isTerminalClosed ? terminals : []) {
    closeSync(descriptor);
    openSync('/dev/null', 'r+'); // takes the lowest free number: the one that was just closed
  }
  process.exit(code);
}
