import { eventsAnswer } from '../answers/event-answer.js';
import { takeIn, type EventIntakeDeps } from '../alarms/event-intake.js';
import { isAdmin, refuseForeignProject } from '../identity/authorize.js';
import { BULK_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { eventsIn } from '../schema/event-request.js';

export type EventRoutesDeps = EventIntakeDeps;

/** `/v2/events`, which replaces the message bus from which Aodh receives events. */
export function eventRoutes(deps: EventRoutesDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/v2/events',
      policy: 'member',
      audit: 'event.create',
      keyed: 'repeatable',
      body: BULK_BODY,
      handle: (request) => post(deps, request),
    },
  ];
}

/**
 * Answers 200 and not 202, since all effects of the events are committed before the answer, except for the firings of
 * alarms that are still locked.
 */
async function post(deps: EventRoutesDeps, { identity, list, note }: ApiRequest): Promise<ApiAnswer> {
  const posted = eventsIn(list);
  const projects = new Set<string>();
  for await (const events of posted) for (const { projectId } of events) projects.add(projectId);
  for (const projectId of projects) refuseForeignProject(identity, projectId);
  if (isAdmin(identity)) note({ projects });
  return { status: 200, body: eventsAnswer(await takeIn(deps, posted)) };
}
