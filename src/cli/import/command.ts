import type { Command } from 'commander';

import type { Terminal } from '../terminal.js';

interface ImportOptions {
  to: string;
  activate?: true;
  project?: string;
  alarm?: string[];
}

const NOTES = `
Examples:
  tocsin import aodh --from http://aodh:8042          copy all alarms, muted; safe to repeat
  tocsin import compare --with http://aodh:8042       list alarms whose states differ
  tocsin import --activate                            run their actions from now on (stop Aodh's evaluator first)

Both services need the credentials of an admin, in environment variables:
  Aodh      AODH_TOKEN or OS_TOKEN (a Keystone token); for Aodh's noauth mode AODH_USER_ID, AODH_PROJECT_ID, AODH_ROLES
  Tocsin    TOCSIN_API_KEY, TOCSIN_TOKEN or OS_TOKEN; nothing for auth.mode noauth`;
const LOCAL_URL = 'http://127.0.0.1:8042';

/** Adds `tocsin import` and its subcommands. */
export function addImport(program: Command, terminal: Terminal, done: (exitCode: number) => void): void {
  const command = program
    .command('import')
    .description('import alarms from Aodh, compare their states, and activate them')
    .option('--activate', 'run the actions of imported alarms from now on')
    .option('--project <id>', 'with --activate: alarms of this project only')
    .option('--alarm <id...>', 'with --activate: these alarms only')
    .option('--to <url>', 'URL of Tocsin', LOCAL_URL)
    .addHelpText('after', NOTES);
  command.action(async (options: ImportOptions) => {
    if (!options.activate) command.error('error: one of aodh, compare and --activate is required', { exitCode: 2 });
    const { activateImported } = await import('./activate.js');
    const { project, alarm: alarms = [] } = options;
    done(await activateImported(await tocsin(options.to, terminal), { project, alarms }, terminal));
  });
  command
    .command('aodh')
    .description(
      'copy all alarms of an Aodh, with id, owner, state and timestamps; they are muted until they are activated',
    )
    .requiredOption('--from <url>', 'URL of Aodh')
    .action(async ({ from }: { from: string }) => {
      refuseActivation(command);
      const { importAodh } = await import('./import-aodh.js');
      done(
        await importAodh(
          await aodh(from, terminal),
          await tocsin(command.opts<ImportOptions>().to, terminal),
          terminal,
        ),
      );
    });
  command
    .command('compare')
    .description('list alarms whose states differ; exit code 1 if there are any')
    .requiredOption('--with <url>', 'URL of Aodh')
    .action(async (options: { with: string }) => {
      refuseActivation(command);
      const { compareStates } = await import('./compare.js');
      const here = await tocsin(command.opts<ImportOptions>().to, terminal);
      done(await compareStates(await aodh(options.with, terminal), here, terminal));
    });
}

/** Refuses options that `aodh` and `compare` do not have. */
function refuseActivation(command: Command): void {
  const given = (['activate', 'project', 'alarm'] as const).find(
    (name) => command.opts<Partial<ImportOptions>>()[name] !== undefined,
  );
  if (given !== undefined) command.error(`error: --${given} can be used with import --activate only`, { exitCode: 2 });
}

async function aodh(url: string, { environment, stop: signal }: Terminal) {
  const [{ connectTo }, { aodhHeaders }] = await Promise.all([
    import('./alarm-service.js'),
    import('./credentials.js'),
  ]);
  return connectTo({ name: 'Aodh', url, headers: aodhHeaders(environment), signal });
}

async function tocsin(url: string, { environment, stop: signal }: Terminal) {
  const [{ connectTo }, { tocsinHeaders }] = await Promise.all([
    import('./alarm-service.js'),
    import('./credentials.js'),
  ]);
  return connectTo({ name: 'Tocsin', url, headers: tocsinHeaders(environment), signal });
}
