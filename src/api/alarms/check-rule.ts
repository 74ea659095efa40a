import { NO_OPTIONS } from '../../alarm/evaluation-options.js';
import { notChecked, notEvaluated } from '../../alarm/state-reason.js';
import type { ExternalOwners } from '../../alarm/types/alarm-type.js';
import { leavesOf, optionsOf, type CompositeLeaf } from '../../alarm/types/composite/tree.js';
import { partsOf, typeOf, type AlarmRule, type RulePart } from '../../alarm/types/index.js';
import { AppError, type AppErrorOptions } from '../../errors.js';
import { isAdmin, ruleProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { RuleChecks } from '../ports.js';
import type { AlarmRequest } from '../schema/alarm-request.js';
import { locatingRules } from './refused-field.js';

type Wanted = Pick<AlarmRequest, 'rule' | 'project_id' | 'evaluationOptions'>;

/** Result of the checks of a valid rule. */
export interface CheckedRule extends ExternalOwners {
  /** The `state_reason` of an alarm whose rule was not checked or cannot be evaluated; absent otherwise. */
  ruleReason?: string;
}

/**
 * Has the backends of a rule check it in the form in which it would be stored. That form needs the owner of external
 * metrics in Gnocchi, which is returned too. A caller without a project is refused later, with the check of the role.
 * @throws AppError for a rule that a backend refuses.
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
    unchecked.push(...(await locatingRules(scoped, () => checks.check(part, author, backend))));
  }
  if (missing.length > 0) return { ...owners, ruleReason: notEvaluated(missing) };
  return unchecked.length > 0 ? { ...owners, ruleReason: notChecked(unchecked) } : owners;
}

function isBuiltIn(backend: string): boolean {
  return backend === 'meters';
}

/**
 * @throws AppError if the alarm or a part of its rule names an unknown backend, or has a type without named backends.
 */
export function refuseUnknownBackend(wanted: Wanted, checks: Pick<RuleChecks, 'knownBackends'>): void {
  for (const part of partsIn(wanted)) refuseUnknownName(part, checks, placeOfBackend(wanted.rule, part));
}

/** The options of a rule within a composite one stand in that rule, those of other rules in the alarm. */
function placeOfBackend(ruleOfAlarm: AlarmRule, { rule }: RulePart): AppErrorOptions {
  const path = ['tocsin', 'backend'];
  return ruleOfAlarm.type === 'composite' ? { fieldIn: { part: rule, path } } : { field: path };
}

function refuseUnknownName(
  { rule, options: { backend } }: RulePart,
  { knownBackends }: Pick<RuleChecks, 'knownBackends'>,
  place: AppErrorOptions,
): void {
  if (backend === undefined) return;
  const kinds = typeOf(rule)
    .backends(rule)
    .map((kind) => ({ kind, known: knownBackends(kind) }))
    .filter(({ known }) => known !== undefined);
  if (kinds.length === 0) throw unusable(backend, `It cannot be used with alarms of type ${rule.type}`, place);
  for (const { kind, known = [] } of kinds) {
    if (known.includes(backend)) continue;
    const names = known.length === 0 ? 'none has a name' : `it should be one of: ${known.join(', ')}`;
    throw unusable(backend, `No backend of kind ${kind} has this name; ${names}`, place);
  }
}

/** The owners of external metrics at each Gnocchi that the rule names, by name; null is the default Gnocchi. */
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
  const ofAlarm = wanted.evaluationOptions?.backend ?? null;
  return { externalOwner: owners.get(ofAlarm) ?? null, externalOwnersAt: owners };
}

function partsIn({ rule, evaluationOptions }: Wanted): RulePart[] {
  return partsOf(rule, evaluationOptions ?? NO_OPTIONS);
}

/** Splits a rule by the names of its backends, so that each backend checks its part; null is the default name. */
function byBackend(rule: AlarmRule, backend: string | undefined): Map<string | null, AlarmRule> {
  if (rule.type !== 'composite') return new Map([[backend ?? null, rule]]);
  const leaves = new Map<string | null, CompositeLeaf[]>();
  for (const leaf of leavesOf(rule.tree)) {
    const name = optionsOf(leaf).backend ?? null;
    leaves.set(name, [...(leaves.get(name) ?? []), leaf]);
  }
  const parts = [...leaves].map(([name, list]) => [name, { type: 'composite', tree: { and: list } }] as const);
  return parts.length === 1 ? new Map([[parts[0]![0], rule]]) : new Map(parts);
}

function unusable(backend: string, problem: string, place: AppErrorOptions): AppError {
  const message = `Invalid input for field/attribute backend. Value: '${backend}'. ${problem}`;
  return new AppError('invalid_request', message, place);
}
