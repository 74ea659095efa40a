import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { notChecked, notEvaluated } from '../../alarm/state-reason.js';
import type { ExternalOwners } from '../../alarm/types/alarm-type.js';
import { leavesOf, optionsOf, type CompositeLeaf } from '../../alarm/types/composite/tree.js';
import { partsOf, typeOf, type AlarmRule, type RulePart } from '../../alarm/types/index.js';
import { AppError } from '../../errors.js';
import { isAdmin, ruleProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { NAMED_BACKENDS, type NamedBackend, type RuleChecks } from '../ports.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

type Wanted = Pick<AlarmRequest, 'rule' | 'project_id' | 'evaluationOptions'>;

/** The result of the checks of a rule that may be stored. */
export interface CheckedRule extends ExternalOwners {
  /** The `state_reason` of an alarm whose rule was not checked or cannot be evaluated; absent otherwise. */
  ruleReason?: string;
}

/**
 * Has the services that a rule will ask look at it, in the form in which it would be stored, and says whose the metrics
 * of everybody's resources are, which that form takes. A caller who has no project is told so later, once the role is
 * checked.
 */
export async function refuseBadRule(wanted: Wanted, identity: Identity, checks: RuleChecks): Promise<CheckedRule> {
  refuseUnknownBackend(wanted, checks);
  const { rule, project_id, evaluationOptions } = wanted;
  const kind = typeOf(rule);
  if (kind.backends(rule).every(isBuiltIn) || (identity.projectId === null && !isAdmin(identity))) return {};
  const owners = await externalOwnersFor(wanted, checks);
  const scoped = kind.scopedTo(rule, { projectId: ruleProject(identity, project_id), ...owners });
  const author = { token: identity.token, isAdmin: isAdmin(identity) };
  const missing: string[] = [];
  const unchecked: string[] = [];
  for (const [backend, part] of byBackend(scoped, evaluationOptions?.backend)) {
    missing.push(...checks.missingBackends(part, backend));
    unchecked.push(...(await checks.check(part, author, backend)));
  }
  if (missing.length > 0) return { ...owners, ruleReason: notEvaluated(missing) };
  return unchecked.length > 0 ? { ...owners, ruleReason: notChecked(unchecked) } : owners;
}

function isBuiltIn(backend: string): boolean {
  return backend === 'meters';
}

/**
 * @throws AppError when an alarm, or a rule within it, names a backend that is not there, or for a rule that asks none
 * with a name.
 */
export function refuseUnknownBackend(wanted: Wanted, checks: Pick<RuleChecks, 'knownBackends'>): void {
  for (const part of partsIn(wanted)) refuseUnknownName(part, checks);
}

function refuseUnknownName(
  { rule, options: { backend } }: RulePart,
  { knownBackends }: Pick<RuleChecks, 'knownBackends'>,
): void {
  if (backend === undefined) return;
  const asked = typeOf(rule).backends(rule).filter(hasNames);
  if (asked.length === 0) throw unusable(backend, `It cannot be used with alarms of type ${rule.type}`);
  for (const kind of asked) {
    const known = knownBackends(kind);
    if (known.includes(backend)) continue;
    const names = known.length === 0 ? 'none has a name' : `it should be one of: ${known.join(', ')}`;
    throw unusable(backend, `No backend of kind ${kind} has this name; ${names}`);
  }
}

/** Asks each backend that a rule is about, under the name that the rule calls it by. */
export async function externalOwnersFor(
  wanted: Wanted,
  checks: Pick<RuleChecks, 'externalOwner'>,
): Promise<ExternalOwners> {
  const owners = new Map<string | null, string | null>();
  for (const { rule, options } of partsIn(wanted)) {
    if (!typeOf(rule).backends(rule).includes('gnocchi')) continue;
    const name = options.backend ?? null;
    if (!owners.has(name)) owners.set(name, await checks.externalOwner(name));
  }
  const own = wanted.evaluationOptions?.backend ?? null;
  return { externalOwner: owners.get(own) ?? null, externalOwnersAt: owners };
}

function partsIn({ rule, evaluationOptions }: Wanted): RulePart[] {
  return partsOf(rule, evaluationOptions ?? NO_OPTIONS);
}

/** A rule in as few parts as there are backends, by their names; null is the default one of each kind. */
function byBackend(rule: AlarmRule, backend: string | undefined): Map<string | null, AlarmRule> {
  if (rule.type !== 'composite') return new Map([[backend ?? null, rule]]);
  const leaves = new Map<string | null, CompositeLeaf[]>();
  for (const leaf of leavesOf(rule.tree)) {
    const name = optionsOf(leaf).backend ?? null;
    leaves.set(name, [...(leaves.get(name) ?? []), leaf]);
  }
  const parts = [...leaves].map(([name, some]) => [name, { type: 'composite', tree: { and: some } }] as const);
  return parts.length === 1 ? new Map([[parts[0]![0], rule]]) : new Map(parts);
}

function hasNames(backend: string): backend is NamedBackend {
  return (NAMED_BACKENDS as readonly string[]).includes(backend);
}

function unusable(backend: string, message: string): AppError {
  return new AppError('invalid_request', `Invalid input for field/attribute backend. Value: '${backend}'. ${message}`);
}
