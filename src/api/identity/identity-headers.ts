import type { IncomingHttpHeaders } from 'node:http';

/**
 * The headers by which Keystone's middleware tells a service who asks, in all their ages; `x-service-…` speak of a
 * service that asks on somebody's behalf.
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

/** Deletes every header with which a client could say who it is, where that is not for the client to say. */
export function deleteIdentityHeaders(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) {
    // A proxy or a client may write an underscore for a dash.
    const meant = name.replaceAll('_', '-');
    if (NAMES.has(meant) || OF_SERVICES.test(meant)) delete headers[name];
  }
}
