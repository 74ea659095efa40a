import { describe, expect, test } from '@jest/globals';

import { backendTexts, hasNames, KIND_NAMES } from '../../../src/app/datasources/kinds.js';
import { parseConfig } from '../../../src/config/parse.js';

describe('the kinds of backends', () => {
  test('the terminal names each configured backend by its kind and its name', () => {
    const gnocchi = { url: 'http://gnocchi:8041', others: { east: { url: 'http://gnocchi.east:8041' } } };
    const prometheus = { others: { east: { url: 'http://prometheus.east:9090' } } };
    expect(backendTexts(parseConfig({ gnocchi, prometheus }))).toEqual([
      'the built-in meters',
      'prometheus east',
      'gnocchi',
      'gnocchi east',
    ]);
  });

  test.each([
    ['octavia.url', { octavia: { url: 'http://octavia:9876' } }],
    [
      'a Keystone, whose catalogue may have it',
      { keystone: { auth_url: 'http://keystone:5000', username: 'tocsin', password: 'secret' } },
    ],
  ])('the terminal names Octavia with %s', (_, settings) => {
    expect(backendTexts(parseConfig(settings))).toEqual(['the built-in meters', 'octavia']);
  });

  test('kinds whose section has others can have several backends', () => {
    const config = parseConfig({});
    expect(KIND_NAMES.filter((kind) => hasNames(kind, config))).toEqual(['prometheus', 'gnocchi']);
  });
});
