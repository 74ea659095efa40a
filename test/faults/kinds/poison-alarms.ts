import type { FaultKind } from '../fault-kind.js';
import { POISON_MODES } from '../metrics-backend.js';

const ALARMS = 20;

/** Alarms whose queries have no answer in time, too large an answer, or one that cannot be read. */
export const poisonAlarms: FaultKind = {
  id: 'F27',
  name: 'poison-alarms',
  lastsMs: [12_000, 20_000],
  async inject({ backend, workload }) {
    const before = backend.poisoned;
    const queries = Array.from({ length: ALARMS }, (_, n) => `poison_${POISON_MODES[n % POISON_MODES.length]}_${n}`);
    const ids = await workload.createUnwatched(queries);
    return {
      detail: `${ids.length} alarms of ${POISON_MODES.length} sorts`,
      heal: () => workload.deleteUnwatched(ids),
      evidence: async () =>
        backend.poisoned > before ? `their queries were asked ${backend.poisoned - before} times` : undefined,
    };
  },
};
