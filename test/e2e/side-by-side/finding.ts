import type { Caller } from '../../support/api.js';
import { ADMINISTRATOR, because, event, get, post, STRANGER, type Exchange } from './exchange.js';

/** A project of its own, so that what other requests have created is not found. */
const FINDER: Caller = { 'x-user-id': 'f1', 'x-project-id': 'finders', 'x-roles': 'member,reader' };
const given = (name: string, fields: Record<string, unknown> = {}): Exchange =>
  post(event({ name, ...fields }), { as: FINDER, saves: name });
const list = (query: string, as: Caller = FINDER): Exchange => get(`/v2/alarms?${query}`, { as });
const where = (field: string, value: string, more = ''): Exchange =>
  list(`q.field=${field}&q.value=${encodeURIComponent(value)}${more}`);

const GIVEN: Exchange[] = [
  given('b', { severity: 'critical', state: 'ok', enabled: false }),
  given('a', { severity: 'low', state: 'alarm', repeat_actions: true }),
  given('c', { severity: 'moderate', description: 'the third' }),
];

const TYPES = ['integer', 'float', 'string', 'boolean', 'datetime', '', 'bogus'];
const typed = (field: string, value: string, types = TYPES): Exchange[] =>
  types.map((type) => where(field, value, `&q.type=${type}`));

export const LISTS: Exchange[] = [
  ...GIVEN,
  list(''),
  get('/v2/alarms/', { as: FINDER }),
  where('name', 'a'),
  where('name', 'nobody'),
  where('type', 'event'),
  where('state', 'ok'),
  where('state', 'insufficient data'),
  where('severity', 'critical'),
  where('severity', 'urgent'),
  ...because('booleans', [where('enabled', 'true')]),
  where('enabled', 'True'),
  where('enabled', 'true', '&q.type=boolean'),
  where('repeat_actions', 'True', '&q.type=boolean'),
  where('user_id', 'f1'),
  where('project_id', 'finders'),
  where('project_id', 'p2'),
  where('all_projects', 'false'),
  where('all_projects', 'true'),
  where('all_projects', 'zz'),
  where('alarm_id', 'x'),
  where('project', 'finders'),
  where('nothing', 'x'),
  where('name', 'a', '&q.op=ne'),
  where('name', 'a', '&q.op=eq&q.type=string'),
  where('name', 'a', '&q.type=integer'),
  where('name', 'a', '&q.type=bogus'),
  ...because('serverError', [list('q.field=name'), list('sort=name:up'), list('marker=nope')]),
  list('q.field=state&q.field=severity&q.value=ok&q.value=critical'),
  list('q.field=name&q.field=name&q.value=a&q.value=b'),
  list('q[0].field=name&q[0].value=a'),
  where('timestamp', '2015-01-01T00:00:00', '&q.op=gt'),
  list('sort=name'),
  list('sort=name:desc'),
  list('sort=name:'),
  list('sort=state&sort=name:desc'),
  list('sort=enabled&sort=name'),
  list('sort=nothing'),
  list('sort='),
  ...because('severities', [list('sort=severity')]),
  list('sort=name&limit=2'),
  list('limit=1'),
  list('limit=0'),
  list('limit=-1'),
  list('limit=x'),
  list('sort=name&limit=1&marker={a}'),
  list('sort=name&marker={b}'),
  list('marker={c}'),
  list('bogus=1'),
  ...['true', '1', 'false', 'No', 'zz', ''].flatMap((value) => typed('all_projects', value)),
  ...typed('name', 'a'),
  ...typed('name', '1', ['integer', 'float', 'boolean', 'datetime']),
  ...typed('state', 'ok'),
  ...typed('project_id', 'finders'),
  ...typed('enabled', 'true', ['integer', 'float', 'boolean', 'datetime', 'bogus']),
  list('marker='),
  list('limit='),
  list('sort=&sort=name'),
  list('q.field=&q.value=a'),
  where('name', ''),
  where('name', 'a', '&q.op='),
  ...['//v2/alarms', '/v2//alarms', '/v2/alarms//', '///v2///alarms//', '/v2/%61larms'].map((path) =>
    get(path, { as: FINDER }),
  ),
  list('q.field=project_id&q.value=finders&sort=name', ADMINISTRATOR),
  list('', STRANGER),
];

