import { takeIn, type EventIntakeDeps } from '../alarms/event-intake.js';
import { refuseForeignProject } from '../identity/authorize.js';
import { BULK_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { eventsIn } from '../schema/event-request.js';

export type EventRoutesDeps = EventIntakeDeps;

/** The door for events, where Aodh listens on a message bus. */
export function eventRoutes(deps: EventRoutesDeps): Route[] {
  return [
    { method: 'POST', path: '/v2/events', policy: 'member', body: BULK_BODY, handle: (request) => post(deps, request) },
  ];
}

/** 200 and not 202: all that follows from the events is done, and durable, before the answer. */
async function post(deps: EventRoutesDeps, { identity, body }: ApiRequest): Promise<ApiAnswer> {
  const events = eventsIn(body);
  for (const { projectId } of events) refuseForeignProject(identity, projectId);
  const { received, duplicates, fired } = await takeIn(deps, events);
  return { status: 200, body: { received, duplicates, alarms_fired: fired } };
}
