import { existsSync, readFileSync } from 'node:fs';

import type { PressureSample, Stall } from './records.js';

/** Watches how well this machine runs processes, to tell its slowness from faults of the service. */
export interface MachineWatch {
  readonly stalls: readonly Stall[];
  readonly pressure: readonly PressureSample[];
  stop(): void;
}

const BEAT_MS = 50;
/** A delay from which on it counts. */
const STALL_MS = 250;
const PRESSURE_EVERY_MS = 500;
const PRESSURE = '/proc/pressure/cpu';

/** Starts to measure by how much this process's own timers are late, and how long processes wait for a processor. */
export function watchMachine(): MachineWatch {
  const stalls: Stall[] = [];
  const pressure: PressureSample[] = [];
  let lastMs = Date.now();
  const timer = setInterval(() => {
    const nowMs = Date.now();
    if (nowMs - lastMs > BEAT_MS + STALL_MS) stalls.push({ fromMs: lastMs, toMs: nowMs });
    if (nowMs - (pressure.at(-1)?.atMs ?? 0) >= PRESSURE_EVERY_MS && existsSync(PRESSURE))
      pressure.push({ atMs: nowMs, waitedMs: waitedMs() });
    lastMs = nowMs;
  }, BEAT_MS);
  return { stalls, pressure, stop: () => clearInterval(timer) };
}

function waitedMs(): number {
  return Number(/^some .*total=(\d+)$/m.exec(readFileSync(PRESSURE, 'utf8'))?.[1] ?? 0) / 1_000;
}
