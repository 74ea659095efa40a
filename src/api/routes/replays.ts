import { AppError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { REPLAYABLE } from '../../storage/notifications/notification-status.js';
import type { Replay, ReplaySelection } from '../../storage/notifications/replay-store.js';
import { replayPreviewAnswer, type BulkReplayAnswer, type ReplayAnswer } from '../answers/receiver-counts-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeWithin } from '../identity/authorize.js';
import type { NotificationAdmin } from '../ports.js';
import { namedProject, replayFilter, REPLAY_FILTERS } from '../schema/notification-query.js';
import { notificationIn } from './notifications.js';

export interface ReplayRoutesDeps {
  notifications: NotificationAdmin;
  readLimit: ConcurrencyLimit;
  now: () => Date;
  log: Pick<Logger, 'warn'>;
}

const MS_OF_SECOND = 1_000;

/**
 * Replays of one notification or by filter, and the preview of a replay by filter. They come before
 * `/v1/notifications/:id`, since `replay` is no id.
 */
export function replayRoutes(deps: ReplayRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/notifications/replay/preview',
      policy: 'reader',
      audit: 'notification.list',
      query: REPLAY_FILTERS,
      handle: (r) => preview(deps, r),
    },
    {
      method: 'POST',
      path: '/v1/notifications/replay',
      policy: 'member',
      audit: 'notification.replay',
      keyed: 'once',
      replays: true,
      query: REPLAY_FILTERS,
      handle: (r) => replayMany(deps, r),
    },
    {
      method: 'POST',
      path: '/v1/notifications/:id/replay',
      policy: 'member',
      audit: 'notification.replay',
      keyed: 'once',
      replays: true,
      handle: (r) => replayOne(deps, r),
    },
  ];
}

async function replayOne(deps: ReplayRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { id } = await notificationIn(deps.notifications, request);
  return request.write(() => replayThe(deps, request, id));
}

async function replayThe(deps: ReplayRoutesDeps, request: ApiRequest, id: string): Promise<ApiAnswer> {
  const { ids, removed, hasMore } = await replay(deps, request, { selection: { id }, at: deps.now() });
  if (ids.length > 0) return { status: 202, body: { replayed: ids.length, has_more: hasMore } satisfies ReplayAnswer };
  if (removed > 0)
    throw new AppError(
      'conflict',
      `Notification ${id} is for an action that was removed from its alarm: add the action again to replay it`,
    );
  const { kind, status } = await notificationIn(deps.notifications, request);
  if (kind === 'test') throw new AppError('conflict', `Notification ${id} is a test: send a new one instead`);
  if (kind === 'heartbeat')
    throw new AppError('conflict', `Notification ${id} is a heartbeat: the service sends the next one by itself`);
  throw new AppError(
    'conflict',
    REPLAYABLE.includes(status)
      ? `Notification ${id} is changed by another request at this moment: read it again`
      : `Notification ${id} is ${status}: only dead, superseded, cancelled or silenced ones can be replayed`,
  );
}

async function replayMany(deps: ReplayRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const at = deps.now();
  const selection = replayFilter(request.query, at);
  const projectId = namedProject(request.query);
  noteProject(request, projectId);
  return request.write(async () => {
    const { ids, removed, hasMore } = await replay(deps, request, { selection, at, projectId });
    const body = {
      replayed: ids.length,
      notification_ids: ids,
      removed,
      has_more: hasMore,
      ended_before: selection.endedBefore,
    } satisfies BulkReplayAnswer;
    return { status: 202, body };
  });
}

async function preview({ notifications, readLimit, now }: ReplayRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query, signal } = request;
  const selection = replayFilter(query, now());
  const projectId = namedProject(query);
  noteProject(request, projectId);
  const scope = scopeWithin(identity, projectId);
  const found = await readLimit.limitWork(identity.projectId, () =>
    notifications.previewReplay(scope, selection, signal),
  );
  return { status: 200, body: replayPreviewAnswer(found, selection.endedBefore) };
}

/** @throws AppError `too_many_requests` if the hourly limit of notifications lets none be sent. */
async function replay(
  { notifications, log }: ReplayRoutesDeps,
  { identity, note, signal }: ApiRequest,
  { selection, at, projectId }: { selection: ReplaySelection; at: Date; projectId?: string | undefined },
): Promise<Replay> {
  const replayedProjects = new Set<string>();
  if (isAdmin(identity)) note({ projects: replayedProjects });
  const outcome = await notifications.replay(scopeWithin(identity, projectId), selection, at, {
    signal,
    onPart({ projects, limited }) {
      for (const projectId of projects) replayedProjects.add(projectId);
      for (const projectId of limited)
        log.warn('a project has reached limits.notifications_per_hour; its repeats wait', { projectId });
    },
  });
  if (outcome.ids.length === 0 && outcome.limitedUntil) throw tooMany(outcome.limitedUntil, at);
  return outcome;
}

function tooMany(until: Date, at: Date): AppError {
  const retryAfterS = Math.max(1, Math.ceil((until.getTime() - at.getTime()) / MS_OF_SECOND));
  return new AppError('too_many_requests', 'Too many notifications of this project in this hour', { retryAfterS });
}
