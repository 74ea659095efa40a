import { rmSync, writeFileSync } from 'node:fs';

import { pickOne, type FaultKind } from '../fault-kind.js';

const JUMPS_MS = [3_600_000, -3_600_000] as const;
/** What the header of a request may differ by from the jump. */
const TOLERANCE_MS = 60_000;

/** The wall clocks of an evaluator and of a notifier jump; those of all others do not. */
export const clockJump: FaultKind = {
  id: 'F23',
  name: 'clock-jump',
  lastsMs: [5_000, 15_000],
  async inject({ cluster, receivers, random }) {
    const members = [pickOne(random, cluster.of('evaluator')), pickOne(random, cluster.of('notifier'))];
    const jumpMs = pickOne(random, JUMPS_MS);
    const before = receivers.calls.length;
    for (const { clockFile } of members) writeFileSync(clockFile, String(jumpMs));
    return {
      detail: `${members.map(({ name }) => name).join(' and ')} by ${jumpMs / 60_000} minutes`,
      jumpMs,
      heal: async () => members.forEach(({ clockFile }) => rmSync(clockFile, { force: true })),
      evidence: async () => {
        const later = receivers.calls.slice(before);
        const shifted = later.filter(({ atMs, claimedMs }) => Math.abs(claimedMs - atMs - jumpMs) < TOLERANCE_MS);
        return shifted.length > 0 ? `${shifted.length} requests had its webhook-timestamp` : undefined;
      },
    };
  },
};
