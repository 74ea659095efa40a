import {
  ADMINISTRATOR,
  because,
  composite,
  event,
  get,
  LEAF,
  post,
  put,
  resource,
  resources,
  STRANGER,
  type Exchange,
} from './exchange.js';

const NOBODY = '00000000-0000-4000-8000-000000000000';
const named = (name: string, fields: Record<string, unknown> = {}): Exchange =>
  post(event({ name, ...fields }), { saves: name });

/** One alarm by its id, and what is below it. */
export const ONE: Exchange[] = [
  named('one', { alarm_actions: ['http://h/a'], severity: 'critical', state: 'ok' }),
  get('/v2/alarms/{one}'),
  get('/v2/alarms/{one}/'),
  get('/v2/alarms/{one}', { as: ADMINISTRATOR }),
  get('/v2/alarms/{one}', { as: STRANGER }),
  get(`/v2/alarms/${NOBODY}`),
  get('/v2/alarms/not-an-id'),
  get('/v2/alarms/{one}/state'),
  get('/v2/alarms/{one}/state/'),
  get('/v2/alarms/{one}/state', { as: STRANGER }),
  get('/v2/alarms/{one}/history'),
  get('/v2/alarms/{one}/history', { as: STRANGER }),
  get('/v2/alarms/{one}/nothing', { differs: 'envelope' }),
  put('/v2/alarms/{one}/state', 'alarm'),
  put('/v2/alarms/{one}/state', 'alarm'),
  put('/v2/alarms/{one}/state?state=ok', undefined),
  put('/v2/alarms/{one}/state', 'bad'),
  put('/v2/alarms/{one}/state', { state: 'ok' }),
  put('/v2/alarms/{one}/state', null),
  put('/v2/alarms/{one}/state', undefined, { raw: '' }),
  put('/v2/alarms/{one}/state', undefined, { raw: 'ok' }),
  put('/v2/alarms/{one}/state', 'ok', { as: STRANGER }),
  put(`/v2/alarms/${NOBODY}/state`, 'ok'),
  get('/v2/alarms/{one}'),
  put('/v2/alarms/{one}', event({ name: 'one', state: 'ok' })),
  put('/v2/alarms/{one}', event({ name: 'one' })),
  put('/v2/alarms/{one}', event({ name: 'one' })),
  put(
    '/v2/alarms/{one}',
    event({ name: 'renamed', severity: 'moderate', state: 'alarm', alarm_actions: ['http://h/b'] }),
  ),
  put(
    '/v2/alarms/{one}',
    event({ name: 'renamed', state: 'alarm', time_constraints: [{ name: 'c', start: '0 1 * * *', duration: 60 }] }),
  ),
  put(
    '/v2/alarms/{one}',
    event({ name: 'renamed', state: 'alarm', alarm_id: 'other', user_id: 'u2', project_id: 'p2' }),
  ),
  put('/v2/alarms/{one}', {
    name: 'now a balancer',
    type: 'loadbalancer_member_health',
    loadbalancer_member_health_rule: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' },
  }),
  put('/v2/alarms/{one}', event({ name: 'by an admin', user_id: 'u3' }), { as: ADMINISTRATOR }),
  put('/v2/alarms/{one}', event(), { as: STRANGER }),
  put('/v2/alarms/{one}', event({ severity: 'urgent' }), { as: STRANGER }),
  put(`/v2/alarms/${NOBODY}`, event()),
  put(`/v2/alarms/${NOBODY}`, {}),
  put('/v2/alarms/{one}', event({ ok_actions: null })),
  get('/v2/alarms/{one}/history'),
  get('/v2/alarms/{one}/history', { as: ADMINISTRATOR }),
  put('/v2/alarms/{one}', event({ enabled: null }), { differs: 'nullIsDefault' }),
];

const WRAPPED = '{"and": [{"=": {"created_by_project_id": "p1"}}, {"=": {"server_group": "g1"}}]}';

