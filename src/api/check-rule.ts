import { typeOf } from '../alarm/types/index.js';
import { isAdmin, ruleProject } from './identity/authorize.js';
import type { Identity } from './identity/identity.js';
import type { RuleChecks } from './ports.js';
import type { AlarmRequest } from './schema/alarm-request.js';

/**
 * Has the services that a rule will ask look at it, in the form in which it would be stored, and says whose the metrics of everybody's resources
 * are, which that form takes. A caller who has no project is told so later, once the role is checked.
 */
export async function refuseBadRule(
  { rule, project_id }: Pick<AlarmRequest, 'rule' | 'project_id'>,
  identity: Identity,
  checks: RuleChecks,
): Promise<{ externalOwner: string | null }> {
  const kind = typeOf(rule);
  const asksGnocchi = kind.backends(rule).includes('gnocchi');
  if (!asksGnocchi || (identity.projectId === null && !isAdmin(identity))) return { externalOwner: null };
  const externalOwner = await checks.externalOwner();
  const scoped = kind.scopedTo(rule, { projectId: ruleProject(identity, project_id), externalOwner });
  await checks.check(scoped, { token: identity.token, isAdmin: isAdmin(identity) });
  return { externalOwner };
}
