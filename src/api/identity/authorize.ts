import { pythonText } from '../../alarm/wire/wire-types.js';
import { AppError, type BodyPath } from '../../errors.js';
import type { Scope } from '../../storage/scope.js';
import type { Identity } from './identity.js';
import { ROLES, type Role } from '../../role.js';

/**
 * What a route requires: a role, authentication without a role (`anyone`), or nothing (`public`). `admin` is an admin
 * of all projects, `project_admin` also one of a single project.
 */
export type Policy = Role | 'project_admin' | 'anyone' | 'public';

/** Checks the role of a caller. The only place that does. @throws AppError `forbidden`. */
export function authorize(identity: Identity, policy: Policy): void {
  if (policy === 'public' || policy === 'anyone') return;
  const hasRole =
    policy === 'admin' ? isAdmin(identity) : holds(identity, policy === 'project_admin' ? 'admin' : policy);
  // A caller without a project owns nothing, so only an admin may go on.
  if (!hasRole || identity.isSystemScoped || (!isAdmin(identity) && identity.projectId === null)) {
    throw new AppError('forbidden', 'RBAC Authorization Failed');
  }
}

/** True for an admin of all projects, false for an admin of one project only. */
export function isAdmin(identity: Identity): boolean {
  return identity.role === 'admin' && !identity.isBoundToProject;
}

/** True if the caller has the role or one that includes it, in all projects or in one. */
export function holds({ role }: Identity, wanted: Role): boolean {
  return role !== null && ROLES.indexOf(role) >= ROLES.indexOf(wanted);
}

/** False for a caller without a project, who can see no alarm. Admins can see all alarms. */
export function canSeeAlarms(identity: Identity): boolean {
  return isAdmin(identity) || identity.projectId !== null;
}

/**
 * The rows that the caller may see: all rows for admins, otherwise those of the caller's project. Only source of
 * scopes.
 */
export function scopeOf(identity: Identity): Scope {
  if (isAdmin(identity)) return { all: true };
  return { projectId: ownProject(identity) };
}

/**
 * The scope of a list that may name a project: that project, or that of `scopeOf` without one.
 * @throws AppError `not_authorized` if the caller may not name it.
 */
export function scopeWithin(identity: Identity, projectId: string | undefined): Scope {
  if (projectId === undefined) return scopeOf(identity);
  refuseForeignProject(identity, projectId);
  return { projectId };
}

/**
 * @param field Path of the project in the body, if it comes from there.
 * @throws AppError `not_authorized` unless the caller may name this project.
 */
export function refuseForeignProject(identity: Identity, projectId: string | null, field?: BodyPath): void {
  if (!isAdmin(identity) && projectId !== identity.projectId) {
    const message = `Not Authorized to access project ${pythonText(projectId)}`;
    throw new AppError('not_authorized', message, field && { field });
  }
}

/** The project whose data a rule may read. Null is all projects, which only an alarm that an admin owns may read. */
export function ruleProject(identity: Identity, statedProjectId: string | null | undefined): string | null {
  if (!isAdmin(identity)) return ownProject(identity);
  return statedProjectId !== undefined && statedProjectId !== identity.projectId ? statedProjectId : null;
}

function ownProject({ projectId }: Identity): string {
  if (projectId === null) throw new AppError('forbidden', 'RBAC Authorization Failed');
  return projectId;
}
