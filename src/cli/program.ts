import type { Command } from 'commander';

import type { ApiKeyOptions } from './apikey.js';
import { createCommandLine, runCommandLine } from './command-line.js';
import { configFlags, withConfig, withDatabase, type CommonOptions } from './config-options.js';
import { addImport } from './import/command.js';
import type { Terminal } from './terminal.js';
import { addTransfer } from './transfer/command.js';
import { version } from './version.js';

const EXAMPLES = `
Examples:
  tocsin serve                                     all roles in one process, data in ./data, API on http://127.0.0.1:8042
  tocsin serve --port 8080 --interval 10s          another port, alarms evaluated every 10 seconds
  tocsin serve --config tocsin.yaml --roles api    one role; other processes share the same PostgreSQL and Redis
  tocsin apikey create --project demo              an API key for a project (auth.mode apikey)
  tocsin secrets rotate                            all secrets encrypted with secrets.key, after it was changed
  tocsin config --config tocsin.yaml               the effective configuration, and the origin of each value
  tocsin import --help                             import alarms from Aodh
  tocsin export-data tocsin.export                 everything, to move it into another database with import-data

Every option can also be set by an environment variable TOCSIN_<SECTION>_<KEY>, for example TOCSIN_API_PORT=8080.
config/default.yaml explains all options.`;

/**
 * Runs the command that `argv` (without node and script) names. Resolves to the exit code, which is 2 for wrong usage.
 * Rejects with the error of the command.
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
      'Tocsin evaluates alarms and calls webhooks when their states change. Its API is compatible with OpenStack Aodh.',
    )
    .version(version(), '-V, --version', 'print the version')
    .addHelpText('after', EXAMPLES);
  withConfig(program.command('serve').description('run the service with the configured roles'))
    .option('-q, --quiet', 'print no hints to standard output; the log on standard error stays')
    .action(async (options: CommonOptions) => {
      const { serve } = await import('./serve.js');
      done(await serve({ ...configFlags(options), quiet: options.quiet === true }, terminal));
    });
  withConfig(program.command('migrate').description('update the database schema, then exit')).action(
    async (options: CommonOptions) => {
      const { migrateCommand } = await import('./migrate.js');
      await migrateCommand(configFlags(options), terminal);
    },
  );
  withConfig(
    program.command('config').description('print the effective configuration as YAML, with secrets masked'),
  ).action(async (options: CommonOptions) => {
    const { configCommand } = await import('./config.js');
    configCommand(configFlags(options), terminal);
  });
  addApiKey(program, terminal);
  addSecrets(program, terminal, done);
  addImport(program, terminal, done);
  addTransfer(program, terminal);
  return program;
}

function addApiKey(program: Command, terminal: Terminal): void {
  const apiKey = program.command('apikey').description('manage API keys, for auth.mode apikey and keystone+apikey');
  withDatabase(apiKey.command('create').description('create a key and print it; it cannot be printed again'))
    .option('--project <id>', 'project of the key')
    .option('--user <id>', 'user of the key (default: apikey-<id of the key>)')
    .option('--role <name>', 'reader, member or admin', 'member')
    .option('--all-projects', 'valid for all projects; requires --role admin')
    .option('--expires-in <duration>', 'lifetime, for example 90d (default: until the key is revoked)')
    .option('--description <text>', 'purpose of the key, for lists', '')
    .action(async (options: CommonOptions & ApiKeyOptions) => {
      const { createApiKeyCommand } = await import('./apikey.js');
      await createApiKeyCommand(options, configFlags(options), terminal);
    });
  withDatabase(apiKey.command('list').description('list keys, without their secrets'))
    .option('--project <id>', 'keys of this project only')
    .action(async (options: CommonOptions & { project?: string }) => {
      const { listApiKeysCommand } = await import('./apikey.js');
      await listApiKeysCommand(options.project, configFlags(options), terminal);
    });
  withDatabase(
    apiKey
      .command('revoke')
      .description('revoke a key; all processes refuse it within 5 s')
      .argument('<id>', 'id of the key, as `apikey list` shows it'),
  ).action(async (id: string, options: CommonOptions) => {
    const { revokeApiKeyCommand } = await import('./apikey.js');
    await revokeApiKeyCommand(id, configFlags(options), terminal);
  });
}

function addSecrets(program: Command, terminal: Terminal, done: (exitCode: number) => void): void {
  const secrets = program.command('secrets').description('manage the encryption of secrets in the database');
  withDatabase(
    secrets.command('rotate').description('encrypt all secrets with secrets.key; the service may run meanwhile'),
  ).action(async (options: CommonOptions) => {
    const { rotateSecretsCommand } = await import('./secrets.js');
    done(await rotateSecretsCommand(configFlags(options), terminal));
  });
}
