import { readFileSync } from 'node:fs';

import { toError } from '../errors.js';
import { fromEnvironment, type Environment } from './environment.js';
import { fromFile } from './file.js';
import type { Layer, Setting } from './layer.js';
import { mappedOption, OPTION_MAPS, OPTIONS, optionNamed } from './options.js';
import { parseConfig } from './parse.js';
import type { Config } from './schema.js';
import { valueFromText } from './text-value.js';

/** An option that was set on the command line. */
export interface Flag {
  name: string;
  text: string;
  /** The flag as messages name it, for example `--port`. */
  origin: string;
}

/** The sources of a configuration. */
export interface ConfigSources {
  /** Path of a YAML file. Default: `TOCSIN_CONFIG`. */
  file?: string | undefined;
  environment: Environment;
  flags: readonly Flag[];
  readFile?: (path: string) => string;
}

/** A valid configuration with the origin of its values. */
export interface LoadedConfig {
  config: Config;
  /** The options that were set, by name. All others have their defaults. */
  settings: ReadonlyMap<string, Setting>;
}

/**
 * Loads the configuration. Flags override the environment, which overrides the file, which overrides the defaults.
 * @throws ConfigError with all mistakes of all sources.
 */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const read = sources.readFile ?? ((path: string) => readFileSync(path, 'utf8'));
  const path = sources.file ?? (sources.environment['TOCSIN_CONFIG'] || undefined);
  const layers = [
    path === undefined ? empty() : fileLayer(path, read),
    fromEnvironment(sources.environment, read),
    fromFlags(sources.flags),
  ];
  const settings = new Map(layers.flatMap(({ values }) => [...values]));
  const problems = layers.flatMap((layer) => layer.problems);
  const config = parseConfig(treeOf(settings), (name) => settings.get(name)?.origin, problems);
  return { config, settings };
}

function fileLayer(path: string, read: (path: string) => string): Layer {
  try {
    return fromFile(path, read(path));
  } catch (cause) {
    return {
      values: new Map(),
      problems: [{ message: `cannot read the configuration file: ${toError(cause).message}` }],
    };
  }
}

function fromFlags(flags: readonly Flag[]): Layer {
  const layer = empty();
  for (const { name, text, origin } of flags) {
    const option = optionNamed(name);
    if (option) layer.values.set(name, { value: valueFromText(option.kind, text), origin });
    else
      layer.problems.push({
        name,
        message: isOnlyInFiles(name) ? 'can be set in the file only' : 'unknown option',
        origin,
      });
  }
  return layer;
}

function isOnlyInFiles(name: string): boolean {
  return mappedOption(name) !== undefined || OPTION_MAPS.some((map) => map.name === name);
}

function empty(): Layer {
  return { values: new Map(), problems: [] };
}

function treeOf(settings: ReadonlyMap<string, Setting>): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, { value }] of settings) place(tree, pathOf(name), structuredClone(value));
  return tree;
}

function pathOf(name: string): readonly string[] {
  return OPTIONS.find((option) => option.name === name)?.path ?? name.split('.');
}

function place(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const section = (tree[key] ??= {});
  // If the file has a value in the place of a section, the value stays and the schema refuses it.
  if (typeof section === 'object') place(section as Record<string, unknown>, rest, value);
}
