import type { FaultKind } from '../fault-kind.js';
import type { BackendMode } from '../metrics-backend.js';

/** Shorter than the time for which alarms keep their state. */
const LASTS_MS = [5_500, 8_000] as const;

export const failingBackend = backendFault('error', 'answers 500');
export const slowBackend = backendFault('slow', 'answers late');
export const garbledBackend = backendFault('garbage', 'sends half a document');
export const unauthorizedBackend = backendFault('unauthorized', 'answers 401');
export const silentBackend = backendFault('silent', 'accepts requests and is silent');

export const refusingBackend: FaultKind = {
  id: 'F21',
  name: 'backend-refused',
  isOutage: true,
  lastsMs: LASTS_MS,
  async inject({ cluster }) {
    const links = cluster.of('evaluator').map((member) => member.links.backend);
    const total = (): number => links.reduce((sum, link) => sum + link.broken, 0);
    const before = total();
    for (const link of links) link.set({ kind: 'reset' });
    return {
      detail: 'connections are reset',
      heal: async () => links.forEach((link) => link.set({ kind: 'pass' })),
      evidence: async () => (total() > before ? `${total() - before} connections were reset` : undefined),
    };
  },
};

function backendFault(mode: BackendMode, words: string): FaultKind {
  return {
    id: 'F21',
    name: `backend-${mode}`,
    isOutage: true,
    lastsMs: LASTS_MS,
    async inject({ backend }) {
      const before = backend.spoilt;
      backend.mode = mode;
      return {
        detail: words,
        heal: async () => void (backend.mode = 'pass'),
        evidence: async () => {
          const spoilt = backend.spoilt - before;
          return spoilt > 0 ? `${spoilt} requests met it` : undefined;
        },
      };
    },
  };
}
