import { typeOf } from '../alarm/types/index.js';
import { AppError } from '../errors.js';
import { isAdmin, ruleProject } from './identity/authorize.js';
import type { Identity } from './identity/identity.js';
import { NAMED_BACKENDS, type NamedBackend, type RuleChecks } from './ports.js';
import type { AlarmRequest } from './schema/alarm-request.js';

type Wanted = Pick<AlarmRequest, 'rule' | 'project_id' | 'evaluationOptions'>;

/**
 * Has the services that a rule will ask look at it, in the form in which it would be stored, and says whose the metrics of everybody's resources
 * are, which that form takes. A caller who has no project is told so later, once the role is checked.
 */
export async function refuseBadRule(
  wanted: Wanted,
  identity: Identity,
  checks: RuleChecks,
): Promise<{ externalOwner: string | null }> {
  refuseUnknownBackend(wanted, checks);
  const { rule, project_id } = wanted;
  const kind = typeOf(rule);
  const asked = kind.backends(rule).filter(hasNames);
  if (asked.length === 0 || (identity.projectId === null && !isAdmin(identity))) return { externalOwner: null };
  const backend = backendOf(wanted);
  const externalOwner = asked.includes('gnocchi') ? await checks.externalOwner(backend) : null;
  const scoped = kind.scopedTo(rule, { projectId: ruleProject(identity, project_id), externalOwner });
  await checks.check(scoped, { token: identity.token, isAdmin: isAdmin(identity) }, backend);
  return { externalOwner };
}

/** @throws AppError when an alarm names a backend that is not there, or for a rule that asks none with a name. */
export function refuseUnknownBackend(wanted: Wanted, { knownBackends }: Pick<RuleChecks, 'knownBackends'>): void {
  const { rule } = wanted;
  const backend = backendOf(wanted);
  if (backend === null) return;
  const asked = typeOf(rule).backends(rule).filter(hasNames);
  if (asked.length === 0) throw unusable(backend, `It cannot be used with alarms of type ${rule.type}`);
  for (const kind of asked) {
    const known = knownBackends(kind);
    if (known.includes(backend)) continue;
    const names = known.length === 0 ? 'none has a name' : `it should be one of: ${known.join(', ')}`;
    throw unusable(backend, `No backend of kind ${kind} has this name; ${names}`);
  }
}

/** The backend that an alarm names; null is the default one. */
export function backendOf({ evaluationOptions }: Pick<Wanted, 'evaluationOptions'>): string | null {
  return evaluationOptions?.backend ?? null;
}

function hasNames(backend: string): backend is NamedBackend {
  return (NAMED_BACKENDS as readonly string[]).includes(backend);
}

function unusable(backend: string, message: string): AppError {
  return new AppError('invalid_request', `Invalid input for field/attribute backend. Value: '${backend}'. ${message}`);
}
