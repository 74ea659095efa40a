import { ALL_SILENCED, type Silence } from '../../alarm/silence/silence.js';
import { AppError } from '../../errors.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import { MOST_SILENCES } from '../../storage/silences/silence-store.js';
import type { AuditNotes } from '../audit/request-audit.js';
import { invalidInput } from '../http/query-parameters.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { SilenceRequest } from '../schema/silence-request.js';

/** The projects whose alarms are to be held. @throws AppError if the caller may not hold them. */
export function projectsOf(identity: Identity, { project_ids, all_projects }: SilenceRequest): string[] {
  if (all_projects) {
    if (!isAdmin(identity)) throw new AppError('forbidden', 'RBAC Authorization Failed');
    return [ALL_SILENCED];
  }
  if (project_ids === null && identity.projectId === null)
    throw invalidInput('project_ids', 'None', 'Mandatory field missing.').at(['project_ids']);
  return inOrder(project_ids ?? [identity.projectId ?? '']).map((project) => named(identity, project, 'project_ids'));
}

/** Each project once. */
function inOrder(projects: readonly string[]): string[] {
  return [...new Set(projects)].sort();
}

/** @throws AppError for a project that the caller may not name. */
export function named(identity: Identity, project: string, field: 'project_id' | 'project_ids'): string {
  if (project === ALL_SILENCED) {
    const refusal = invalidInput(field, project, 'It names no project; all_projects is for all of them.');
    throw field === 'project_ids' ? refusal.at([field]) : refusal;
  }
  if (!isAdmin(identity) && project !== identity.projectId)
    throw new AppError('not_found', `Project ${project} not found`);
  return project;
}

/** A silence stays with its projects, whose limit counts it. @throws AppError if the request names others. */
export function refuseOtherProjects({ project_ids, all_projects }: SilenceRequest, { projects }: Silence): void {
  const wanted = all_projects ? [ALL_SILENCED] : inOrder(project_ids ?? projects);
  if (wanted.length === projects.length && wanted.every((project, index) => project === projects[index])) return;
  throw invalidInput('project_ids', project_ids?.join() ?? 'None', 'They cannot be changed: make another silence.').at([
    'project_ids',
  ]);
}

/** Users change the silences of their own project, but not those that an admin made for it or for several. */
export function mayChange(identity: Identity, { projects, isAdmins }: Silence): boolean {
  return isAdmin(identity) || (identity.role !== 'reader' && !isAdmins && isOnly(projects, identity.projectId));
}

/** True if these are this project and no other. */
export function isOnly([first, ...others]: readonly string[], project: string | null): boolean {
  return first === project && others.length === 0;
}

/** @throws AppError unless the caller may change the silence. */
export function refuseToChange(identity: Identity, silence: Silence): void {
  if (!mayChange(identity, silence)) throw new AppError('forbidden', 'RBAC Authorization Failed');
}

/** True if the caller may know that the silence holds alarms of this project. */
export function maySee(identity: Identity, project: string): boolean {
  return isAdmin(identity) || project === identity.projectId;
}

/** The projects of a silence, for the audit trail. */
export function auditNotes(identity: Identity, projects: readonly string[]): AuditNotes {
  if (projects.includes(ALL_SILENCED)) return { projectId: ALL_PROJECTS };
  const [first, ...others] = projects.filter((project) => maySee(identity, project));
  // Several are never only those of the caller, so an admin's read is in the trail.
  if (others.length > 0) return { projectId: ALL_PROJECTS, projects: new Set(projects) };
  return first === undefined ? {} : { projectId: first };
}

/** The refusal of a silence at the limit. */
export function tooManySilences(projects: readonly string[]): AppError {
  const [subject, counted] = projects.length === 1 ? ['The project has', ''] : ['There are', ' of several projects'];
  return new AppError(
    'forbidden',
    `${subject} ${MOST_SILENCES} active and planned silences${counted}, which is the limit: ` +
      'end one, or wait for its end',
  );
}
