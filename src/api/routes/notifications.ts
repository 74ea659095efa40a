import { convertPages } from '../../async/pages.js';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import type { NotificationRecord } from '../../storage/notifications/notification-admin-store.js';
import {
  NOTIFICATION_STATUSES,
  REPLAYABLE,
  type NotificationStatus,
} from '../../storage/notifications/notification-status.js';
import type { Replay, ReplaySelection } from '../../storage/notifications/replay-store.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import { noteProject } from '../audit/request-audit.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { NotificationAdmin } from '../ports.js';
import { momentIn } from '../http/parameter-values.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import { parseWith } from '../http/faultstring.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { PauseRequest } from '../schema/pause-request.js';
import { parseTimestamp, preciseUtcTimestamp, utcTimestamp } from '../schema/timestamp.js';
import {
  attemptAnswer,
  notificationAnswer,
  pauseAnswer,
  type AttemptAnswer,
  type BulkReplayAnswer,
  type NotificationWithAttemptsAnswer,
  type ReplayAnswer,
} from '../answers/notification-answer.js';

export interface NotificationRoutesDeps {
  notifications: NotificationAdmin;
  readLimit: ConcurrencyLimit;
  now: () => Date;
  log: Pick<Logger, 'warn'>;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const MAX_PROJECT = 128;
const MS_OF_SECOND = 1_000;

/** `/v1/notifications` and `/v1/delivery-pauses`: list notifications, send them again, pause deliveries. */
export function notificationRoutes(deps: NotificationRoutesDeps): Route[] {
  const one = '/v1/notifications/:id';
  const pause = '/v1/delivery-pauses/:project';
  const filters = ['status', 'alarm_id'];
  return [
    {
      method: 'GET',
      path: '/v1/notifications',
      policy: 'reader',
      audit: 'notification.list',
      query: [...filters, 'host', 'since', 'until', 'limit', 'marker'],
      handle: (r) => list(deps, r),
    },
    {
      method: 'POST',
      path: '/v1/notifications/replay',
      policy: 'member',
      audit: 'notification.replay',
      replays: true,
      query: [...filters, 'ended_before'],
      handle: (r) => replayMany(deps, r),
    },
    { method: 'GET', path: one, policy: 'reader', audit: 'notification.read', handle: (r) => show(deps, r) },
    {
      method: 'GET',
      path: `${one}/attempts`,
      policy: 'reader',
      audit: 'notification.read_attempts',
      handle: (r) => attempts(deps, r),
    },
    {
      method: 'POST',
      path: `${one}/replay`,
      policy: 'member',
      audit: 'notification.replay',
      replays: true,
      handle: (r) => replayOne(deps, r),
    },
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

async function list({ notifications, readLimit }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  noteProject(request);
  const limit = query.limit() ?? DEFAULT_LIMIT;
  if (limit > MAX_LIMIT) throw invalidInput('limit', String(limit), `at most ${MAX_LIMIT}`);
  const scope = scopeOf(identity);
  const marker = query.marker();
  const after = marker === undefined ? undefined : await notifications.find(scope, marker);
  if (marker !== undefined && !after) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  const found = notifications.list(scope, {
    ...filterOf(query),
    host: query.one('host'),
    since: momentIn(query, 'since'),
    until: momentIn(query, 'until'),
    after,
    wanted: limit,
  });
  const shown = convertPages(found, (each) => notificationAnswer(each, isAdmin(identity)), limit);
  return { status: 200, pages: readLimit.limitLongAnswer(identity.projectId, shown) };
}

async function show({ notifications }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity } = request;
  const found = await theNotification(notifications, request);
  const attempt_list = await attemptsAt(notifications, identity, found);
  const shown = {
    ...notificationAnswer(found, isAdmin(identity)),
    attempt_list,
  } satisfies NotificationWithAttemptsAnswer;
  return { status: 200, body: shown };
}

async function attempts({ notifications }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const found = await theNotification(notifications, request);
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

async function replayOne(deps: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { id } = await theNotification(deps.notifications, request);
  const { replayed, removed, hasMore } = await replay(deps, request, { selection: { id }, at: deps.now() });
  if (replayed > 0) return { status: 202, body: { replayed, has_more: hasMore } satisfies ReplayAnswer };
  if (removed > 0)
    throw new AppError(
      'conflict',
      `Notification ${id} is for an action that was removed from its alarm: add the action again to replay it`,
    );
  const { kind, status } = await theNotification(deps.notifications, request);
  if (kind === 'test') throw new AppError('conflict', `Notification ${id} is a test: send a new one instead`);
  throw new AppError(
    'conflict',
    REPLAYABLE.includes(status)
      ? `Notification ${id} is changed by another request at this moment: read it again`
      : `Notification ${id} is ${status}: only dead, superseded, cancelled or silenced ones can be replayed`,
  );
}

/** Replays notifications of one status, by default dead ones. To replay all statuses at once is never intended. */
async function replayMany(deps: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { status = 'dead', alarmId } = filterOf(request.query);
  const at = deps.now();
  const endedBefore = endedBeforeIn(request.query, at);
  noteProject(request);
  const { replayed, hasMore } = await replay(deps, request, { selection: { status, alarmId, endedBefore }, at });
  const body = { replayed, has_more: hasMore, ended_before: endedBefore } satisfies BulkReplayAnswer;
  return { status: 202, body };
}

/** A time in the future counts as now, so that notifications that end again after this request are left out. */
function endedBeforeIn(query: QueryParameters, now: Date): string {
  const text = query.one('ended_before');
  if (text === undefined) return utcTimestamp(now);
  const time = parseTimestamp(text);
  if (!time) throw invalidInput('ended_before', text, 'It is not a timestamp in ISO 8601.');
  return time < now ? preciseUtcTimestamp(text, time) : utcTimestamp(now);
}

/** @throws AppError `too_many_requests` if the hourly limit of notifications lets none be sent. */
async function replay(
  { notifications, log }: NotificationRoutesDeps,
  { identity, note, signal }: ApiRequest,
  { selection, at }: { selection: ReplaySelection; at: Date },
): Promise<Replay> {
  const replayedProjects = new Set<string>();
  if (isAdmin(identity)) note({ projects: replayedProjects });
  const outcome = await notifications.replay(scopeOf(identity), selection, at, {
    signal,
    onPart({ projects, limited }) {
      for (const projectId of projects) replayedProjects.add(projectId);
      for (const projectId of limited)
        log.warn('a project has reached limits.notifications_per_hour; its repeats wait', { projectId });
    },
  });
  if (outcome.replayed === 0 && outcome.limitedUntil) throw tooMany(outcome.limitedUntil, at);
  return outcome;
}

function tooMany(until: Date, at: Date): AppError {
  const retryAfterS = Math.max(1, Math.ceil((until.getTime() - at.getTime()) / MS_OF_SECOND));
  return new AppError('too_many_requests', 'Too many notifications of this project in this hour', { retryAfterS });
}

async function pauses({ notifications, now }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  noteProject(request);
  const found = await notifications.pauses(scopeOf(request.identity), now());
  return { status: 200, body: found.map(pauseAnswer) };
}

async function setPause({ notifications, now }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const projectId = pausable(request);
  const { ends_at: endsAt = null, reason } = parseWith(PauseRequest, { argument: 'data', value: request.body ?? {} });
  const at = now();
  if (endsAt && endsAt <= at) throw invalidInput('ends_at', utcTimestamp(endsAt), 'It must be in the future.');
  await notifications.pause(projectId, at, { endsAt, reason, pausedBy: request.identity.userId });
  return { status: 204 };
}

async function liftPause({ notifications, now }: NotificationRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
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

async function theNotification(
  notifications: NotificationAdmin,
  { identity, params, note }: ApiRequest,
): Promise<NotificationRecord> {
  const id = params['id'] ?? '';
  const found = await notifications.find(scopeOf(identity), id);
  if (!found) throw new AppError('not_found', `Notification ${id} not found`);
  note({ projectId: found.projectId });
  return found;
}

function filterOf(query: QueryParameters): { status: NotificationStatus | undefined; alarmId: string | undefined } {
  const text = query.one('status');
  const status = NOTIFICATION_STATUSES.find((known) => known === text);
  if (text !== undefined && !status)
    throw invalidInput('status', text, `Value should be one of: ${NOTIFICATION_STATUSES.join(', ')}`);
  return { status, alarmId: query.one('alarm_id') };
}
