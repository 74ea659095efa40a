import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { loadConfig, type LoadedConfig } from '../../src/config/load.js';
import { OPTIONS } from '../../src/config/options.js';

const PAGE = readFileSync(new URL('../../../docs/backends.md', import.meta.url), 'utf8');
const FILES = [...PAGE.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => text);
const SECTIONS = /^(gnocchi|prometheus|octavia)\./;

/** The configuration of an example file, with a secret in each environment variable that its comments name. */
function load(text: string): LoadedConfig {
  const environment = Object.fromEntries([...text.matchAll(/TOCSIN_[A-Z_]+/g)].map(([name]) => [name, 'secret']));
  return loadConfig({ file: 'my.yaml', readFile: () => text, environment, flags: [] });
}

describe('each example file of docs/backends.md', () => {
  test('docs/backends.md has an example file for each kind of backend', () => {
    const sections = new Set(FILES.flatMap((text) => [...text.matchAll(/^\w+(?=:)/gm)].map(([name]) => name)));
    expect([...sections].sort()).toEqual(['gnocchi', 'keystone', 'octavia', 'prometheus']);
  });

  test.each(FILES)('is a valid configuration with a backend: %s', (text) => {
    const { config } = load(text);
    const urls = [config.gnocchi.url, config.prometheus.url, config.octavia.url];
    expect(urls.some((url) => url !== undefined)).toBe(true);
  });
});

describe('the options of docs/backends.md', () => {
  const names = OPTIONS.map(({ name }) => name).filter((name) => SECTIONS.test(name));
  const named = [...PAGE.matchAll(/`((?:gnocchi|prometheus|octavia|evaluator)\.[a-z_]+)/g)].map(
    ([, name = '']) => name,
  );

  test('docs/backends.md names no option that does not exist', () => {
    expect(named.length).toBeGreaterThan(10);
    const known = new Set([...OPTIONS.map(({ name }) => name), 'gnocchi.others', 'prometheus.others']);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(names)('docs/backends.md describes the option %s', (name) => {
    const [, option = ''] = name.split('.');
    expect(PAGE).toMatch(new RegExp(`\\b${option}\\b`));
  });
});
