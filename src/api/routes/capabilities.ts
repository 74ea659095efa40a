import type { CapabilitiesAnswer } from '../answers/service-answer.js';
import type { Route } from '../http/route.js';

const CAPABILITIES: CapabilitiesAnswer = {
  api: {
    'alarms:history:query:complex': true,
    'alarms:history:query:simple': true,
    'alarms:query:complex': true,
    'alarms:query:simple': true,
  },
  alarm_storage: { 'storage:production_ready': true },
};

/** `/v2/capabilities`: the answer of an Aodh with a database for production. Requires no role. */
export function capabilityRoutes(): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/capabilities',
      policy: 'anyone',
      audit: null,
      handle: () => ({ status: 200, body: CAPABILITIES }),
    },
  ];
}
