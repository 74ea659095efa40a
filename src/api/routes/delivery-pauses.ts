import { AppError } from '../../errors.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import { pauseAnswer } from '../answers/notification-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { parseWith } from '../http/faultstring.js';
import { invalidInput } from '../http/query-parameters.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { NotificationAdmin } from '../ports.js';
import { PauseRequest } from '../schema/pause-request.js';
import { utcTimestamp } from '../schema/timestamp.js';

export interface DeliveryPauseRoutesDeps {
  notifications: Pick<NotificationAdmin, 'pauses' | 'pause' | 'resume'>;
  now: () => Date;
}

const MAX_PROJECT = 128;

/** `/v1/delivery-pauses`: list, begin and end pauses of deliveries. */
export function deliveryPauseRoutes(deps: DeliveryPauseRoutesDeps): Route[] {
  const pause = '/v1/delivery-pauses/:project';
  return [
    {
      method: 'GET',
      path: '/v1/delivery-pauses',
      policy: 'reader',
      audit: 'delivery.list_pauses',
      handle: (r) => pauses(deps, r),
    },
    {
      method: 'PUT',
      path: pause,
      policy: 'member',
      audit: 'delivery.pause',
      body: SMALL_BODY,
      handle: (r) => setPause(deps, r),
    },
    { method: 'DELETE', path: pause, policy: 'member', audit: 'delivery.resume', handle: (r) => liftPause(deps, r) },
  ];
}

async function pauses({ notifications, now }: DeliveryPauseRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  noteProject(request);
  const found = await notifications.pauses(scopeOf(request.identity), now());
  return { status: 200, body: found.map(pauseAnswer) };
}

async function setPause({ notifications, now }: DeliveryPauseRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const projectId = pausable(request);
  const { ends_at: endsAt = null, reason } = parseWith(PauseRequest, { argument: 'data', value: request.body ?? {} });
  const at = now();
  if (endsAt && endsAt <= at)
    throw invalidInput('ends_at', utcTimestamp(endsAt), 'It must be in the future.').at(['ends_at']);
  await notifications.pause(projectId, at, { endsAt, reason, pausedBy: request.identity.userId });
  return { status: 204 };
}

async function liftPause({ notifications, now }: DeliveryPauseRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  await notifications.resume(pausable(request), now());
  return { status: 204 };
}

function pausable({ identity, params, note }: ApiRequest): string {
  const project = params['project'] ?? '';
  if (project.length > MAX_PROJECT)
    throw invalidInput('project', `${project.slice(0, 20)}…`, `at most ${MAX_PROJECT} characters`);
  if (isAdmin(identity)) note({ projectId: project });
  if (isAdmin(identity)) return project;
  if (project === ALL_PROJECTS) throw new AppError('forbidden', 'RBAC Authorization Failed');
  if (project !== identity.projectId) throw new AppError('not_found', `Project ${project} not found`);
  return project;
}
