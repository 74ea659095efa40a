import { existsSync, writeFileSync } from 'node:fs';

import type { Role } from '../../../dev/cluster/service-process.js';
import { pickOne, type FaultKind } from '../fault-kind.js';
import { CONCURRENCY } from '../timings.js';

const BLOCKED_MS = 15_000;

export const blockedEvaluator = blocked('evaluator');
export const blockedNotifier = blocked('notifier');

/** Its main thread stands still, while its other threads and its connections stay. */
function blocked(role: Role): FaultKind {
  return {
    id: 'F35',
    name: `block-${role}`,
    lastsMs: [BLOCKED_MS, BLOCKED_MS],
    async inject({ cluster, random }) {
      const member = pickOne(random, cluster.of(role));
      writeFileSync(member.blockFile, String(BLOCKED_MS));
      return {
        detail: `${member.name} for ${BLOCKED_MS / 1_000} s`,
        mayRepeat: role === 'notifier' ? CONCURRENCY : 0,
        heal: async () => undefined,
        evidence: async () => (existsSync(member.blockFile) ? undefined : 'its main thread runs again'),
      };
    },
  };
}