const query = (body: unknown, as: Caller = FINDER, path = '/v2/query/alarms'): Exchange => ({
  method: 'POST',
  path,
  body,
  as,
});
const filtered = (filter: unknown, more: Record<string, unknown> = {}): Exchange =>
  query({ filter: JSON.stringify(filter), orderby: '[{"name": "asc"}]', ...more });

/** Asked after LISTS, of what those have created. */
export const QUERIES: Exchange[] = [
  query({}),
  query({ orderby: '[{"name": "desc"}]' }),
  filtered({ '=': { name: 'a' } }),
  filtered({ '!=': { name: 'a' } }),
  filtered({ '>=': { name: 'b' } }),
  filtered({ '=<': { name: 'b' } }),
  filtered({ in: { name: ['a', 'c'] } }),
  filtered({ IN: { name: ['a'] } }),
  filtered({ '=': { enabled: true } }),
  filtered({ not: { '=': { state: 'ok' } } }),
  filtered({ AND: [{ '=': { state: 'ok' } }, { '=': { name: 'b' } }] }),
  filtered({ or: [{ '=': { name: 'a' } }, { not: { '=': { severity: 'critical' } } }] }),
  filtered({ '=~': { name: '^[ab]$' } }),
  filtered({ '=': { project: 'finders' } }),
  filtered({ '=': { project_id: 'p2' } }),
  filtered({ not: { '=': { project_id: 'p2' } } }),
  filtered({ '>': { timestamp: '2015-01-01T00:00:00' } }),
  filtered({ '<': { timestamp: '2015-01-01' } }),
  filtered({ '>': { timestamp: 'bad' } }),
  ...because('schemaTexts', [
    filtered({ in: { name: [] } }),
    filtered({ and: [{ '=': { name: 'a' } }] }),
    filtered({ '=': { nothing: 'a' } }),
    filtered({ '~': { name: 'a' } }),
    filtered({ '=': { name: null } }),
    filtered({ '=': { name: 'a', type: 'event' } }),
    filtered({}),
    filtered('x'),
    query({ filter: '{' }),
    query({ orderby: '[{"nothing": "asc"}]' }),
    query({ orderby: '[{"name": "up"}]' }),
    query({ orderby: '{' }),
    query({ filter: '{"=": {"name": "x"}}' }, FINDER, '/v2/query/alarms/history'),
  ]),
  query({ filter: { '=': { name: 'a' } } }),
  ...because('nullIsDefault', [query({ filter: null })]),
  query({ orderby: '[{"name": "ASC"}]' }),
  query({ orderby: '[{"state": "desc"}, {"name": "asc"}]', limit: 2 }),
  filtered({ '!=': { name: 'x' } }, { limit: 1 }),
  filtered({ '!=': { name: 'x' } }, { limit: '1' }),
  filtered({ '!=': { name: 'x' } }, { limit: 0 }),
  filtered({ '!=': { name: 'x' } }, { limit: -1 }),
  ...because('namesField', [filtered({ '!=': { name: 'x' } }, { limit: 'x' })]),
  filtered({ '!=': { name: 'x' } }, { limit: null }),
  query({ bogus: 1 }),
  query({ filter: '{"=": {"project_id": "finders"}}', orderby: '[{"name": "asc"}]' }, ADMINISTRATOR),
  query({}, FINDER, '/v2/query/alarms/history'),
  query(
    { filter: '{"=": {"type": "creation"}}', orderby: '[{"timestamp": "asc"}]' },
    FINDER,
    '/v2/query/alarms/history',
  ),
  query({ filter: '{"=": {"on_behalf_of": "p2"}}' }, FINDER, '/v2/query/alarms/history'),
  query({ filter: '{"=": {"alarm_id": "{a}"}}' }, FINDER, '/v2/query/alarms/history'),
  query({ limit: 1 }, FINDER, '/v2/query/alarms/history'),
];

