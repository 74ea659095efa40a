import {
  ADMINISTRATOR,
  balancer,
  because,
  composite,
  event,
  LEAF,
  metrics,
  post,
  resource,
  resources,
  type Exchange,
} from './exchange.js';

const fields = (name: string, values: readonly unknown[]): Exchange[] =>
  values.map((value) => post(event({ [name]: value })));
const rules = (name: string, values: readonly unknown[]): Exchange[] =>
  values.map((value) => post(resource({ [name]: value })));
const without = (body: Record<string, unknown>, name: string): Record<string, unknown> => ({
  ...body,
  [name]: undefined,
});

/** How values of the wrong type become right ones, or are refused. */
export const COERCIONS: Exchange[] = [
  ...fields('name', ['', 'für alle ✓', 1, true, ['x'], {}]),
  ...because('nullIsNoValue', fields('name', [null])),
  ...fields('description', ['', null, 'mine']),
  ...because('stricter', fields('description', [5])),
  ...fields('enabled', [
    true,
    false,
    0,
    1,
    2,
    -1,
    'true',
    't',
    'yes',
    'y',
    'on',
    '1',
    'false',
    'f',
    'no',
    'n',
    'off',
    '0',
  ]),
  ...because('nullIsDefault', fields('enabled', [null])),
  ...because('namesField', fields('enabled', ['maybe', 'False', '', 1.5, []])),
  ...fields('repeat_actions', [1, 'on']),
  ...because('nullIsDefault', fields('repeat_actions', [null])),
  ...because('namesField', fields('repeat_actions', ['maybe'])),
  ...rules('evaluation_periods', [3, '3', 1.5, true, 0, -1]),
  ...because('newer', rules('evaluation_periods', [101])),
  ...because('namesField', rules('evaluation_periods', ['x', ''])),
  ...because('nullIsDefault', rules('evaluation_periods', [null])),
  ...because('serverError', rules('evaluation_periods', [[]])),
  ...rules('granularity', [300, '300', 0, 31536000]),
  ...because('newer', rules('granularity', [31536001])),
  ...because('nullIsDefault', rules('granularity', [null])),
  ...rules('threshold', [1, 1.5, '1.5', true, -3, 1e21, 1e-7, 123456789012]),
  ...because('namesField', rules('threshold', ['x', ''])),
  ...because('nullIsNoValue', rules('threshold', [null])),
  ...because('stricter', rules('threshold', ['nan', 'inf'])),
  ...because('serverError', rules('threshold', [[]])),
  ...rules('comparison_operator', ['ge', 'xx', 'GT', 5]),
  ...because('nullIsDefault', rules('comparison_operator', [null])),
  ...rules('metric', [1, '', []]),
  ...because('nullIsNoValue', rules('metric', [null])),
  ...fields('ok_actions', [[], null, [3], [null], [['http://x']]]),
  ...because('namesField', fields('ok_actions', ['http://x', {}])),
  ...fields('severity', ['critical', 'urgent', 'CRITICAL', 5, '']),
  ...fields('state', ['ok', 'bad', '']),
  ...because('nullIsDefault', [...fields('severity', [null]), ...fields('state', [null])]),
  ...because('moreKinds', fields('type', ['bad', 5])),
  ...because('nullIsNoValue', fields('type', [null])),
  ...fields('timestamp', ['2015-01-01', '2015-01-01T00:00:00Z', null]),
  ...because('namesField', fields('timestamp', ['bad'])),
  ...because('serverError', fields('timestamp', [5])),
  ...fields('state_timestamp', ['2015-01-01T00:00:00+02:00']),
  ...because('namesField', fields('state_timestamp', ['bad'])),
  ...fields('evaluate_timestamp', ['2035-01-01T00:00:00', null]),
  ...because('namesField', fields('evaluate_timestamp', ['bad'])),
  ...fields('alarm_id', ['mine', null, 5]),
  ...fields('state_reason', ['mine', 5]),
  ...fields('time_constraints', [null]),
  ...because('namesField', fields('time_constraints', [{}, 'x'])),
  ...because('serverError', fields('time_constraints', [[5]])),
  ...because('serverError', fields('event_rule', [[], 'x', 5])),
];

/** Bodies that are no alarm. */
export const BODIES: Exchange[] = [
  post(undefined, { raw: '' }),
  post(undefined, { raw: '{"name": ' }),
  ...because('serverError', [
    post(undefined, { raw: '[]' }),
    post(undefined, { raw: '"x"' }),
    post(undefined, { raw: 'null' }),
  ]),
  post({}),
  post(event(), { headers: { 'content-type': 'application/json; charset=utf-8' } }),
  post(event(), { headers: { 'content-type': 'text/plain' } }),
  post(undefined, {
    raw: 'name=x',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    differs: 'jsonOnly',
  }),
  post(without(event(), 'name')),
  post(without(event(), 'type')),
  post(without(event(), 'event_rule')),
  post(event({ event_rule: null })),
  post(event({ event_rule: {} })),
  post({ ...event(), ...balancer(), type: 'event' }),
  post(event({ zzz: 1 })),
  post(event({}, { x: 1 })),
  post(event({}, { query: [{ zz: 1 }] })),
  post(event({ time_constraints: [{ zz: 1 }] })),
  post(event({ threshold_rule: { meter_name: 'cpu', threshold: 1 } }), { differs: 'moreKinds' }),
];

const constraint = (fields: Record<string, unknown>): Exchange =>
  post(event({ time_constraints: [{ name: 'c', start: '0 11 * * *', duration: 300, ...fields }] }));
