import { noBackendHint } from '../alarm/state-reason.js';
import type { DatasourceKind } from '../alarm/series.js';
import { backendsOfType, typeOf } from '../alarm/types/index.js';
import type { RuleChecks } from '../api/ports.js';
import type { Config } from '../config/schema.js';
import type { RuleCheckDeps } from './datasources/backend-kind.js';
import { externalOwners } from './datasources/gnocchi.js';
import { BACKEND_KINDS, hasNames, KIND_NAMES } from './datasources/kinds.js';

/**
 * Creates the checks of rules. The backend that the alarm names, or the default one, checks a rule. A rule passes if
 * that backend is not configured.
 * @throws StartupError if a Gnocchi needs Keystone tokens and Keystone is not configured.
 */
export function createRuleChecks(deps: RuleCheckDeps): RuleChecks {
  const { config } = deps;
  const checks = KIND_NAMES.map((kind) => ({ kind, named: BACKEND_KINDS[kind].openRuleChecks?.(deps) }));
  const owners = externalOwners(deps);
  const nameAt = (kind: DatasourceKind, backend: string | null): string | null =>
    hasNames(kind, config) ? backend : null;
  return {
    async check(rule, author, backend) {
      const reasons: string[] = [];
      for (const { kind, named } of checks) {
        const reason = await named?.get(backend)?.(rule, author);
        if (reason !== undefined) reasons.push(`the ${kind} backend${backend === null ? '' : ` ${backend}`} ${reason}`);
      }
      return reasons;
    },
    missingBackends: (rule, backend) =>
      typeOf(rule)
        .backends(rule)
        .filter((kind) => !BACKEND_KINDS[kind].names(config).includes(nameAt(kind, backend)))
        .map((kind) => noBackendHint(kind, nameAt(kind, backend))),
    limitsOf: (type, { isAdmin }) => {
      const kinds = backendsOfType(type);
      return {
        missing: kinds
          .filter((kind) => BACKEND_KINDS[kind].names(config).length === 0)
          .map((kind) => noBackendHint(kind, null)),
        refusal: isAdmin ? undefined : firstDefined(kinds.map((kind) => BACKEND_KINDS[kind].reservedFor?.(config))),
      };
    },
    externalOwner: async (backend) => owners.get(backend)?.() ?? null,
    knownBackends: (kind) => (hasNames(kind, config) ? namesOf(kind, config) : undefined),
  };
}

function firstDefined(texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined);
}

function namesOf(kind: DatasourceKind, config: Config): string[] {
  const names = BACKEND_KINDS[kind].names(config);
  return names.filter((name) => name !== null).sort();
}