/** Rules that are changed. */
export const CHANGED_RULES: Exchange[] = [
  post(resources(), { saves: 'wrapped' }),
  put('/v2/alarms/{wrapped}', resources({ threshold: 90 })),
  put('/v2/alarms/{wrapped}', resources({ query: WRAPPED }), { differs: 'wrappedOnce' }),
  put('/v2/alarms/{wrapped}', resource({ comparison_operator: 'lt' })),
  put('/v2/alarms/{wrapped}', composite({ or: [LEAF, LEAF] })),
  put('/v2/alarms/{wrapped}', composite({ or: [LEAF, LEAF] })),
  get('/v2/alarms/{wrapped}/history?limit=1'),
];

const history = (query: string): Exchange => get(`/v2/alarms/{kept}/history?${query}`);

const typed = (query: string): Exchange[] =>
  ['integer', 'float', 'string', 'boolean', 'datetime', '', 'bogus'].map((type) => history(`${query}&q.type=${type}`));

/** Aodh stores the event_type of a request and shows another. */
export const EVENT_TYPES: Exchange[] = ['', null, undefined, 'a.*'].flatMap((sent, at) => [
  post(event({ name: 'typed' }, { event_type: sent }), { saves: `typed${at}` }),
  get(`/v2/alarms/{typed${at}}/history`),
  put(`/v2/alarms/{typed${at}}`, event({ name: 'typed' }, { event_type: '' })),
  put(`/v2/alarms/{typed${at}}`, event({ name: 'typed' }, { event_type: '' })),
  put(`/v2/alarms/{typed${at}}`, event({ name: 'typed' }, { event_type: null })),
  put(`/v2/alarms/{typed${at}}`, event({ name: 'typed' }, { event_type: '*' })),
  get(`/v2/alarms/{typed${at}}`),
  get(`/v2/alarms/{typed${at}}/history?sort=timestamp`),
]);

export const HISTORY: Exchange[] = [
  named('kept', { ok_actions: ['http://h/ö'], time_constraints: [{ name: 'c', start: '0 1 * * *', duration: 60 }] }),
  put('/v2/alarms/{kept}/state', 'ok'),
  put(
    '/v2/alarms/{kept}',
    event({ name: 'kept', description: 'für "alle"\n', state: 'ok', severity: 'critical' }, { query: [] }),
  ),
  history('q.field=type&q.value=creation'),
  history('q.field=type&q.op=eq&q.value=rule change'),
  history('q.field=type&q.op=ne&q.value=creation'),
  history('q.field=severity&q.value=low'),
  history('q.field=severity&q.value=critical'),
  history('q.field=user_id&q.value=u1'),
  history('q.field=user&q.value=u2'),
  history('q.field=project&q.value=p1'),
  history('q.field=project_id&q.value=p2'),
  history('q.field=alarm_id&q.value=x'),
  history('q.field=timestamp&q.op=gt&q.value=2015-01-01T00:00:00'),
  history('q.field=timestamp&q.op=lt&q.value=2015-01-01T00:00:00'),
  history('q.field=timestamp&q.op=eq&q.value=2015-01-01T00:00:00'),
  history('q.field=timestamp&q.op=gt&q.value=bad'),
  history('q.field=search_offset&q.value=5'),
  history('q.field=nothing&q.value=5'),
  ...typed('q.field=type&q.value=creation'),
  ...typed('q.field=severity&q.value=low'),
  ...typed('q.field=project&q.value=p1'),
  ...typed('q.field=timestamp&q.op=gt&q.value=2015-01-01T00:00:00'),
  history('marker='),
  history('limit='),
  history('sort='),
  history('q.field=type&q.value='),
  history('q.field=project&q.value='),
  history('q.field=type&q.op=&q.value=creation'),
  history('q.field=timestamp&q.op=gt&q.value='),
  history('q.field=timestamp&q.op=le&q.value='),
  history('limit=1'),
  history('limit=0'),
  history('limit=-1'),
  history('limit=x'),
  history('sort=timestamp:asc'),
  history('sort=type&sort=timestamp:desc'),
  history('sort=nothing'),
  ...because('serverError', [history('sort=timestamp:up'), history('marker=nope')]),
  history('bogus=1'),
  { method: 'DELETE', path: '/v2/alarms/{kept}', as: STRANGER },
  { method: 'DELETE', path: '/v2/alarms/{kept}' },
  { method: 'DELETE', path: '/v2/alarms/{kept}' },
  get('/v2/alarms/{kept}'),
  get('/v2/alarms/{kept}/history', { differs: 'historyStays' }),
];