const QUOTED = { 'x-user-id': 'q1', 'x-project-id': 'quoted', 'x-roles': 'member,reader' };
const limits = (quotas: unknown, as: Caller = ADMINISTRATOR): Exchange => ({
  method: 'POST',
  path: '/v2/quotas',
  body: { project_id: 'quoted', quotas },
  as,
});

export const THE_REST: Exchange[] = [
  get('/'),
  get('/healthcheck'),
  get('/v2/capabilities'),
  get('/v2/capabilities/'),
  ...because('envelope', [
    get('/v2'),
    get('/v2/nothing'),
    get('/nothing'),
    { method: 'PATCH', path: '/v2/alarms' },
    { method: 'DELETE', path: '/v2/alarms' },
    { method: 'PUT', path: '/v2/alarms', body: {} },
    get('/v2/query/alarms'),
    get('/v2/query'),
    { method: 'POST', path: '/v2/capabilities', body: {} },
  ]),
  { method: 'HEAD', path: '/v2/alarms' },
  get('/v2/alarms', { as: QUOTED, headers: { accept: '*/*' } }),
  ...because(
    'jsonOnly',
    ['text/html', 'application/xml'].map((accept) => get('/v2/alarms', { as: QUOTED, headers: { accept } })),
  ),
  limits([{ resource: 'alarms', limit: 1 }]),
  get('/v2/quotas', { as: QUOTED }),
  post(event(), { as: QUOTED }),
  post(event(), { as: QUOTED }),
  limits([{ resource: 'alarms', limit: 2 }]),
  limits([{ resource: 'zz', limit: 2 }]),
  limits([{ resource: 'alarms', limit: -2 }]),
  ...because('namesField', [limits([{ resource: 'alarms', limit: 'x' }])]),
  limits([{ resource: 'alarms' }]),
  limits([{ limit: 1 }]),
  limits([]),
  limits([{ resource: 'alarms', limit: 9 }], QUOTED),
  { method: 'POST', path: '/v2/quotas', body: { quotas: [] }, as: ADMINISTRATOR },
  get('/v2/quotas?project_id=quoted', { as: ADMINISTRATOR }),
  get('/v2/quotas?project_id=p2', { as: QUOTED, differs: 'newer' }),
  get('/v2/quotas/quoted', { as: ADMINISTRATOR, differs: 'quotaRead' }),
  { method: 'DELETE', path: '/v2/quotas/quoted', as: QUOTED },
  { method: 'DELETE', path: '/v2/quotas/quoted', as: ADMINISTRATOR },
  { method: 'DELETE', path: '/v2/quotas', as: ADMINISTRATOR },
  get('/v2/quotas', { as: QUOTED }),
  post(event(), { as: QUOTED, differs: 'quotaReading' }),
];

const roles = (names: string): Caller => ({ 'x-user-id': 'r1', 'x-project-id': 'roles', 'x-roles': names });

/** Which role may do what. Aodh's noauth mode takes roles as they are sent. */
export const ROLES: Exchange[] = [
  post(event(), { as: roles('admin'), saves: 'owned' }),
  post(event(), { as: roles('member') }),
  ...because('newer', [
    post(event(), { as: roles('reader') }),
    get('/v2/alarms', { as: roles('anything') }),
    get('/v2/alarms/{owned}', { as: roles('anything') }),
    { method: 'DELETE', path: '/v2/alarms/{owned}', as: roles('anything') },
  ]),
  get('/v2/alarms?q.field=all_projects&q.value=true', { as: roles('member,reader') }),
  get('/v2/capabilities', { as: roles('anything') }),
];
