import { convertPages } from '../../async/pages.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { NotificationRecord } from '../../storage/notifications/notification-admin-store.js';
import type { ReceiverList } from '../../storage/notifications/receiver-list-store.js';
import {
  attemptAnswer,
  notificationAnswer,
  type AttemptAnswer,
  type NotificationWithAttemptsAnswer,
} from '../answers/notification-answer.js';
import { countsByReceiverAnswer } from '../answers/receiver-counts-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { keepResults } from '../http/kept-results.js';
import { pageLimit } from '../http/parameter-values.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf, scopeWithin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { NotificationAdmin } from '../ports.js';
import { namedProject, notificationFilter, NOTIFICATION_FILTERS } from '../schema/notification-query.js';

export interface NotificationRoutesDeps {
  notifications: NotificationAdmin;
  readLimit: ConcurrencyLimit;
  clock: Pick<Clock, 'monotonicMs'>;
  now: () => Date;
}

type KeptReceivers = ReturnType<typeof keepResults<null, ReceiverList>>;

const RECEIVERS_KEPT_MS = 2_000;
const LIST_LIMIT = { byDefault: 100, max: 1_000 };
const RECEIVER_LIMIT = { byDefault: 100, max: 100 };

/** `/v1/notifications`: list notifications and their receivers. */
export function notificationRoutes(deps: NotificationRoutesDeps): Route[] {
  const one = '/v1/notifications/:id';
  // The longest list serves all limits.
  const keptReceivers: KeptReceivers = keepResults((scope) => deps.notifications.receivers(scope, RECEIVER_LIMIT.max), {
    ...deps,
    keptMs: RECEIVERS_KEPT_MS,
  });
  return [
    {
      method: 'GET',
      path: '/v1/notifications',
      policy: 'reader',
      audit: 'notification.list',
      query: [...NOTIFICATION_FILTERS, 'limit', 'marker'],
      handle: (r) => list(deps, r),
    },
    {
      method: 'GET',
      path: '/v1/notifications/receivers',
      policy: 'reader',
      audit: 'notification.list',
      query: ['project_id', 'limit'],
      handle: (r) => receivers(keptReceivers, r),
    },
    { method: 'GET', path: one, policy: 'reader', audit: 'notification.read', handle: (r) => show(deps, r) },
    {
      method: 'GET',
      path: `${one}/attempts`,
      policy: 'reader',
      audit: 'notification.read_attempts',
      handle: (r) => attempts(deps, r),
    },
  ];
}

async function list({ notifications, readLimit }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const projectId = namedProject(query);
  noteProject(request, projectId);
  const limit = pageLimit(query, LIST_LIMIT);
  const scope = scopeWithin(identity, projectId);
  const marker = query.marker();
  const after = marker === undefined ? undefined : await notifications.find(scope, marker);
  if (marker !== undefined && !after) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  const found = notifications.list(scope, { ...notificationFilter(query), after, wanted: limit });
  const shown = convertPages(found, (each) => notificationAnswer(each, isAdmin(identity)), limit);
  return { status: 200, pages: readLimit.limitLongAnswer(identity.projectId, shown) };
}

async function receivers(keptReceivers: KeptReceivers, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const projectId = namedProject(query);
  noteProject(request, projectId);
  const limit = pageLimit(query, RECEIVER_LIMIT);
  const { result, at } = await keptReceivers(scopeWithin(identity, projectId), null);
  const shown = { ...result, receivers: result.receivers.slice(0, limit) };
  return { status: 200, body: countsByReceiverAnswer(shown, { at, forAdmin: isAdmin(identity) }) };
}

async function show({ notifications }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity } = request;
  const found = await notificationIn(notifications, request);
  const attempt_list = await attemptsAt(notifications, identity, found);
  const shown = {
    ...notificationAnswer(found, isAdmin(identity)),
    attempt_list,
  } satisfies NotificationWithAttemptsAnswer;
  return { status: 200, body: shown };
}

async function attempts({ notifications }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const found = await notificationIn(notifications, request);
  return { status: 200, body: await attemptsAt(notifications, request.identity, found) };
}

async function attemptsAt(
  notifications: NotificationAdmin,
  identity: Identity,
  { id }: NotificationRecord,
): Promise<AttemptAnswer[]> {
  const found = await notifications.attempts(scopeOf(identity), id);
  return found.map((each) => attemptAnswer(each, isAdmin(identity)));
}

/** The notification that the path of a request names. @throws AppError `not_found`. */
export async function notificationIn(
  notifications: NotificationAdmin,
  { identity, params, note }: ApiRequest,
): Promise<NotificationRecord> {
  const id = params['id'] ?? '';
  const found = await notifications.find(scopeOf(identity), id);
  if (!found) throw new AppError('not_found', `Notification ${id} not found`);
  note({ projectId: found.projectId });
  return found;
}
