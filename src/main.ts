#!/usr/bin/env node
import { runProgram } from './cli/program.js';
import { ConfigError } from './config/problem.js';
import { StartupError, toError } from './errors.js';

const INTERRUPTED = 130;

const stop = new AbortController();
let askedToStop = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // A second signal means that a clean end takes too long.
    if (askedToStop) process.exit(INTERRUPTED);
    askedToStop = true;
    stop.abort(signal);
  });
}
// The terminal was closed. The kernel and the shell both say so: a second one means nothing.
process.on('SIGHUP', () => stop.abort('SIGHUP'));
// Output to a closed terminal or pipe fails; that must not keep the process from ending in order.
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
  process.exit(exitCode);
} catch (thrown) {
  const error = toError(thrown);
  const explained = error instanceof StartupError || error instanceof ConfigError;
  process.stderr.write(`tocsin: ${explained ? error.message : (error.stack ?? error.message)}\n`);
  process.exit(1);
}

/** The state of the process is unknown now: say so in the form of the logs, and let the supervisor start another. */
function endBadly(message: string, error: Error): void {
  process.stderr.write(`${JSON.stringify({ level: 'error', message, err: { message: error.message, stack: error.stack } })}\n`);
  process.exit(1);
}
