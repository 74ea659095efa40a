import type { FaultKind } from '../fault-kind.js';

/** From then on an evaluator may ask once a second. */
const SETTLED_MS = 30_000;

/** An outage that is far longer than the time for which alarms keep their state. */
export const backendDown: FaultKind = {
  id: 'F21',
  name: 'backend-down',
  isOutage: true,
  lastsMs: [45_000, 55_000],
  async inject({ cluster, sleep }) {
    const links = cluster.of('evaluator').map((member) => member.links.backend);
    const asked = (): number[] => links.map((link) => link.broken);
    const before = sum(asked());
    for (const link of links) link.set({ kind: 'reset' });
    const settled = sleep(SETTLED_MS).then(() => ({ asked: asked(), atMs: Date.now() }));
    const outage = { askedPerSecond: NaN };
    return {
      detail: 'connections are reset',
      outage,
      heal: async () => {
        const then = await settled;
        const seconds = (Date.now() - then.atMs) / 1_000;
        outage.askedPerSecond = Math.max(...asked().map((number, k) => (number - (then.asked[k] ?? NaN)) / seconds));
        for (const link of links) link.set({ kind: 'pass' });
      },
      evidence: async () => (sum(asked()) > before ? `${sum(asked()) - before} connections were reset` : undefined),
    };
  },
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
