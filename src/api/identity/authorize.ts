import { pythonText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import type { Scope } from '../../storage/scope.js';
import type { Identity } from './identity.js';
import { ROLES, type Role } from '../../role.js';

/** What a route asks of its caller: a role, none of them (`anyone` who is known), or (`public`) not even who it is. */
export type Policy = Role | 'anyone' | 'public';

/** The one place where a request is allowed or refused by role. */
export function authorize(identity: Identity, policy: Policy): void {
  if (policy === 'public' || policy === 'anyone') return;
  const enough = policy === 'admin' ? isAdmin(identity) : holds(identity, policy);
  // Without a project there is nothing that anybody but an admin could own.
  if (!enough || identity.isSystemScoped || (!isAdmin(identity) && identity.projectId === null)) {
    throw new AppError('forbidden', 'RBAC Authorization Failed');
  }
}

/** Admin of everything, not only of one project. */
export function isAdmin(identity: Identity): boolean {
  return identity.role === 'admin' && !identity.isBoundToProject;
}

/** Whether the caller holds a role or one that includes it, be it in one project only. */
export function holds({ role }: Identity, wanted: Role): boolean {
  return role !== null && ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** Whether there can be alarms that the caller sees: not without a project, but for admins. */
export function canSeeAlarms(identity: Identity): boolean {
  return isAdmin(identity) || identity.projectId !== null;
}

/** What the caller may see: everything, for admins; else the own project. The only maker of scopes. */
export function scopeOf(identity: Identity): Scope {
  if (isAdmin(identity)) return { all: true };
  return { projectId: ownProject(identity) };
}

/** @throws AppError `not_authorized` unless the caller may name this project. */
export function refuseForeignProject(identity: Identity, projectId: string | null): void {
  if (!isAdmin(identity) && projectId !== identity.projectId) {
    throw new AppError('not_authorized', `Not Authorized to access project ${pythonText(projectId)}`);
  }
}

/** Whose data a rule may look at: everybody's only for an admin's own alarm. */
export function ruleProject(identity: Identity, statedProjectId: string | null | undefined): string | null {
  if (!isAdmin(identity)) return ownProject(identity);
  return statedProjectId !== undefined && statedProjectId !== identity.projectId ? statedProjectId : null;
}

function ownProject({ projectId }: Identity): string {
  if (projectId === null) throw new AppError('forbidden', 'RBAC Authorization Failed');
  return projectId;
}
