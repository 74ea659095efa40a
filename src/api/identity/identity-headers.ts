import type { IncomingHttpHeaders } from 'node:http';

/**
 * Headers in which Keystone's middleware passes the identity of the caller to a service, in all versions of the
 * middleware. `x-service-…` headers name a service that acts for a user.
 */
const NAMES = new Set([
  'x-identity-status',
  'x-user-id',
  'x-user-name',
  'x-user-domain-id',
  'x-user-domain-name',
  'x-project-id',
  'x-project-name',
  'x-project-domain-id',
  'x-project-domain-name',
  'x-domain-id',
  'x-domain-name',
  'x-roles',
  'x-is-admin-project',
  'openstack-system-scope',
  'x-tenant',
  'x-tenant-id',
  'x-tenant-name',
  'x-user',
  'x-role',
]);
const OF_SERVICES = /^x-service-(?!token$)/;

/** Deletes all identity headers, which only a trusted proxy may set. */
export function deleteIdentityHeaders(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) {
    // A proxy or a client may write an underscore for a dash.
    const canonical = name.replaceAll('_', '-');
    if (NAMES.has(canonical) || OF_SERVICES.test(canonical)) delete headers[name];
  }
}
