import type { Role } from '../../../dev/cluster/service-process.js';
import type { Links } from '../cluster-member.js';
import { pickOne, type FaultKind } from '../fault-kind.js';
import { CONCURRENCY } from '../timings.js';

export const cutEvaluatorDatabase = cutLink('evaluator', 'database');
export const cutNotifierDatabase = cutLink('notifier', 'database');
export const cutEvaluatorRedis = cutLink('evaluator', 'redis');
export const cutNotifierRedis = cutLink('notifier', 'redis');
export const cutEvaluatorBackend = cutLink('evaluator', 'backend');

const DIRECTIONS = ['both', 'requests', 'answers'] as const;

function cutLink(role: Role, to: keyof Links): FaultKind {
  return {
    id: 'F13',
    name: `cut-${role}-${to}`,
    // The alarms of the evaluator that is cut off from the backend are not evaluated.
    isOutage: to === 'backend',
    lastsMs: [5_000, 12_000],
    async inject({ cluster, random }) {
      const member = pickOne(random, cluster.of(role));
      const direction = pickOne(random, DIRECTIONS);
      const link = member.links[to];
      const before = link.swallowed;
      link.set({ kind: 'blackhole', direction });
      return {
        detail: `${member.name}, ${direction === 'both' ? 'both directions' : `the ${direction}`}`,
        mayRepeat: role === 'notifier' && to === 'database' ? CONCURRENCY : 0,
        heal: async () => link.set({ kind: 'pass' }),
        evidence: async () => {
          const swallowed = link.swallowed - before;
          return swallowed > 0 ? `${swallowed} bytes were lost` : undefined;
        },
      };
    },
  };
}

const SLOW_MS = 20;

/** A round trip on this machine takes a millisecond or two. */
export const slowDatabase: FaultKind = {
  id: 'F12',
  name: 'database-slow',
  lastsMs: [8_000, 15_000],
  async inject({ cluster }) {
    for (const { links } of cluster.members) links.database.set({ kind: 'delay', ms: SLOW_MS });
    const [member] = cluster.of('evaluator');
    const startedMs = Date.now();
    const answer = await fetch(`${member?.managementUrl ?? ''}/readyz`, { signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
    const tookMs = Date.now() - startedMs;
    return {
      detail: `each message ${SLOW_MS} ms later`,
      heal: async () => {
        for (const { links } of cluster.members) links.database.set({ kind: 'pass' });
      },
      evidence: async () =>
        answer !== undefined && tookMs >= SLOW_MS ? `readiness asked the database for ${tookMs} ms` : undefined,
    };
  },
};
