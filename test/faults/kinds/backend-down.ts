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
    const asked = (): number => links.reduce((sum, link) => sum + link.broken, 0);
    const before = asked();
    for (const link of links) link.set({ kind: 'reset' });
    const settled = sleep(SETTLED_MS).then(() => ({ asked: asked(), atMs: Date.now() }));
    const outage = { askedPerSecond: NaN };
    return {
      detail: 'connections are reset',
      outage,
      heal: async () => {
        const then = await settled;
        outage.askedPerSecond = (asked() - then.asked) / links.length / ((Date.now() - then.atMs) / 1_000);
        for (const link of links) link.set({ kind: 'pass' });
      },
      evidence: async () => (asked() > before ? `${asked() - before} connections were reset` : undefined),
    };
  },
};
