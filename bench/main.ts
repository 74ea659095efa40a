/**
 * Measures the figures of docs/performance.md and docs/optimizations.md. `npm run bench -- backends api` runs some
 * parts only (`--only backends,api` is the same): verdicts, overload, extra-batches, cycle, constraints, delivery, api,
 * backends, merging, lists, stream, chart. `--json FILE` also writes the figures as a list of
 * {name, value, unit, budget, within}. `--alarms N,N` sets the sizes of the cycles, `--backend-alarms N,N` the numbers
 * of alarms on Prometheus. The exit code is always 0, since people judge the figures.
 */
import Table from 'cli-table3';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { benchApi } from './api.js';
import { benchBackends } from './backends/backends.js';
import { benchMerging } from './backends/merging.js';
import { benchChart } from './console/chart.js';
import { benchLists } from './console/lists.js';
import { benchStream } from './console/stream.js';
import { benchConstraints } from './constraints.js';
import { benchCycle } from './cycle.js';
import { benchDeliveries, benchLatency } from './delivery.js';
import { benchExtraBatches } from './extra-batches.js';
import type { Figure } from './figure.js';
import { benchOverload } from './overload.js';
import { openRig, type Rig } from './rig.js';
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

const WITH_SERVERS = ['cycle', 'constraints', 'delivery', 'backends', 'merging', 'api', 'lists', 'stream', 'chart'];

const figures: Figure[] = wants('verdicts') ? benchVerdicts() : [];
if (wants('overload')) figures.push(...(await benchOverload()));
if (wants('extra-batches')) figures.push(...(await benchExtraBatches()));
const rig = WITH_SERVERS.some(wants) ? await openRig() : undefined;
try {
  if (rig) await benchWithServers(rig);
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

async function benchWithServers(servers: Rig): Promise<void> {
  for (const size of wants('cycle') ? sizes : []) figures.push(...(await benchCycle(servers.db, size)));
  if (wants('constraints')) figures.push(...(await benchConstraints(servers.db)));
  if (wants('delivery')) figures.push(...(await benchLatency(servers)), ...(await benchDeliveries(servers)));
  if (wants('backends'))
    figures.push(...(await benchBackends(servers, values['backend-alarms'].split(',').map(Number))));
  if (wants('merging')) figures.push(...(await benchMerging(servers)));
  if (wants('api')) figures.push(...(await benchApi(servers)));
  if (wants('lists')) figures.push(...(await benchLists(servers)));
  if (wants('stream')) figures.push(...(await benchStream(servers)));
  if (wants('chart')) figures.push(...(await benchChart(servers)));
}
