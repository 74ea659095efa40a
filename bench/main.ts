/**
 * Measures the figures of docs/performance.md and docs/optimizations.md. `npm run bench -- backends api` runs some
 * parts only (`--only backends,api` is the same): verdicts, overload, extra-batches, and those of `WITH_SERVERS`.
 * `--json FILE` also writes the figures as a list of {name, value, unit, budget, within}. `--alarms N,N` sets the sizes
 * of the cycles, `--backend-alarms N,N` the numbers of alarms on Prometheus. The exit code is always 0, since people
 * judge the figures.
 */
import Table from 'cli-table3';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { benchApi } from './api.js';
import { benchBackends } from './backends/backends.js';
import { benchMerging } from './backends/merging.js';
import { benchChart } from './console/chart.js';
import { benchFirstView } from './console/first-view.js';
import { benchLists } from './console/lists.js';
import { benchStream } from './console/stream.js';
import { benchConstraints } from './constraints.js';
import { benchCycle } from './cycle.js';
import { benchDeliveries, benchLatency } from './delivery.js';
import { benchManyHosts } from './delivery-hosts.js';
import { benchExtraBatches } from './extra-batches.js';
import type { Figure } from './figure.js';
import { benchFlips } from './flips.js';
import { benchOverload } from './overload.js';
import { benchRetention } from './retention.js';
import { openRig, type Rig } from './rig.js';
import { benchTransitions } from './transitions.js';
import { benchVerdicts } from './verdicts.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'backend-alarms': { type: 'string', default: '1000,10000,50000' },
    json: { type: 'string' },
    alarms: { type: 'string', default: '10000,100000' },
    only: { type: 'string' },
  },
});
const only = [...positionals, ...(values.only?.split(',') ?? [])];
const wants = (part: string): boolean => only.length === 0 || only.includes(part);
const sizes = values.alarms.split(',').map(Number);

/** Parts that need servers, in the order in which they run. */
const WITH_SERVERS: Readonly<Record<string, (servers: Rig) => Promise<Figure[]>>> = {
  cycle: async ({ db }) => {
    const found: Figure[] = [];
    for (const size of sizes) found.push(...(await benchCycle(db, size)));
    return found;
  },
  constraints: ({ db }) => benchConstraints(db),
  transitions: benchTransitions,
  delivery: async (servers) => [...(await benchLatency(servers)), ...(await benchDeliveries(servers))],
  'delivery-hosts': benchManyHosts,
  flips: benchFlips,
  backends: (servers) => benchBackends(servers, values['backend-alarms'].split(',').map(Number)),
  merging: benchMerging,
  api: benchApi,
  lists: benchLists,
  stream: benchStream,
  chart: benchChart,
  'first-view': benchFirstView,
  retention: benchRetention,
};

const figures: Figure[] = [];
/** Keeps the figures, and prints them at once: a later part may fail. */
function add(measured: readonly Figure[]): void {
  figures.push(...measured);
  for (const { name, value, unit } of measured) console.error(`${name}: ${value.toLocaleString('en')} ${unit}`);
}

if (wants('verdicts')) add(benchVerdicts());
if (wants('overload')) add(await benchOverload());
if (wants('extra-batches')) add(await benchExtraBatches());
const parts = Object.entries(WITH_SERVERS).filter(([part]) => wants(part));
const rig = parts.length > 0 ? await openRig() : undefined;
try {
  if (rig) for (const [, measure] of parts) add(await measure(rig));
} finally {
  await rig?.release();
}

const table = new Table({
  head: ['what', 'measured', 'unit', 'budget', ''],
  style: { head: [], border: [] },
  colAligns: ['left', 'right'],
});
for (const { name, value, unit, budget, within } of figures) {
  table.push([
    name,
    value.toLocaleString('en'),
    unit,
    budget ?? '',
    within === undefined ? '' : within ? 'within' : 'MISSED',
  ]);
}
console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
console.log(table.toString());
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
