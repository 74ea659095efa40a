import { Option, type Command } from 'commander';

import type { Flag } from '../config/load.js';
import type { ConfigFlags } from './terminal.js';

/** The options that commands share, as commander gives them. */
export interface CommonOptions {
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

/** Adds the options of the service to a command. */
export function withConfig(command: Command): Command {
  return withDatabase(
    command
      .option('--roles <list>', 'roles of this process: api, evaluator, notifier, separated by commas')
      .option('--port <number>', 'port of the API')
      .option('--interval <duration>', 'time between two evaluations of an alarm, for example 10s'),
  );
}

/** Adds the options of commands that use the database only. */
export function withDatabase(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file (YAML); also TOCSIN_CONFIG')
    .option('--data-dir <path>', 'directory of the embedded database')
    .option('--log-level <level>', 'debug, info, warn or error')
    .addOption(
      new Option(
        '--set <option=value>',
        'set any other option, for example --set notifier.policy=every; may be repeated',
      )
        .argParser((text: string, before: string[]) => [...before, text])
        .default([], 'none'),
    );
}

/** The options of a command as settings. */
export function configFlags(options: CommonOptions): ConfigFlags {
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
