/**
 * Measures what docs/performance.md reports. `--json FILE` also writes the figures as a list of {name, value, unit, budget, within}.
 * `--alarms N,N` sets the sizes of the cycles, `--only api,delivery` leaves out the other parts.
 * Exits 0 whatever the figures: judging them is for people.
 */
import Table from 'cli-table3';
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { benchApi } from './api.js';
import { benchCycle } from './cycle.js';
import { benchDeliveries, benchLatency } from './delivery.js';
import type { Figure } from './figure.js';
import { openRig } from './rig.js';
import { benchVerdicts } from './verdicts.js';

const { values } = parseArgs({
  options: { json: { type: 'string' }, alarms: { type: 'string', default: '10000,100000' }, only: { type: 'string' } },
});
const only = values.only?.split(',');
const wants = (part: string): boolean => only?.includes(part) ?? true;
const sizes = values.alarms.split(',').map(Number);

const figures: Figure[] = wants('verdicts') ? benchVerdicts() : [];
const rig = await openRig();
try {
  for (const size of wants('cycle') ? sizes : []) figures.push(...(await benchCycle(rig.db, size)));
  if (wants('delivery')) figures.push(...(await benchLatency(rig)), ...(await benchDeliveries(rig)));
  if (wants('api')) figures.push(...(await benchApi(rig)));
} finally {
  await rig.release();
}

const table = new Table({
  head: ['what', 'measured', 'unit', 'budget', ''],
  style: { head: [], border: [] },
  colAligns: ['left', 'right'],
});
for (const { name, value, unit, budget, within } of figures) {
  table.push([name, value.toLocaleString('en'), unit, budget ?? '', within === undefined ? '' : within ? 'within' : 'MISSED']);
}
console.log(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
console.log(table.toString());
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`);
