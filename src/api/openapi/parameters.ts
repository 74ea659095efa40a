import { SEVERITIES } from '../../alarm/alarm.js';
import { NOTIFICATION_KINDS } from '../../alarm/notification.js';
import { SILENCE_STATUSES } from '../../alarm/silence/silence.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { AUDIT_OUTCOMES } from '../../storage/audit/audit-entry.js';
import { LISTED_ALARM_SORT_KEYS } from '../../storage/alarms/listed-alarm-store.js';
import { GROUP_FIELDS } from '../../storage/meters/statistics-store.js';
import { NOTIFICATION_STATUSES } from '../../storage/notifications/notification-status.js';
import { STREAM_EVENT_KINDS } from '../../storage/stream/stream-sources.js';
import { AUDIT_ACTIONS } from '../audit/audit-actions.js';
import type { Route } from '../http/route.js';

/** A part of the document. */
export type Json = Record<string, unknown>;

interface UrlParameter {
  schema: Json;
  description?: string;
}

const TEXT: UrlParameter = { schema: { type: 'string' } };
const TEXTS = { type: 'array', items: { type: 'string' } };
const oneOf = (values: readonly string[]): Json => ({ type: 'string', enum: values });
const someOf = (values: readonly string[]): Json => ({ type: 'array', items: oneOf(values) });

/** `q` in a route's row: four lists. The first members of each are one condition, the second members another. */
const CONDITIONS: Readonly<Record<string, UrlParameter>> = {
  'q.field': {
    schema: TEXTS,
    description:
      'Fields of the conditions, which must all hold. Repeat the four parameters for more conditions; they are ' +
      'matched by position. q[0].field, q[0].op and so on are accepted too.',
  },
  'q.op': { schema: TEXTS, description: 'Operators of the conditions. Default: eq.' },
  'q.value': { schema: TEXTS, description: 'Values of the conditions.' },
  'q.type': { schema: TEXTS, description: 'Types of the values: integer, float, string, boolean or datetime.' },
};

/** Parameters that mean the same in all routes. Others are texts. */
const BY_NAME: Readonly<Record<string, UrlParameter>> = {
  sort: { schema: TEXTS, description: 'Sort key: key, key:asc or key:desc. May be repeated.' },
  limit: { schema: { type: 'integer', minimum: 0 }, description: 'Most rows of the answer. 0: no limit.' },
  at: {
    schema: { type: 'string' },
    description: 'Time in the past, ISO 8601, in UTC unless it has an offset. Default: now.',
  },
  since: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; included.' },
  until: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; not included.' },
  ended_before: {
    schema: { type: 'string' },
    description:
      'ISO 8601, in UTC unless it has an offset; not included. Default, and most: now. Repeat the value of the answer.',
  },
  actor: { schema: { type: 'string' }, description: 'Id of a user or of an API key.' },
  start: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset.' },
  stop: { schema: { type: 'string' }, description: 'ISO 8601, in UTC unless it has an offset; not in the future.' },
  step: {
    schema: { type: 'integer', minimum: 1 },
    description: 'Seconds between two evaluations. Default: evaluator.interval.',
  },
  cursor: { schema: { type: 'string' }, description: 'The `next` of the previous page, with the same sort.' },
  marker: { schema: { type: 'string' }, description: 'Id of the last row of the previous page.' },
  all_projects: { schema: { type: 'boolean' } },
  period: { schema: { type: 'integer', minimum: 0 }, description: 'Seconds. 0, the default: one period for all.' },
  groupby: {
    schema: { type: 'array', items: oneOf(GROUP_FIELDS) },
    description: 'Field whose values make groups. May be repeated.',
  },
};

/** Filters of listed alarms. */
const ALARM_FILTERS: Readonly<Record<string, UrlParameter>> = {
  state: { schema: oneOf(ALARM_STATES) },
  type: { schema: oneOf(ALARM_KINDS) },
  severity: { schema: oneOf(SEVERITIES) },
  enabled: { schema: { type: 'boolean' } },
  search: { schema: { type: 'string' }, description: 'A part of the name, in any letter case, or the whole id.' },
};

const pageLimit = (byDefault: number, maximum: number): UrlParameter => ({
  schema: { type: 'integer', minimum: 0, maximum },
  description: `Most rows of the page. Default: ${byDefault}.`,
});
/** The rows of a page below /v1 that has a cursor. */
const PAGE_LIMIT = pageLimit(50, 100);

const ONE_PROJECT: UrlParameter = { schema: { type: 'string' }, description: 'Admins may name any project.' };

const OF_USER: UrlParameter = {
  schema: { type: 'string' },
  description: 'The user of the newest sample. Admins of all projects name project_id, too.',
};

const NOTIFICATION_FILTERS: Readonly<Record<string, UrlParameter>> = {
  status: { schema: oneOf(NOTIFICATION_STATUSES) },
  kind: { schema: oneOf(NOTIFICATION_KINDS) },
  host: { schema: { type: 'string' }, description: 'The receiver, as the answer shows it.' },
  since: { schema: { type: 'string' }, description: 'Time of creation, ISO 8601, included.' },
  until: { schema: { type: 'string' }, description: 'Time of creation, ISO 8601, not included.' },
  project_id: ONE_PROJECT,
};
const REPLAY_FILTERS: Readonly<Record<string, UrlParameter>> = {
  ...NOTIFICATION_FILTERS,
  status: { schema: oneOf(NOTIFICATION_STATUSES), description: 'Default: dead.' },
};

