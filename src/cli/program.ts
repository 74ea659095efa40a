import { Option, type Command } from 'commander';

import type { Flag } from '../config/load.js';
import type { ApiKeyOptions } from './apikey.js';
import { createCommandLine, runCommandLine } from './command-line.js';
import { addImport } from './import/command.js';
import type { ConfigFlags, Terminal } from './terminal.js';
import { version } from './version.js';

interface CommonOptions {
  config?: string;
  roles?: string;
  port?: string;
  dataDir?: string;
  interval?: string;
  logLevel?: string;
  set: string[];
  quiet?: boolean;
}

const FLAG_OPTIONS = {
  roles: 'roles',
  port: 'api.port',
  dataDir: 'database.data_dir',
  interval: 'evaluator.interval',
  logLevel: 'log.level',
} as const satisfies Partial<Record<keyof CommonOptions, string>>;

const EXAMPLES = `
In a hurry:
  tocsin serve                                     everything in one process, data in ./data, API on http://127.0.0.1:8042
  tocsin serve --port 8080 --interval 10s          another port, alarms evaluated every 10 seconds
  tocsin serve --config tocsin.yaml --roles api    one role of several processes that share PostgreSQL and Redis
  tocsin apikey create --project demo              a key for programs of that project, where auth.mode is apikey
  tocsin config --config tocsin.yaml               what is in force, and where it comes from
  tocsin import --help                             bring alarms over from Aodh

Every option can also be set as TOCSIN_<SECTION>_<KEY>, for example TOCSIN_API_PORT=8080. config/default.yaml explains
them all.`;

/**
 * Runs the command that `argv` (without node and script) asks for and resolves with the exit code.
 * Rejects with what the command rejects with; wrong usage is explained on `terminal.err` and gives 2.
 */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  let exitCode = 0;
  const program = createProgram(terminal, (code) => (exitCode = code));
  const usage = await runCommandLine(program, argv.length === 0 ? ['--help'] : argv);
  return usage === 0 ? exitCode : usage;
}

function createProgram(terminal: Terminal, done: (exitCode: number) => void): Command {
  const program = createCommandLine('tocsin', terminal)
    .description(
      'Tocsin evaluates alarms and calls webhooks when their state changes. It speaks the API of OpenStack Aodh.',
    )
    .version(version(), '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES);
  withConfig(program.command('serve').description('run the service, in the roles that are configured'))
    .option('-q, --quiet', 'print no hints to standard output; logs go on')
    .action(async (options: CommonOptions) => {
      const { serve } = await import('./serve.js');
      done(await serve({ ...configFlags(options), quiet: options.quiet === true }, terminal));
    });
  withConfig(program.command('migrate').description('bring the schema of the database up to date, then end')).action(
    async (options: CommonOptions) => {
      const { migrateCommand } = await import('./migrate.js');
      await migrateCommand(configFlags(options), terminal);
    },
  );
  withConfig(program.command('config').description('print the configuration in force as YAML, secrets masked')).action(
    async (options: CommonOptions) => {
      const { configCommand } = await import('./config.js');
      configCommand(configFlags(options), terminal);
    },
  );
  addApiKey(program, terminal);
  addImport(program, terminal, done);
  return program;
}

function addApiKey(program: Command, terminal: Terminal): void {
  const apiKey = program
    .command('apikey')
    .description('keys with which programs ask the API, where auth.mode takes them');
  withDatabase(apiKey.command('create').description('make a key, and print it this once'))
    .option('--project <id>', 'project that the key acts for')
    .option('--user <id>', 'user that the key acts as; by default one of its own')
    .option('--role <name>', 'reader, member or admin', 'member')
    .option('--all-projects', 'admin of everything, not of one project only; with --role admin')
    .option('--expires-in <duration>', 'how long it is good, for example 90d; by default until it is revoked')
    .option('--description <text>', 'what it is for', '')
    .action(async (options: CommonOptions & ApiKeyOptions) => {
      const { createApiKeyCommand } = await import('./apikey.js');
      await createApiKeyCommand(options, configFlags(options), terminal);
    });
  withDatabase(apiKey.command('list').description('show all keys, without their secrets'))
    .option('--project <id>', 'only those of a project')
    .action(async (options: CommonOptions & { project?: string }) => {
      const { listApiKeysCommand } = await import('./apikey.js');
      await listApiKeysCommand(options.project, configFlags(options), terminal);
    });
  withDatabase(
    apiKey.command('revoke').description('end a key').argument('<id>', 'the first part of the key, without ak_'),
  ).action(async (id: string, options: CommonOptions) => {
    const { revokeApiKeyCommand } = await import('./apikey.js');
    await revokeApiKeyCommand(id, configFlags(options), terminal);
  });
}

function withConfig(command: Command): Command {
  return withDatabase(
    command
      .option('--roles <list>', 'api, evaluator, notifier, separated by commas')
      .option('--port <number>', 'port of the API')
      .option('--interval <duration>', 'how often alarms are evaluated, for example 10s'),
  );
}

/** For commands that work on the database alone. */
function withDatabase(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (YAML); also TOCSIN_CONFIG')
    .option('--data-dir <path>', 'directory of the embedded database')
    .option('--log-level <level>', 'debug, info, warn or error')
    .addOption(
      new Option('--set <option=value>', 'any other option, for example --set notifier.policy=every; may be repeated')
        .argParser((text: string, before: string[]) => [...before, text])
        .default([], 'none'),
    );
}

function configFlags(options: CommonOptions): ConfigFlags {
  const flags: Flag[] = [];
  for (const [key, name] of Object.entries(FLAG_OPTIONS)) {
    const text = options[key as keyof typeof FLAG_OPTIONS];
    if (text !== undefined)
      flags.push({ name, text, origin: `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}` });
  }
  for (const setting of options.set) {
    const at = setting.indexOf('=');
    const name = at < 0 ? setting : setting.slice(0, at);
    flags.push({ name, text: at < 0 ? '' : setting.slice(at + 1), origin: `--set ${name}` });
  }
  return { flags, ...(options.config === undefined ? {} : { config: options.config }) };
}