const trait = (fields: Record<string, unknown>): Exchange =>
  post(event({}, { query: [{ field: 'traits.a', op: 'eq', value: '1', type: 'string', ...fields }] }));

/** The parts of an alarm that have rules of their own. */
export const PARTS: Exchange[] = [
  ...[{}, { description: 'mine' }, { description: '' }, { timezone: 'Europe/Berlin' }, { timezone: '' }].map(
    constraint,
  ),
  ...because('nullIsDefault', [constraint({ timezone: null })]),
  ...[{ duration: '300' }, { duration: 0 }, { duration: -1 }, { duration: undefined }].map(constraint),
  ...because('namesField', [constraint({ duration: 'x' })]),
  ...[{ start: undefined }, { name: undefined }, { timezone: 'Mars/X' }, { start: 'bad' }, { start: '0 25 * * *' }].map(
    constraint,
  ),
  ...['0 11 * * 1-5', '*/5 8-18 * jan,mar sun', '@daily', '0 0 L * *', '0 0 * * 1#2', '0 11 * * * 30'].map((start) =>
    constraint({ start }),
  ),
  ...because('neverOpens', [constraint({ start: '0 0 31 2 *' })]),
  post(event({ time_constraints: [1, 2].map((duration) => ({ name: 'same', start: '0 11 * * *', duration })) })),
  ...[{}, { type: 'integer' }, { type: 'float', value: '1.5' }, { type: 'boolean', value: 'true' }, { type: '' }].map(
    trait,
  ),
  ...[
    { type: 'integer', value: 'x' },
    { type: 'zz' },
    { op: 'xx' },
    { op: undefined },
    { field: 'a b' },
    { value: 5 },
  ].map(trait),
  ...[{ field: undefined }, { value: undefined }].map(trait),
  ...because('eventTypes', [{ type: undefined }, { type: 'datetime', value: '2020-01-01' }].map(trait)),
  post(event({}, { event_type: '' })),
  post(event({}, { event_type: null })),
  post(event({}, { event_type: undefined })),
  post(event({}, { query: null }), { differs: 'nullIsDefault' }),
];

const actions = (list: readonly unknown[], more: Partial<Exchange> = {}): Exchange =>
  post(event({ alarm_actions: list }), more);

export const ACTIONS: Exchange[] = [
  actions(['http://h:1/p?Signature=a%2Bb%3D&b=2#f', 'https://[::1]/', 'HTTP://Host/%7e']),
  actions(['http://h/a', 'http://h/a']),
  actions(['log://', 'test://'], { as: ADMINISTRATOR }),
  actions(['log:', 'test:'], { as: ADMINISTRATOR }),
  actions(['log://']),
  actions(['test://']),
  actions(['zaqar://?topic=x&subscriber=http%3A//h/']),
  actions(['http://h/?']),
  actions(['http://h/#']),
  actions(['ftp://h']),
  actions(['word']),
  actions(['']),
  actions(['http://[bad']),
  actions(['trust+http://id@h/']),
];

/** Every kind that both know, with its defaults, and what each refuses. */
export const KINDS: Exchange[] = [
  post(event()),
  post(balancer()),
  post(balancer({ pool_id: undefined })),
  post(balancer({ stack_id: 5 })),
  post(resource()),
  post(resource({ aggregation_method: 'bogus' })),
  post(resource({ aggregation_method: undefined })),
  post(resource({ resource_id: undefined })),
  post(metrics()),
  post(metrics({ metrics: [] })),
  post(metrics({ metrics: 'm1' }), { differs: 'namesField' }),
  post(metrics({ metrics: undefined })),
  post(resources()),
  post(resources(), { as: ADMINISTRATOR }),
  post(resources({}, { project_id: 'p1' }), { as: ADMINISTRATOR }),
  post(resources({ query: 'bad' })),
  post(resources({ query: { '=': { a: 'b' } } })),
  post(composite(LEAF)),
  post(composite({ and: [LEAF, { or: [LEAF, { ...LEAF, comparison_operator: 'lt', evaluation_periods: 2 }] }] })),
  post(composite({ xor: [LEAF] })),
  post(composite({ and: LEAF })),
  post(composite({ and: [] })),
  post(composite([])),
  post(composite({ and: [5] })),
  post(composite({})),
  post(composite({ and: [{ metric: 'cpu', threshold: 1 }] })),
  post(composite({ and: [{ type: 'event', event_type: 'x' }] }), { differs: 'moreKinds' }),
  post(composite({ and: [{ ...LEAF, threshold: 'x' }] }), { differs: 'namesField' }),
  post(composite({ and: [{ ...LEAF, threshold: false }] })),
  post(composite({ and: [{ ...LEAF, evaluation_periods: '5' }] }), { differs: 'accident' }),
  post(composite({ and: [{ ...LEAF, foo: 1 }] })),
  post(composite({ and: [{ ...LEAF, metric: undefined }] })),
];

/** Who owns what is created. */
export const OWNERS: Exchange[] = [
  post(event({ user_id: 'u1', project_id: 'p1' })),
  post(event({ user_id: 'u2' })),
  post(event({ project_id: 'p2' })),
  post(event({ user_id: 'u2', project_id: 'p2' })),
  post(event({ project_id: '' })),
  post(event({ project_id: null })),
  post(event({ project_id: 5 })),
  post(event({ user_id: 'u9', project_id: 'p9' }), { as: ADMINISTRATOR }),
  post(event({ project_id: 'p9' }), { as: ADMINISTRATOR }),
  post(event({ user_id: null, project_id: null }), { as: ADMINISTRATOR }),
];
