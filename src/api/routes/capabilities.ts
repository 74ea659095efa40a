import type { Route } from '../http/route.js';

const CAPABILITIES = {
  api: {
    'alarms:history:query:complex': true,
    'alarms:history:query:simple': true,
    'alarms:query:complex': true,
    'alarms:query:simple': true,
  },
  alarm_storage: { 'storage:production_ready': true },
};

/** What an Aodh on a database of production grade says of itself. Clients need no role to ask. */
export function capabilityRoutes(): Route[] {
  return [
    { method: 'GET', path: '/v2/capabilities', policy: 'anyone', handle: () => ({ status: 200, body: CAPABILITIES }) },
  ];
}
