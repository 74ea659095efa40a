/** Lists the alarms of another project again and again, in a thread that the attack does not slow down. */
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

import type { BystanderReport } from './bystander.js';
import { Tenant } from './tenant.js';

const PAUSE_MS = 20;

const port = parentPort;
if (!port) throw new Error('bystander-worker runs in a worker thread only');
const { url, project } = workerData as { url: string; project: string };
const tenant = new Tenant(url, project);
let report = emptyReport();

port.on('message', () => {
  port.postMessage(report);
  report = emptyReport();
});

for (;;) {
  const startedAt = performance.now();
  const { status, text } = await tenant.send('GET', '/v2/alarms');
  report.latenciesMs.push(performance.now() - startedAt);
  if (status !== 200) report.refusals.push(`${status} ${text.slice(0, 200)}`);
  const metrics = await tenant.send('GET', '/metrics');
  const age = /^tocsin_oldest_evaluation_age_seconds (\S+)$/m.exec(metrics.text)?.[1];
  report.oldestEvaluationS = Math.max(report.oldestEvaluationS, Number(age ?? 0));
  await pause(PAUSE_MS);
}

function emptyReport(): BystanderReport {
  return { latenciesMs: [], refusals: [], oldestEvaluationS: 0 };
}
