import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { parseDocument } from 'yaml';

import { backendsOf } from '../../src/config/backends.js';
import { loadConfig, type ConfigSources, type LoadedConfig } from '../../src/config/load.js';
import { OPTION_MAPS } from '../../src/config/options.js';
import { parseConfig } from '../../src/config/parse.js';
import { printConfig } from '../../src/config/print.js';

const FILE = `
gnocchi:
  url: http://gnocchi:8041
  others:
    east: { url: "http://gnocchi.east:8041/", auth: none, timeout: 3s }
    west-2:
      url: http://gnocchi.west:8041
prometheus:
  others:
    east:
      url: http://prometheus.east:9090
      auth: bearer
      token: hunter2
      tenancy: header
`;

function load(text: string, more: Partial<ConfigSources> = {}): LoadedConfig {
  return loadConfig({ file: 'tocsin.yaml', readFile: () => text, environment: {}, flags: [], ...more });
}

describe('backends with names', () => {
  test('have the options of the section with the defaults, not with its values', () => {
    const { config } = load(FILE);
    expect([...backendsOf(config.gnocchi)]).toMatchObject([
      [null, { url: 'http://gnocchi:8041', auth: 'basic', timeout: 10_000 }],
      ['east', { url: 'http://gnocchi.east:8041', auth: 'none', user: 'admin', timeout: 3_000 }],
      ['west-2', { url: 'http://gnocchi.west:8041', auth: 'basic', external_project_owner: 'service' }],
    ]);
  });

  test('can exist without a default one', () => {
    const backends = backendsOf(load(FILE).config.prometheus);
    expect([...backends.keys()]).toEqual(['east']);
    expect(backends.get('east')).toMatchObject({ tenancy: 'header', project_label: 'project' });
    expect(backends.get('east')?.token?.reveal()).toBe('hunter2');
  });

  test('are an empty map by default', () => {
    const config = parseConfig({});
    expect([backendsOf(config.gnocchi).size, backendsOf(config.prometheus).size]).toEqual([0, 0]);
  });

  test('cannot be changed', () => {
    const { gnocchi } = load(FILE).config;
    expect(Object.isFrozen(gnocchi.others) && Object.isFrozen(gnocchi.others['east'])).toBe(true);
  });

  test('can be combined with options of the section from the environment and from flags', () => {
    const { config } = load(FILE, {
      environment: { TOCSIN_GNOCCHI_URL: 'http://other:8041' },
      flags: [{ name: 'prometheus.url', text: 'http://p:9090', origin: '--set' }],
    });
    expect(backendsOf(config.gnocchi).get(null)?.url).toBe('http://other:8041');
    expect([...backendsOf(config.gnocchi).keys()]).toEqual([null, 'east', 'west-2']);
    expect([...backendsOf(config.prometheus).keys()]).toEqual([null, 'east']);
  });

  test.each([
    [{ environment: { TOCSIN_GNOCCHI_OTHERS: 'x' } }, 'TOCSIN_GNOCCHI_OTHERS: unknown variable'],
    [{ environment: { TOCSIN_GNOCCHI_OTHERS_EAST_URL: 'x' } }, 'TOCSIN_GNOCCHI_OTHERS_EAST_URL: unknown variable'],
    [
      { flags: [{ name: 'gnocchi.others.east.url', text: 'x', origin: '--set' }] },
      'gnocchi.others.east.url: can be set in the file only (--set)',
    ],
    [
      { flags: [{ name: 'gnocchi.others', text: 'x', origin: '--set' }] },
      'gnocchi.others: can be set in the file only (--set)',
    ],
    [
      { flags: [{ name: 'gnocchi.others.east.nothing', text: 'x', origin: '--set' }] },
      'gnocchi.others.east.nothing: unknown option (--set)',
    ],
  ])('can be set in the file only: %j', (sources, mistake) => {
    expect(() => load(FILE, sources)).toThrow(mistake);
  });

  test('report all mistakes at once, with the full name of each option', () => {
    const text = `
gnocchi:
  others:
    east: { auth: nothing }
    ${'x'.repeat(65)}: { url: "http://x" }
prometheus:
  others:
    west: { url: "http://u:hunter2@x", certificate_file: c.pem, token: hunter2 }`;
    let told = '';
    try {
      load(text);
    } catch (thrown) {
      told = (thrown as Error).message;
    }
    expect(told.split('\n').slice(1).sort()).toEqual([
      '  gnocchi.others.east.auth: expected one of none, basic, keystone, got "nothing" (tocsin.yaml line 4)',
      '  gnocchi.others.east.url: is required for a named backend (tocsin.yaml line 4)',
      `  gnocchi.others.${'x'.repeat(65)}: expected a name of at most 64 ` +
        `lower-case letters, digits and dashes (tocsin.yaml line 5)`,
      '  prometheus.others.west.key_file: is required with ' +
        'prometheus.others.west.certificate_file (tocsin.yaml line 8)',
      '  prometheus.others.west.token: has no effect without prometheus.others.west.auth bearer (tocsin.yaml line 8)',
      '  prometheus.others.west.url: must not contain a user or a password, got "http://***@x" (tocsin.yaml line 8)',
    ]);
  });
});

describe('named backends in the printed configuration', () => {
  test('have all options with their origins, and no secret', () => {
    const { config, settings } = load(FILE);
    const text = printConfig(settings);
    expect(text).toContain(
      '      url: http://gnocchi.east:8041/ # tocsin.yaml line 5\n      auth: none # tocsin.yaml line 5\n      user: admin\n',
    );
    expect(text).toContain('      token: "***" # tocsin.yaml line 13\n');
    expect(text + inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hunter2');
  });

  test('can be loaded again', () => {
    const { config, settings } = load(FILE.replace(/^.*token.*\n/m, '').replace('bearer', 'none'));
    expect(load(printConfig(settings)).config).toEqual(config);
  });

  test('are shown as empty maps if there are none', () => {
    const document = parseDocument(printConfig(new Map()));
    for (const { path: at } of OPTION_MAPS) expect(document.toJS()).toHaveProperty(at.join('.'), {});
  });
});

test('config/default.yaml documents the maps of named backends', () => {
  const lines = readFileSync(
    path.join(fileURLToPath(new URL('../../../', import.meta.url)), 'config/default.yaml'),
    'utf8',
  ).split('\n');
  expect(OPTION_MAPS.map(({ name }) => name)).toEqual(['gnocchi.others', 'prometheus.others']);
  expect(lines.filter((line, index) => line === '  others: {}' && /^ {2}#/.test(lines[index - 1] ?? ''))).toHaveLength(
    2,
  );
});
