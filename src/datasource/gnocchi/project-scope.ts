/**
 * The resources and metrics that alarms of a project may read: those that the project created, and its own among those
 * that one project (Ceilometer's, the external owner) creates for all others.
 *
 * A Gnocchi without Keystone knows users and no projects. No project created anything there, so only alarms of admins
 * find data. Alarms of admins (project null) read the data of all projects, and so do all callers of a service without
 * authentication.
 */

/** The fields of a resource that tell its owners. */
export interface Owned {
  project_id?: string | null | undefined;
  created_by_project_id?: string | null | undefined;
}

/** True if the project may read the resource. No project has the id `''`. */
export function mayRead(project: string, resource: Owned, externalOwner: string | null): boolean {
  if (project === '') return false;
  if (resource.created_by_project_id === project) return true;
  return isOwner(externalOwner) && resource.created_by_project_id === externalOwner && resource.project_id === project;
}

/**
 * The same rule as a condition of Gnocchi's search; undefined if all resources may be read. The project must not be
 * `''`.
 */
export function projectFilter(project: string | null, externalOwner: string | null): object | undefined {
  if (project === null) return undefined;
  const own = createdBy(project);
  if (!isOwner(externalOwner)) return own;
  return { or: [own, { and: [createdBy(externalOwner), { '=': { project_id: project } }] }] };
}

function isOwner(externalOwner: string | null): externalOwner is string {
  return externalOwner !== null && externalOwner !== '';
}

/** Gnocchi compares this one attribute by SQL `LIKE`, so `_` and `%` are escaped. */
function createdBy(project: string): object {
  return { '=': { created_by_project_id: project.replace(/[\\%_]/g, String.raw`\$&`) } };
}
