import { readFileSync } from 'node:fs';

import { toError } from '../errors.js';
import { fromEnvironment, type Environment } from './environment.js';
import { fromFile } from './file.js';
import type { Layer, Setting } from './layer.js';
import { mappedOption, OPTION_MAPS, OPTIONS, optionNamed } from './options.js';
import { parseConfig } from './parse.js';
import type { Config } from './schema.js';
import { valueFromText } from './text-value.js';

/** A value given on the command line, by option name. */
export interface Flag {
  name: string;
  text: string;
  /** `--port`, as the mistake names it. */
  origin: string;
}

export interface ConfigSources {
  /** Path of a YAML file. `TOCSIN_CONFIG` is used when absent. */
  file?: string | undefined;
  environment: Environment;
  flags: readonly Flag[];
  readFile?: (path: string) => string;
}

export interface LoadedConfig {
  config: Config;
  /** What was set and by whom, by option name. The rest are defaults. */
  settings: ReadonlyMap<string, Setting>;
}

/**
 * Defaults < file < environment < flags.
 * @throws ConfigError with every mistake of all sources.
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
  // A file may hold something else where a section belongs; that is refused as it stands.
  if (typeof section === 'object') place(section as Record<string, unknown>, rest, value);
}