/** The cursor of a list that has one order. */
const CURSOR: UrlParameter = { schema: { type: 'string' }, description: 'The `next` of the previous page.' };

/** Parameters whose values depend on the route. */
const OF_ROUTE: Readonly<Record<string, Readonly<Record<string, UrlParameter>>>> = {
  'GET /v1/alarms': {
    ...ALARM_FILTERS,
    limit: PAGE_LIMIT,
    sort: {
      schema: TEXTS,
      description:
        `Sort key: key, key:asc or key:desc. May be repeated. Keys: ${LISTED_ALARM_SORT_KEYS.join(', ')}. ` +
        'Default: name.',
    },
  },
  'GET /v1/alarms/counts': ALARM_FILTERS,
  'GET /v1/transitions': {
    state: { schema: oneOf(ALARM_STATES), description: 'The state after the transition.' },
    type: { schema: oneOf(ALARM_KINDS) },
    severity: { schema: oneOf(SEVERITIES) },
    limit: PAGE_LIMIT,
  },
  'GET /v1/stream': {
    event: { schema: someOf(STREAM_EVENT_KINDS), description: 'Kinds of events. May be repeated, as all filters.' },
    alarm_id: { schema: TEXTS },
    type: { schema: someOf(ALARM_KINDS) },
    state: { schema: someOf(ALARM_STATES) },
    severity: { schema: someOf(SEVERITIES) },
    project_id: { schema: TEXTS, description: 'Admins may name other projects.' },
    last_event_id: { schema: { type: 'string' }, description: 'Instead of the header Last-Event-ID.' },
  },
  'GET /v1/audit': { action: { schema: oneOf(AUDIT_ACTIONS) }, outcome: { schema: oneOf(AUDIT_OUTCOMES) } },
  'GET /v1/notifications': {
    ...NOTIFICATION_FILTERS,
    failing: { schema: { type: 'boolean' }, description: 'True: only those that wait after a failed attempt.' },
    limit: pageLimit(100, 1_000),
  },
  'GET /v1/notifications/receivers': { project_id: ONE_PROJECT, limit: pageLimit(100, 100) },
  'GET /v1/notifications/replay/preview': REPLAY_FILTERS,
  'POST /v1/notifications/replay': REPLAY_FILTERS,
  'GET /v1/meters': {
    search: { schema: TEXT.schema, description: 'A part of the name, in any letter case.' },
    user_id: OF_USER,
    project_id: ONE_PROJECT,
    limit: PAGE_LIMIT,
    cursor: CURSOR,
  },
  'GET /v1/resources': {
    search: { schema: TEXT.schema, description: 'A part of the id, in any letter case.' },
    user_id: OF_USER,
    project_id: ONE_PROJECT,
    limit: PAGE_LIMIT,
    cursor: CURSOR,
  },
  'GET /v1/receivers': { project_id: ONE_PROJECT, limit: pageLimit(100, 1_000), cursor: CURSOR },
  'GET /v1/silences': {
    project_id: ONE_PROJECT,
    limit: pageLimit(100, 1_000),
    cursor: CURSOR,
    status: { schema: oneOf(SILENCE_STATUSES) },
    alarm_id: {
      schema: TEXT.schema,
      description: 'Only silences of this alarm; without a status, ended ones are left out.',
    },
  },
  'PUT /v2/alarms/:id/state': {
    state: { schema: oneOf(ALARM_STATES), description: 'The state, instead of a body.' },
  },
};

/** The header with which a client says which version of an object it is willing to change. */
export const IF_MATCH: Json = {
  name: 'If-Match',
  in: 'header',
  description: 'ETags of the versions that you are willing to change, or *; without it: any version.',
  ...TEXT,
};

/** The header that makes a repeated request safe. */
export const IDEMPOTENCY_KEY: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Up to 255 printable ASCII characters of your choice, such as a UUID. The same request with the same key is ' +
    'carried out once within a day; a repeat gets the first answer.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

/** The header of an answer to a repeated request. */
export const IDEMPOTENCY_REPLAYED: Json = {
  'Idempotency-Replayed': { description: 'true: the answer to an earlier request with the same key.', ...TEXT },
};

/** The header with the version of an object. */
export const ETAG: Json = { ETag: { description: 'The version of the object.', ...TEXT } };

/** The parameters of a route's path and query. */
export function parametersOf({ method, path, query = [] }: Pick<Route, 'method' | 'path' | 'query'>): Json[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, ...TEXT }));
  const named = { ...BY_NAME, ...OF_ROUTE[`${method} ${path}`] };
  const inQuery = query
    .flatMap((name) => (name === 'q' ? Object.entries(CONDITIONS) : [[name, named[name] ?? TEXT] as const]))
    .map(([name, parameter]) => ({ name, in: 'query', ...parameter }));
  return [...inPath, ...inQuery];
}
