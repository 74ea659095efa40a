import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';

import { createTelemetry } from '../../src/telemetry.js';
import { plain, tablesOf } from '../support/markdown.js';

const PAGE = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
/** Metrics that the client library registers for every Node.js process. */
const OF_NODE = /^(process|nodejs)_/;

interface Described {
  name: string;
  type: string;
  labels: string;
}

function onThePage(): Described[] {
  return tablesOf(PAGE)
    .filter(({ columns }) => columns[0] === 'metric')
    .flatMap(({ rows }) => rows)
    .map(([name = '', type = '', labels = '']) => ({ name: plain(name), type, labels: plain(labels) }));
}

async function inTheProgram(): Promise<Described[]> {
  const { registry } = createTelemetry();
  const types = new Map((await registry.getMetricsAsJSON()).map(({ name, type }) => [name, String(type)]));
  return registry
    .getMetricsAsArray()
    .filter(({ name }) => !OF_NODE.test(name))
    .map((metric) => {
      const { labelNames } = metric as unknown as { labelNames: string[] };
      return { name: metric.name, type: types.get(metric.name) ?? '', labels: labelNames.join(' ') };
    });
}

const byName = (a: Described, b: Described): number => a.name.localeCompare(b.name);

test('docs/metrics.md lists every metric of the program with its type and labels, and no other', async () => {
  expect(onThePage().sort(byName)).toEqual((await inTheProgram()).sort(byName));
});

test('docs/metrics.md says for every metric what it means and when to worry', () => {
  const incomplete = tablesOf(PAGE)
    .filter(({ columns }) => columns[0] === 'metric')
    .flatMap(({ rows }) => rows)
    .filter((row) => row.length !== 5 || row[3] === '' || row[4] === '');
  expect(incomplete).toEqual([]);
});

test('docs/metrics.md names no metric in an expression that the program does not have', async () => {
  const known = new Set((await inTheProgram()).map(({ name }) => name));
  const named = [...PAGE.matchAll(/\btocsin_[a-z_]+/g)].map(([name]) => name).filter((name) => name !== 'tocsin_');
  expect(named.filter((name) => !known.has(name))).toEqual([]);
});
