import { createCommandLine, runCommandLine } from '../../src/cli/command-line.js';
import type { Terminal } from '../../src/cli/terminal.js';
import { wholeNumber } from '../../src/cli/whole-number.js';
import { StartupError } from '../../src/errors.js';
import { randomMoments } from '../support/moments.js';
import { ALL_KINDS, SMOKE_KINDS } from './kinds/fault-kinds.js';
import { runFaults } from './run-faults.js';

interface FaultOptions {
  smoke?: boolean;
  minutes: number;
  seed?: number;
  alarms?: number;
  only?: string;
  keep?: boolean;
}

const ALARMS = 300;
const SMOKE_ALARMS = 150;
const MOST_MINUTES = 24 * 60;
const MOST_ALARMS = 10_000;
const MOST_SEED = 2 ** 31 - 2;

/** `npm run faults`. Resolves to the exit code: 1 if a guarantee is broken, or a fault of the smoke had no effect. */
export async function runFaultsCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createCommandLine('npm run faults --', terminal)
    .description('inject faults into a small cluster under load, and check what the service guarantees')
    .option('--smoke', 'inject one fault of each kind that the service is known to pass, within three minutes')
    .option('--minutes <number>', 'time in which faults are injected', wholeNumber({ min: 1, max: MOST_MINUTES }), 30)
    .option('--seed <number>', 'repeat the choice of faults of another run', wholeNumber({ min: 1, max: MOST_SEED }))
    .option(
      '--alarms <number>',
      `number of alarms (default: ${ALARMS}, ${SMOKE_ALARMS} in the smoke)`,
      wholeNumber({ min: 1, max: MOST_ALARMS }),
    )
    .option('--only <kinds>', 'kinds of faults, separated by commas')
    .option('--keep', 'keep the folder with logs and records')
    .action(async ({ smoke = false, minutes, seed, alarms, only, keep = false }: FaultOptions) => {
      const all = only === undefined ? (smoke ? SMOKE_KINDS : ALL_KINDS) : kindsNamed(only);
      const random = randomMoments(seed);
      exitCode = await runFaults({
        kinds: all,
        minutes: smoke ? undefined : minutes,
        random,
        alarms: alarms ?? (smoke ? SMOKE_ALARMS : ALARMS),
        keep,
        terminal,
      });
    });
  const usage = await runCommandLine(program, argv);
  return usage === 0 ? exitCode : usage;
}

function kindsNamed(names: string): typeof ALL_KINDS {
  return names.split(',').map((name) => {
    const kind = ALL_KINDS.find((candidate) => candidate.name === name);
    if (kind === undefined)
      throw new StartupError(`unknown kind ${name}; kinds are ${ALL_KINDS.map((known) => known.name).join(', ')}`);
    return kind;
  });
}
