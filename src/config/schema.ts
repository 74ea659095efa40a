import { z } from 'zod';

import { duration, optionalDuration } from './duration.js';
import { allowEntry, isNetwork, portList } from './egress.js';
import { parseSentinelUrl, urlsOfHosts } from '../server-urls.js';
import { Secret } from './secret.js';

/** Roles of a process. */
export const ROLES = ['api', 'evaluator', 'notifier'] as const;
export type ProcessRole = (typeof ROLES)[number];

/** Values of `auth.mode`. */
export const AUTH_MODES = ['noauth', 'apikey', 'keystone', 'keystone+apikey'] as const;
export type AuthMode = (typeof AUTH_MODES)[number];

const port = (fallback: number): z.ZodDefault<z.ZodNumber> => z.number().int().min(0).max(65_535).default(fallback);
const count = (fallback: number, max: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(1).max(max).default(fallback);
const secretUrl = (isUrl: (text: string) => boolean, examples: string) =>
  z
    .string()
    .refine(isUrl, `expected a URL such as ${examples}`)
    .transform((text) => new Secret(text))
    .meta({ kind: 'secret' })
    .optional();
/** The maximum is that of the database column. */
const limit = () => z.number().int().min(-1).max(2_147_483_647).default(-1);
/** A URL without credentials, since it is printed, logged and sent to clients. */
const httpUrl = (example: string) =>
  z
    .string()
    .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), `expected a URL such as ${example}`)
    .refine((text) => !/^https?:\/\/[^/?#]*@/.test(text), 'must not contain a user or a password')
    .transform((text) => text.replace(/(?<!\/)\/+$/, ''))
    .optional();
const secret = () =>
  z
    .string()
    .min(1)
    .transform((text) => new Secret(text))
    .meta({ kind: 'secret' })
    .optional();
const secretKey = () =>
  z
    .string()
    .refine(
      (text) => /^[A-Za-z0-9+/]{43}=$/.test(text),
      'expected 32 bytes as base64, such as `openssl rand -base64 32` prints',
    )
    .transform((text) => new Secret(text))
    .meta({ kind: 'secret' })
    .optional();
const text = () => z.string().min(1).optional();
const postgresUrl = secretUrl(
  (text) => /^postgres(ql)?:\/\//.test(text) && urlsOfHosts(text).every((url) => URL.canParse(url)),
  'postgresql://user:password@host:5432/name, or with several hosts: postgresql://user:password@host1,host2/name',
);
const redisUrl = secretUrl(
  (text) => parseSentinelUrl(text) !== undefined || (/^rediss?:\/\//.test(text) && URL.canParse(text)),
  'redis://:password@host:6379, or sentinel://:password@host1:26379,host2:26379/name',
);
const section = <Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodPrefault<z.ZodObject<Shape, z.core.$strict>> => z.strictObject(shape).prefault({} as never);

/** Files of a listener's TLS. */
const tls = section({ cert_file: text(), key_file: text(), client_ca_file: text() });
/** Options of one Gnocchi. */
const gnocchi = {
  url: httpUrl('http://127.0.0.1:8041'),
  auth: z.enum(['none', 'basic', 'keystone']).default('basic'),
  user: z.string().min(1).default('admin'),
  external_project_owner: z.string().min(1).default('service'),
  external_domain_name: z.string().min(1).default('Default'),
  timeout: duration('10s', { min: '100ms' }),
};
/** Options of one Prometheus. */
const prometheus = {
  url: httpUrl('http://127.0.0.1:9090'),
  auth: z.enum(['none', 'basic', 'bearer']).default('none'),
  user: text(),
  password: secret(),
  token: secret(),
  ca_file: text(),
  certificate_file: text(),
  key_file: text(),
  tenancy: z.enum(['label', 'header', 'none']).default('label'),
  project_label: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a label: letters, digits and _')
    .default('project'),
  tenant_header: z
    .string()
    .regex(/^[A-Za-z0-9-]+$/, 'expected the name of a header: letters, digits and -')
    .default('X-Scope-OrgID'),
  admin_tenant: text(),
  timeout: duration('10s', { min: '100ms' }),
  queries_per_request: count(1_000, 1_000),
  select_all: z.boolean().default(true),
};
/** Named backends, each with the same options. Alarms refer to the names. */
const others = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z
    .record(
      z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected a name of at most 64 lower-case letters, digits and dashes'),
      z.strictObject(shape),
    )
    .default({});

const Schedule = z.array(duration('0s'));
const RetrySchedule = Schedule.min(1).prefault([
  '0s',
  '5s',
  '30s',
  '2m',
  '10m',
  '30m',
  '1h',
  '2h',
  '4h',
  '8h',
  '8h',
] as never);

/** Well-known ports but those of HTTP, and ports of databases, brokers and cluster managers. */
const DENIED_PORTS = [
  ...['1-79', '81-442', '444-1023', '2375-2380', '3306', '5432', '5672', '6379', '6443', '8500', '9092', '9200'],
  ...['9300', '10250', '11211', '27017'],
];

/** All options with defaults and bounds. `config/default.yaml` documents them. */
export const Config = z.strictObject({
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES]),
  api: section({
    host: z.string().min(1).default('127.0.0.1'),
    port: port(8042),
    public_url: httpUrl('https://alarms.example.com'),
    i_understand_noauth_is_open: z.boolean().default(false),
    alarm_max_actions: z.number().int().min(-1).default(-1),
    project_alarm_quota: limit(),
    user_alarm_quota: limit(),
    evaluation_results_metrics: z.boolean().default(false),
    max_streams: count(1_000, 100_000),
    max_project_streams: count(200, 100_000),
    keep_stream_events: duration('24h', { min: '1m', max: '30d' }),
    trusted_proxies: z
      .array(z.string().refine(isNetwork, 'expected an address or a network such as 10.0.0.0/8'))
      .default([]),
    tls,
  }),
  limits: section({
    requests_per_second: count(500, 1_000_000),
    writes_per_second: count(200, 1_000_000),
    replays_per_minute: count(10, 1_000_000),
    tests_per_minute: count(10, 1_000_000),
    notifications_per_hour: z.number().int().min(0).max(100_000_000).default(10_000),
  }),
  auth: section({
    mode: z.enum(AUTH_MODES).default('noauth'),
    admin_roles: z.array(z.string().min(1)).min(1).default(['admin']),
    failures_per_minute: count(10, 1_000_000),
    key_lifetime: duration('90d', { min: '1m', max: '3660d' }),
  }),
  audit: section({
    enabled: z.boolean().default(true),
    keep_for: duration('90d', { min: '7d' }),
    log: z.boolean().default(false),
  }),
  keystone: section({
    auth_url: httpUrl('http://127.0.0.1:5000/v3'),
    public_url: httpUrl('https://keystone.example.com/v3'),
    username: text(),
    password: secret(),
    project_name: z.string().min(1).default('service'),
    user_domain_name: z.string().min(1).default('Default'),
    project_domain_name: z.string().min(1).default('Default'),
    application_credential_id: text(),
    application_credential_secret: secret(),
    ca_file: text(),
    region: text(),
    interface: z.enum(['public', 'internal', 'admin']).default('public'),
    timeout: duration('5s', { min: '100ms' }),
    deadline: duration('30s', { min: '100ms' }),
    token_cache_time: z.number().int().min(-1).default(300),
    service_type: z.string().min(1).default('alarming'),
    service_token_roles: z.array(z.string().min(1)).min(1).default(['service']),
  }),
  gnocchi: section({ ...gnocchi, others: others(gnocchi) }),
  prometheus: section({ ...prometheus, others: others(prometheus) }),
  octavia: section({
    url: httpUrl('http://127.0.0.1:9876'),
    member_creation_time: duration('120s'),
    timeout: duration('10s', { min: '100ms' }),
  }),
  secrets: section({
    key: secretKey(),
    previous_key: secretKey(),
  }),
  signing: section({
    overlap: duration('24h', { max: '30d' }),
    max_secrets: z.number().int().min(2).max(5).default(2),
  }),
  heartbeat: section({
    url: secretUrl((text) => /^https?:\/\//.test(text) && URL.canParse(text), 'https://watch.example.com/ping/tocsin'),
    every: duration('1m', { min: '1s', max: '1h' }),
  }),
  history: section({ keep_for: optionalDuration({ min: '7d' }) }),
  events: section({
    retention: duration('7d', { min: '1m' }),
  }),
  management: section({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.number().int().min(0).max(65_535).optional(),
    tls,
  }),
  database: section({
    url: postgresUrl,
    data_dir: z.string().min(1).default('./data'),
    max_connections: count(10, 200),
    statement_timeout: duration('10s', { min: '100ms' }),
    migrate_on_start: z.boolean().default(true),
  }),
  redis: section({
    url: redisUrl,
    prefix: z
      .string()
      .regex(/^[a-z0-9-]+$/, 'expected lower-case letters, digits and dashes')
      .default('tocsin'),
  }),
  evaluator: section({
    interval: duration('60s', { min: '400ms', max: '1h' }),
    lease: duration('10s', { min: '500ms' }),
    heartbeat: duration('2s', { min: '50ms' }),
    deadline: duration('10s', { min: '100ms' }),
    backend_grace: optionalDuration(),
    extra_batches: z.boolean().default(true),
  }),
  meters: section({
    retention: duration('7d', { min: '1m' }),
    prune_every: duration('1m', { min: '1s' }),
  }),
  notifier: section({
    policy: z.enum(['current', 'every']).default('current'),
    concurrency: count(100, 1_000),
    attempt_timeout: duration('65s', { min: '100ms' }),
    connect_timeout: duration('5s', { min: '50ms' }),
    claim: duration('80s', { min: '500ms' }),
    sweep_every: duration('5s', { min: '100ms' }),
    retry_schedule: RetrySchedule,
    rejected_schedule: Schedule.prefault(['5s', '30s', '2m', '5m'] as never),
    max_age: duration('24h', { min: '1s' }),
    per_host: count(32, 10_000),
    per_host_and_project: count(4, 10_000),
    keep_delivered: duration('3d'),
    keep_repeats: duration('1h'),
    keep_dead: duration('30d'),
    trust_actions_over_http: z.boolean().default(true),
    https_only_actions: z.boolean().default(false),
  }),
  egress: section({
    allow: z.array(allowEntry).default([]),
    deny_ports: portList.prefault([...DENIED_PORTS]),
    allow_loopback_receivers: z.boolean().default(false),
  }),
  queue: section({
    redis_url: redisUrl,
    prefix: z
      .string()
      .regex(/^[a-z0-9-]+$/, 'expected lower-case letters, digits and dashes')
      .default('tocsin-actions'),
  }),
  log: section({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }),
  shutdown_timeout: duration('75s', { min: '1s' }),
});
export type Config = z.infer<typeof Config>;
