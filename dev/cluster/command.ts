import { InvalidArgumentError } from 'commander';

import { createCommandLine, runCommandLine } from '../../src/cli/command-line.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { PORTS, wholeNumber } from '../../src/cli/whole-number.js';
import { duration } from '../../src/config/duration.js';
import type { Environment } from '../../src/config/environment.js';
import { StartupError, toError } from '../../src/errors.js';
import { runCluster } from './cluster.js';

interface ClusterOptions {
  port?: number;
  evaluators: number;
  notifiers: number;
  interval?: string;
  dataDir: string;
  restart?: boolean;
}

const DEFAULT_PORT = 8042;
const DEFAULT_INTERVAL = '10s';
const PROCESSES = { min: 1, max: 50 };

/** `npm run cluster`. Flags override environment variables. Resolves to the exit code, which is 2 for wrong usage. */
export async function runClusterCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createCommandLine('npm run cluster --', terminal)
    .description('run PostgreSQL, Redis and several processes of the service on this machine, to try things out')
    .option('--port <number>', `port of the API; also TOCSIN_API_PORT (default: ${DEFAULT_PORT})`, wholeNumber(PORTS))
    .option('--evaluators <number>', 'number of evaluators', wholeNumber(PROCESSES), 3)
    .option('--notifiers <number>', 'number of notifiers', wholeNumber(PROCESSES), 2)
    .option(
      '--interval <duration>',
      `time between two evaluations of an alarm; also TOCSIN_EVALUATOR_INTERVAL (default: ${DEFAULT_INTERVAL})`,
      interval,
    )
    .option('--data-dir <path>', 'directory for the data of PostgreSQL and Redis', './data/cluster')
    .option('--restart', 'restart processes that have ended; without it, watch the others take over')
    .action(async ({ restart = false, ...options }: ClusterOptions) => {
      const { environment } = terminal;
      const settings = {
        port: options.port ?? variable(environment, 'TOCSIN_API_PORT', wholeNumber(PORTS)) ?? DEFAULT_PORT,
        interval: options.interval ?? variable(environment, 'TOCSIN_EVALUATOR_INTERVAL', interval) ?? DEFAULT_INTERVAL,
      };
      exitCode = await runCluster({ ...options, ...settings, restart, terminal });
    });
  const usage = await runCommandLine(program, argv);
  return usage === 0 ? exitCode : usage;
}

function interval(text: string): string {
  const parsed = duration(DEFAULT_INTERVAL, { min: '400ms', max: '1h' }).safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`${parsed.error.issues[0]?.message ?? 'Not a duration'}.`);
  return text;
}

/** An empty variable counts as unset. @throws StartupError that names the variable. */
function variable<Value>(environment: Environment, name: string, read: (text: string) => Value): Value | undefined {
  const text = environment[name] ?? '';
  if (text === '') return undefined;
  try {
    return read(text);
  } catch (cause) {
    throw new StartupError(`${name}: ${toError(cause).message} Got ${JSON.stringify(text)}`, { cause });
  }
}
