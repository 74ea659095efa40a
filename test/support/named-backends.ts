import type { AlarmRule } from '../../src/alarm/types/index.js';
import type { RuleChecks } from '../../src/api/ports.js';

/** Checks of rules where backends with names are configured. */
export interface NamedBackends extends RuleChecks {
  /** Rules that were checked, and by which backend; null is the default one. */
  readonly looked: { rule: AlarmRule; backend: string | null }[];
}

/**
 * The resources of all projects at a Gnocchi are those of a project of its own, `svc-east` at `east`, and `svc` at the
 * default one. Every rule is good.
 */
export function namedBackends(names: Readonly<Record<string, string[]>>): NamedBackends {
  const looked: NamedBackends['looked'] = [];
  return {
    looked,
    check: (rule, _, backend) => {
      looked.push({ rule, backend });
      return Promise.resolve([]);
    },
    missingBackends: () => [],
    limitsOf: () => ({ missing: [], refusal: undefined }),
    externalOwner: (backend) => Promise.resolve(backend === null ? 'svc' : `svc-${backend}`),
    knownBackends: (kind) => names[kind],
  };
}
