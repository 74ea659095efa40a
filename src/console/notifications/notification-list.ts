import type { operations } from '../../client/openapi-types.js';
import { REPLAYABLE } from '../elements/delivery.js';
import { SPAN_SECONDS } from '../elements/spans.js';
import { bodyOf, client, type Schemas } from '../requests/client.js';
import { useAnswer, type Answer } from '../requests/use-answer.js';
import { PROJECT, type PageAddress } from '../shell/address.js';
import { now } from '../shell/clock.js';

export type ListedNotification = Schemas['Notification'];
export type ReplayQuery = NonNullable<operations['previewReplay']['parameters']['query']>;
type NotificationListQuery = NonNullable<operations['listNotifications']['parameters']['query']>;

/** Parts of the address that filter the list. `status` may be `failing`, which is no status of the API. */
export const FILTERS = ['status', 'host', 'alarm_id', 'kind', 'span', 'since', 'until', 'project_id'] as const;
export type NotificationFilter = Partial<Record<(typeof FILTERS)[number], string>>;

export const FAILING = 'failing';
/** Rows of a page. */
const ROWS = 50;

/** A page of notifications. */
export interface NotificationPage {
  notifications: readonly ListedNotification[];
  /** The id of the last one, if more follow. */
  next: string | undefined;
}

/** The filter in an address. */
export function filterIn({ query }: PageAddress): NotificationFilter {
  const given = FILTERS.map((name) => [name, query.get(name)] as const).filter(([, value]) => value !== null);
  return Object.fromEntries(given);
}

/** The filter as a request has it. Spans are counted from now, so that a shared link shows the last hour, too. */
function queryOf({ status, span, since, until, ...others }: NotificationFilter): NotificationListQuery {
  const seconds = SPAN_SECONDS[span ?? ''];
  const from = seconds === undefined ? since : new Date(now().getTime() - seconds * 1_000).toISOString();
  return {
    ...others,
    ...(status === FAILING ? { failing: true } : status !== undefined && { status }),
    ...(from !== undefined && { since: from }),
    ...(seconds === undefined && until !== undefined && { until }),
  } as NotificationListQuery;
}

/** A page of notifications, the newest first. */
export function useNotifications(address: PageAddress): Answer<NotificationPage> {
  const marker = address.query.get('marker');
  const filter = filterIn(address);
  return useAnswer(JSON.stringify([filter, marker, address.query.get(PROJECT)]), async (signal) => {
    const query = { ...queryOf(filter), ...(marker !== null && { marker }), limit: ROWS + 1 };
    const found = await bodyOf(client.GET('/v1/notifications', { params: { query }, signal }));
    const notifications = found.slice(0, ROWS);
    return { notifications, next: found.length > ROWS ? notifications.at(-1)?.notification_id : undefined };
  });
}

/** Receivers of the project, or of all. */
export function useReceivers(address: PageAddress): Answer<Schemas['CountsByReceiver']> {
  const { project_id } = filterIn(address);
  return useAnswer(JSON.stringify([project_id, address.query.get(PROJECT)]), (signal) =>
    bodyOf(
      client.GET('/v1/notifications/receivers', { params: { query: { ...(project_id && { project_id }) } }, signal }),
    ),
  );
}

/** The query of a replay of all that the filter shows; undefined if these cannot be sent again. */
export function replayQuery(filter: NotificationFilter): ReplayQuery | undefined {
  if (filter.status === undefined || !REPLAYABLE.includes(filter.status)) return undefined;
  return queryOf(filter);
}
