/**
 * Whose resources and metrics the alarms of a project may read: those that the project created itself; and its own
 * among those that one project, Ceilometer's, creates for everybody (the external owner).
 *
 * A Gnocchi without Keystone knows users and no projects, so nothing there was created by a project: alarms of
 * everybody but admins find nothing in it. Admins look at everybody's data (project null), and so do all callers of a
 * service without authentication.
 */

export interface Owned {
  project_id?: string | null | undefined;
  created_by_project_id?: string | null | undefined;
}

/** Whether the resource is one that the project may read. `''` is nobody's id. */
export function mayRead(project: string, resource: Owned, externalOwner: string | null): boolean {
  if (project === '') return false;
  if (resource.created_by_project_id === project) return true;
  return isOwner(externalOwner) && resource.created_by_project_id === externalOwner && resource.project_id === project;
}

/** The same as a condition of Gnocchi's search; undefined where everything may be read. Not for `''`. */
export function projectFilter(project: string | null, externalOwner: string | null): object | undefined {
  if (project === null) return undefined;
  const own = createdBy(project);
  if (!isOwner(externalOwner)) return own;
  return { or: [own, { and: [createdBy(externalOwner), { '=': { project_id: project } }] }] };
}

function isOwner(externalOwner: string | null): externalOwner is string {
  return externalOwner !== null && externalOwner !== '';
}

/** Gnocchi compares this one attribute as a pattern of SQL, in which `_` and `%` stand for others. */
function createdBy(project: string): object {
  return { '=': { created_by_project_id: project.replace(/[\\%_]/g, String.raw`\$&`) } };
}
