import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import { Tenant } from './tenant.js';

const ALARMS = 1_000;

/** Measurements of a project that only lists its alarms. */
export interface BystanderReport {
  latenciesMs: number[];
  /** Answers other than 200. */
  refusals: string[];
  /** The longest time since the last evaluation of any partition, in seconds. */
  oldestEvaluationS: number;
}

/** A project that must not notice the attack. */
export interface Bystander {
  /** Measures for `ms` milliseconds, and until at least one request has ended. */
  watch(ms: number): Promise<BystanderReport>;
  stop(): Promise<void>;
}

/** Creates the alarms of the bystander and starts its thread. */
export async function startBystander(url: string): Promise<Bystander> {
  const project = 'bystander';
  const tenant = new Tenant(url, project);
  for (let index = 0; index < ALARMS; index++) {
    await tenant.must('POST', '/v2/alarms', {
      name: `alarm ${index}`,
      type: 'threshold',
      threshold_rule: { meter_name: `m${index % 10}`, threshold: 1, comparison_operator: 'gt', period: 60 },
    });
  }
  const worker = new Worker(new URL('./bystander-worker.js', import.meta.url), { workerData: { url, project } });
  const take = async (): Promise<BystanderReport> => {
    const answer = once(worker, 'message');
    worker.postMessage('take');
    return ((await answer) as [BystanderReport])[0];
  };
  return {
    async watch(ms) {
      await take();
      await pause(ms);
      for (;;) {
        const report = await take();
        if (report.latenciesMs.length > 0) return report;
        await pause(ms);
      }
    },
    async stop() {
      await worker.terminate();
    },
  };
}

/** 95th percentile of the latencies. */
export function p95({ latenciesMs }: BystanderReport): number {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.95))] ?? 0;
}

/** Merges two reports. */
export function together(one: BystanderReport, other: BystanderReport): BystanderReport {
  return {
    latenciesMs: [...one.latenciesMs, ...other.latenciesMs],
    refusals: [...one.refusals, ...other.refusals],
    oldestEvaluationS: Math.max(one.oldestEvaluationS, other.oldestEvaluationS),
  };
}
