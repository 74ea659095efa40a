import { NOTIFICATION_KINDS } from '../../alarm/notification.js';
import type { NotificationQuery } from '../../storage/notifications/notification-admin-store.js';
import { NOTIFICATION_STATUSES } from '../../storage/notifications/notification-status.js';
import type { ReplayFilter } from '../../storage/notifications/replay-candidates.js';
import { flagIn, momentIn, oneOf, textIn } from '../http/parameter-values.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import { parseTimestamp, preciseUtcTimestamp, utcTimestamp } from './timestamp.js';

/** Parameters of lists and of replays of notifications. */
const FILTERS = ['status', 'alarm_id', 'kind', 'host', 'since', 'until', 'project_id'] as const;
/** The parameters of `notificationFilter`. */
export const NOTIFICATION_FILTERS = [...FILTERS, 'failing'] as const;
/** The parameters of `replayFilter`. */
export const REPLAY_FILTERS = [...FILTERS, 'ended_before'] as const;

const MAX_TEXT = 255;
const MAX_HOST = 1_000;

/** The filter in the parameters of a list of notifications. */
export function notificationFilter(query: QueryParameters): Omit<NotificationQuery, 'wanted' | 'after'> {
  return { ...filterIn(query), isFailing: flagIn(query, 'failing') };
}

/** The filter in the parameters of a replay. It has one status, `dead` by default. */
export function replayFilter(query: QueryParameters, now: Date): ReplayFilter & { endedBefore: string } {
  const { status = 'dead', ...others } = filterIn(query);
  return { status, ...others, endedBefore: endedBeforeIn(query, now) };
}

/** The project of a list or a replay; undefined for all projects that the caller may see. */
export function namedProject(query: QueryParameters): string | undefined {
  return textIn(query, 'project_id', MAX_TEXT);
}

function filterIn(query: QueryParameters): Omit<NotificationQuery, 'wanted' | 'after' | 'isFailing'> {
  return {
    status: oneOf(NOTIFICATION_STATUSES, query, 'status'),
    alarmId: query.one('alarm_id'),
    kind: oneOf(NOTIFICATION_KINDS, query, 'kind'),
    host: textIn(query, 'host', MAX_HOST),
    since: momentIn(query, 'since'),
    until: momentIn(query, 'until'),
  };
}

/** A time in the future counts as now, so that notifications that end again after this request are left out. */
function endedBeforeIn(query: QueryParameters, now: Date): string {
  const text = query.one('ended_before');
  if (text === undefined) return utcTimestamp(now);
  const time = parseTimestamp(text);
  if (!time) throw invalidInput('ended_before', text, 'It is not a timestamp in ISO 8601.');
  return time < now ? preciseUtcTimestamp(text, time) : utcTimestamp(now);
}
