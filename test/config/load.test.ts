import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { parseDocument } from 'yaml';

import { loadConfig, type ConfigSources } from '../../src/config/load.js';
import { OPTIONS } from '../../src/config/options.js';
import { parseConfig } from '../../src/config/parse.js';
import { printConfig } from '../../src/config/print.js';
import { ConfigError } from '../../src/config/problem.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FIXTURES = path.join(ROOT, 'test/fixtures/config');

function load(sources: Partial<ConfigSources>) {
  return loadConfig({ environment: {}, flags: [], ...sources });
}

function mistakesOf(sources: Partial<ConfigSources>): string[] {
  try {
    load(sources);
  } catch (thrown) {
    if (thrown instanceof ConfigError)
      return thrown.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim());
    throw thrown;
  }
  return [];
}

describe('a configuration file with one mistake', () => {
  const cases: Record<string, string> = {
    'bad-auth-mode':
      'auth.mode: expected one of noauth, apikey, keystone, keystone+apikey, got "basic" (bad-auth-mode.yaml line 2)',
    'bad-backend-is-text': 'prometheus.others.east: expected a section with options (bad-backend-is-text.yaml line 3)',
    'bad-backend-name':
      'gnocchi.others.East_1: expected a name of at most 64 lower-case ' +
      'letters, digits and dashes (bad-backend-name.yaml line 3)',
    'bad-backend-nested': 'gnocchi.others.east.others: unknown option (bad-backend-nested.yaml line 5)',
    'bad-backend-option': 'gnocchi.others.east.urll: unknown option (bad-backend-option.yaml line 5)',
    'bad-backend-secret': 'prometheus.others.east.token: expected text (bad-backend-secret.yaml line 6)',
    'bad-backend-timeout':
      'prometheus.others.east.timeout: expected a duration such as 250ms, 5s, ' +
      '2m, 1h or 30d, got 5 (bad-backend-timeout.yaml line 5)',
    'bad-backend-without-password':
      'prometheus.others.east.password: is required with ' +
      'prometheus.others.east.auth basic (bad-backend-without-password.yaml line 5)',
    'bad-backend-without-url':
      'prometheus.others.east.url: is required for a named backend (bad-backend-without-url.yaml line 3)',
    'bad-backends-are-text': 'prometheus.others: expected sections by name (bad-backends-are-text.yaml line 2)',
    'bad-boolean': 'database.migrate_on_start: expected true or false, got "maybe" (bad-boolean.yaml line 2)',
    'bad-claim-too-short':
      'notifier.claim: must be longer than notifier.attempt_timeout; otherwise an attempt ' +
      'outlives its claim and is made twice (bad-claim-too-short.yaml line 2)',
    'bad-duplicate-key': 'not valid YAML: Map keys must be unique (bad-duplicate-key.yaml line 3)',
    'bad-duration-too-short':
      'evaluator.interval: must be at least 400ms, got "1ms" (bad-duration-too-short.yaml line 2)',
    'bad-duration-without-unit':
      'evaluator.interval: expected a duration such as 250ms, 5s, 2m, 1h or ' +
      '30d, got 60 (bad-duration-without-unit.yaml line 2)',
    'bad-egress-cidr':
      'egress.allow.0.cidr: expected an address or a network such as 10.0.0.0/8, got "10.0.0.0/33" ' +
      '(bad-egress-cidr.yaml line 2)',
    'bad-egress-empty':
      'egress.allow.0: expected cidr (an address or a network), hostname, or both, got {"projects":["p"]} ' +
      '(bad-egress-empty.yaml line 2)',
    'bad-egress-ports':
      'egress.allow.0.ports.0: expected a port, or ports such as 8000-8100, got "9000-8000" ' +
      '(bad-egress-ports.yaml line 2)',
    'bad-keystone-secret-without-id':
      'keystone.application_credential_secret: has no effect without ' +
      'keystone.application_credential_id (bad-keystone-secret-without-id.yaml line 5)',
    'bad-keystone-two-logins':
      'keystone.username: must not be set together with ' +
      'keystone.application_credential_id (bad-keystone-two-logins.yaml line 3)',
    'bad-keystone-without-login':
      'keystone.username: is required with keystone.auth_url, together with keystone.password; or ' +
      'set keystone.application_credential_id and its secret (bad-keystone-without-login.yaml line 2)',
    'bad-keystone-without-password':
      'keystone.password: is required with keystone.username (bad-keystone-without-password.yaml line 3)',
    'bad-keystone-without-url':
      'keystone.auth_url: is required for auth.mode keystone: Keystone ' +
      'validates the tokens (bad-keystone-without-url.yaml line 2)',
    'bad-lease-too-short':
      'evaluator.lease: must be longer than twice evaluator.heartbeat; otherwise one lost ' +
      'heartbeat costs an evaluator its partitions (bad-lease-too-short.yaml line 2)',
    'bad-no-roles': 'roles: must not be empty, got [] (bad-no-roles.yaml line 1)',
    'bad-not-a-mapping': 'expected sections with options (bad-not-a-mapping.yaml line 1)',
    'bad-not-yaml':
      'not valid YAML: Flow sequence in block collection must be sufficiently ' +
      'indented and end with a ] (bad-not-yaml.yaml line 2)',
    'bad-open-noauth':
      'api.host: 0.0.0.0 is not a loopback address, and without authentication every client is an ' +
      'admin; set auth.mode, or allow it with api.i_understand_noauth_is_open (bad-open-noauth.yaml line 2)',
    'bad-policy': 'notifier.policy: expected one of current, every, got "sometimes" (bad-policy.yaml line 2)',
    'bad-port-fraction': 'api.port: expected a whole number, got 80.5 (bad-port-fraction.yaml line 2)',
    'bad-port-not-a-number': 'api.port: expected a number, got "eight" (bad-port-not-a-number.yaml line 2)',
    'bad-port-out-of-range': 'api.port: must be at most 65535, got 70000 (bad-port-out-of-range.yaml line 2)',
    'bad-prefix':
      'redis.prefix: expected lower-case letters, digits and dashes, got "My Service" (bad-prefix.yaml line 2)',
    'bad-prometheus-bearer-without-token':
      'prometheus.token: is required with prometheus.auth bearer (bad-prometheus-bearer-without-token.yaml line 3)',
    'bad-prometheus-certificate':
      'prometheus.certificate_file: is required with prometheus.key_file (bad-prometheus-certificate.yaml line 3)',
    'bad-prometheus-password-without-user':
      'prometheus.user: is required with prometheus.auth basic (bad-prometheus-password-without-user.yaml line 3)',
    'bad-prometheus-token':
      'prometheus.token: has no effect without prometheus.auth bearer (bad-prometheus-token.yaml line 3)',
    'bad-quota-too-large':
      'api.user_alarm_quota: must be at most 2147483647, got 99999999999 (bad-quota-too-large.yaml line 2)',
    'bad-redis-without-database':
      'redis.url: needs database.url: Redis coordinates several processes, and only one can ' +
      'use the embedded database (bad-redis-without-database.yaml line 2)',
    'bad-retry-schedule':
      'notifier.retry_schedule.1: expected a duration such as 250ms, 5s, 2m, ' +
      '1h or 30d, got "soon" (bad-retry-schedule.yaml line 2)',
    'bad-role': 'roles.1: expected one of api, evaluator, notifier, got "evalator" (bad-role.yaml line 1)',
    'bad-roles-on-embedded-database':
      'roles: must be all three with the embedded database, which only one process can use; set ' +
      'database.url to split them (bad-roles-on-embedded-database.yaml line 1)',
    'bad-secret-not-text': 'database.url: expected text (bad-secret-not-text.yaml line 2)',
    'bad-secrets-key':
      'secrets.key: expected 32 bytes as base64, such as `openssl rand ' +
      '-base64 32` prints (bad-secrets-key.yaml line 2)',
    'bad-secrets-previous-key':
      'secrets.key: is required with secrets.previous_key: the previous key only decrypts ' +
      '(bad-secrets-previous-key.yaml line 4)',
    'bad-section-is-text': 'database: expected a section with options (bad-section-is-text.yaml line 1)',
    'bad-tls-only-clients':
      'management.tls.cert_file: is required with management.tls.client_ca_file (bad-tls-only-clients.yaml line 4)',
    'bad-tls-without-key': 'api.tls.key_file: is required with api.tls.cert_file (bad-tls-without-key.yaml line 3)',
    'bad-unknown-option': 'evaluator.intervall: unknown option (bad-unknown-option.yaml line 2)',
    'bad-unknown-section': 'evaluater: unknown option (bad-unknown-section.yaml line 1)',
    'bad-url-with-password':
      'gnocchi.url: must not contain a user or a password, got "http://***@gnocchi:8041" (bad-url-with-password.yaml line 2)',
  };

  test.each(Object.entries(cases))('%s is refused with the exact line', (name, expected) => {
    expect(mistakesOf({ file: path.join(FIXTURES, `${name}.yaml`) })).toEqual([expected]);
  });

  test('each fixture has a row in this table', () => {
    expect(readdirSync(FIXTURES).sort()).toEqual(Object.keys(cases).map((name) => `${name}.yaml`));
  });
});

describe('the sources of values', () => {
  const readFile = (): string => 'api:\n  port: 1\n  host: 127.0.0.2\n  alarm_max_actions: 5\nlog:\n  level:\n';

  test('flags override the environment, which overrides the file, which overrides the defaults', () => {
    const { config } = load({
      file: 'tocsin.yaml',
      readFile,
      environment: { TOCSIN_API_PORT: '2', TOCSIN_API_HOST: '127.0.0.3' },
      flags: [{ name: 'api.port', text: '3', origin: '--port' }],
    });
    expect(config.api).toMatchObject({
      port: 3,
      host: '127.0.0.3',
      alarm_max_actions: 5,
      i_understand_noauth_is_open: false,
    });
    expect(config.log.level).toBe('info');
  });

  test('TOCSIN_CONFIG names the file without --config', () => {
    const asked: string[] = [];
    const remember = (file: string): string => (asked.push(file), '');
    load({ environment: { TOCSIN_CONFIG: '/etc/a.yaml' }, readFile: remember });
    load({ environment: { TOCSIN_CONFIG: '/etc/a.yaml' }, file: '/etc/b.yaml', readFile: remember });
    expect(asked).toEqual(['/etc/a.yaml', '/etc/b.yaml']);
  });

  test.each([
    ['TOCSIN_ROLES', 'api, evaluator,notifier', ['api', 'evaluator', 'notifier'], 'roles'],
    ['TOCSIN_DATABASE_MIGRATE_ON_START', 'false', false, 'database.migrate_on_start'],
    ['TOCSIN_NOTIFIER_RETRY_SCHEDULE', '1s,250ms', [1000, 250], 'notifier.retry_schedule'],
    ['TOCSIN_EVALUATOR_INTERVAL', '2s', 2000, 'evaluator.interval'],
    ['TOCSIN_SHUTDOWN_TIMEOUT', '1m', 60_000, 'shutdown_timeout'],
    ['TOCSIN_API_PORT', '', 8042, 'api.port'],
  ])('%s=%s is parsed', (variable, text, expected, name) => {
    const { config } = load({ environment: { [variable]: text } });
    const value = name.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], config);
    expect(value).toEqual(expected);
  });

  test('each option has its own variable', () => {
    expect(new Set(OPTIONS.map(({ variable }) => variable)).size).toBe(OPTIONS.length);
  });

  test('a secret may come from a file that the environment names', () => {
    const readSecret = (file: string): string => (file === '/run/secret' ? 'postgresql://a:b@c/d\n' : '');
    const { config } = load({ environment: { TOCSIN_DATABASE_URL_FILE: '/run/secret' }, readFile: readSecret });
    expect(config.database.url?.reveal()).toBe('postgresql://a:b@c/d');
  });

  test('variables for scripts and tests are ignored', () => {
    expect(mistakesOf({ environment: { TOCSIN_NO_INSTALL: '1', TOCSIN_TEST_POSTGRES: 'x', PATH: '/bin' } })).toEqual(
      [],
    );
  });
});

test.each([
  [{}, undefined],
  [{ TOCSIN_EVALUATOR_BACKEND_GRACE: '0s' }, 0],
  [{ TOCSIN_EVALUATOR_BACKEND_GRACE: '5m' }, 300_000],
])('a grace of nothing is another than none that is said: %j', (environment, expected) => {
  expect(load({ environment }).config.evaluator.backend_grace).toBe(expected);
});

describe('mistakes', () => {
  test('of all sources are reported at once, each with its origin', () => {
    const mistakes = mistakesOf({
      file: '/etc/tocsin.yaml',
      readFile: (file) => {
        if (file === '/etc/tocsin.yaml') return 'api:\n  prot: 80\nnotifier:\n  claim: 1s\n';
        throw new Error('ENOENT');
      },
      environment: {
        TOCSIN_API_PORT: '80x',
        TOCSIN_API_PROT: '80',
        TOCSIN_REDIS_URL_FILE: '/nowhere',
        TOCSIN_DATABASE_URL: 'postgresql://u:hunter2@h/d',
        TOCSIN_DATABASE_URL_FILE: '/also',
      },
      flags: [
        { name: 'log.level', text: 'loud', origin: '--log-level' },
        { name: 'log.colour', text: 'red', origin: '--set log.colour=red' },
      ],
    });
    expect(mistakes.sort()).toEqual([
      'TOCSIN_API_PROT: unknown variable',
      'api.port: expected a number, got "80x" (TOCSIN_API_PORT)',
      'api.prot: unknown option (tocsin.yaml line 2)',
      'database.url: set both by TOCSIN_DATABASE_URL and by TOCSIN_DATABASE_URL_FILE',
      'log.colour: unknown option (--set log.colour=red)',
      'log.level: expected one of debug, info, warn, error, got "loud" (--log-level)',
      'notifier.claim: must be longer than notifier.attempt_timeout; otherwise an ' +
        'attempt outlives its claim and is made twice (tocsin.yaml line 4)',
      'redis.url: cannot read the file: ENOENT (TOCSIN_REDIS_URL_FILE)',
    ]);
  });

  test('a rule about two options names the one that was set', () => {
    expect(mistakesOf({ environment: { TOCSIN_EVALUATOR_HEARTBEAT: '5s' } })).toEqual([
      'evaluator.lease: must be longer than twice evaluator.heartbeat; otherwise one lost ' +
        'heartbeat costs an evaluator its partitions (TOCSIN_EVALUATOR_HEARTBEAT)',
    ]);
  });

  test('include a file that cannot be read', () => {
    expect(mistakesOf({ file: '/does/not/exist.yaml' })).toEqual([
      "cannot read the configuration file: ENOENT: no such file or directory, open '/does/not/exist.yaml'",
    ]);
  });

  test.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost', 'a.name.to.resolve.later'])(
    '%s is not refused before it is resolved',
    (host) => {
      expect(mistakesOf({ environment: { TOCSIN_API_HOST: host } })).toEqual([]);
    },
  );

  test.each(['0.0.0.0', '::', '10.0.0.1', '2001:db8::1'])('%s is refused without authentication', (host) => {
    expect(mistakesOf({ environment: { TOCSIN_API_HOST: host } })).toHaveLength(1);
    expect(
      mistakesOf({ environment: { TOCSIN_API_HOST: host, TOCSIN_API_I_UNDERSTAND_NOAUTH_IS_OPEN: 'true' } }),
    ).toEqual([]);
  });
});

describe('authentication and address', () => {
  const OWN_LOGIN = {
    TOCSIN_KEYSTONE_AUTH_URL: 'http://127.0.0.1:5000/v3',
    TOCSIN_KEYSTONE_USERNAME: 'tocsin',
    TOCSIN_KEYSTONE_PASSWORD: 'secret',
  };

  test.each([
    ['noauth', '127.0.0.1', {}, 0],
    ['noauth', '0.0.0.0', {}, 1],
    ['noauth', '::', OWN_LOGIN, 1],
    ['apikey', '127.0.0.1', {}, 0],
    ['apikey', '0.0.0.0', {}, 0],
    ['apikey', '::', {}, 0],
    ['keystone', '0.0.0.0', OWN_LOGIN, 0],
    ['keystone+apikey', '10.0.0.1', OWN_LOGIN, 0],
    ['keystone', '127.0.0.1', {}, 1],
    ['keystone+apikey', '0.0.0.0', {}, 1],
    ['keystone', '127.0.0.1', { TOCSIN_ROLES: 'notifier', TOCSIN_DATABASE_URL: 'postgresql://u@h/d' }, 0],
  ])('auth.mode %s on %s with %j has %i mistakes', (mode, host, environment, count) => {
    const mistakes = mistakesOf({ environment: { TOCSIN_AUTH_MODE: mode, TOCSIN_API_HOST: host, ...environment } });
    expect(mistakes).toHaveLength(count);
  });

  test('an application credential replaces user and password', () => {
    const { TOCSIN_KEYSTONE_AUTH_URL } = OWN_LOGIN;
    const credential = {
      TOCSIN_KEYSTONE_APPLICATION_CREDENTIAL_ID: 'id',
      TOCSIN_KEYSTONE_APPLICATION_CREDENTIAL_SECRET: 'secret',
    };
    const environment = { TOCSIN_AUTH_MODE: 'keystone', TOCSIN_KEYSTONE_AUTH_URL, ...credential };
    expect(mistakesOf({ environment })).toEqual([]);
  });
});

describe('the documented files', () => {
  const defaults = path.join(ROOT, 'config/default.yaml');

  test('default.yaml gives exactly the defaults', () => {
    expect(load({ file: defaults }).config).toEqual(parseConfig({}));
  });

  test('default.yaml has all options, each with a comment', () => {
    const text = readFileSync(defaults, 'utf8');
    const document = parseDocument(text);
    expect(OPTIONS.filter(({ path: at }) => !document.hasIn(at)).map(({ name }) => name)).toEqual([]);
    const lines = text.split('\n');
    const undocumented = lines.filter((line, index) => /^ {2}\w+:/.test(line) && !/^ *#/.test(lines[index - 1] ?? ''));
    expect(undocumented).toEqual([]);
  });

  test('example.production.yaml is a valid configuration on PostgreSQL and Redis', () => {
    const { config } = load({
      file: path.join(ROOT, 'config/example.production.yaml'),
      flags: [{ name: 'roles', text: 'evaluator', origin: '--roles' }],
    });
    expect(config.database.url?.reveal()).toContain('postgresql://');
    expect(config.redis.url?.reveal()).toContain('redis://');
    expect(config.roles).toEqual(['evaluator']);
  });
});

describe('by default', () => {
  const { notifier, keystone, shutdown_timeout } = parseConfig({});

  test(
    'an attempt is longer than the 60 s that Heat waits for its engine, ' +
      'and claims and stopping are longer than an attempt',
    () => {
      const { attempt_timeout, claim } = notifier;
      expect({ attempt_timeout, claim, shutdown_timeout }).toEqual({
        attempt_timeout: 65_000,
        claim: 80_000,
        shutdown_timeout: 75_000,
      });
    },
  );

  test('a request to Keystone has 30 s in all, and each of its attempts 5 s', () => {
    expect(keystone).toMatchObject({ deadline: 30_000, timeout: 5_000 });
  });
});

describe('the configuration', () => {
  test('is frozen', () => {
    const config = parseConfig({});
    expect(Object.isFrozen(config) && Object.isFrozen(config.api) && Object.isFrozen(config.roles)).toBe(true);
  });

  test('is printed with all options and their origins, secrets masked', () => {
    const { config, settings } = load({
      environment: { TOCSIN_DATABASE_URL: 'postgresql://u:hunter2@h/d', TOCSIN_EVALUATOR_INTERVAL: '90s' },
      flags: [{ name: 'roles', text: 'api', origin: '--roles' }],
    });
    const text = printConfig(settings);
    expect(text).toContain('  interval: 90s # TOCSIN_EVALUATOR_INTERVAL\n');
    expect(text).toContain('  url: "***" # TOCSIN_DATABASE_URL\n');
    expect(text).toContain('roles: [ api ] # --roles\n');
    expect(text).toContain('  lease: 10s\n');
    expect(text + inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hunter2');
    const document = parseDocument(text);
    expect(OPTIONS.every(({ path: at }) => document.hasIn(at))).toBe(true);
  });

  test('can be loaded again from its printed form', () => {
    const { config, settings } = load({
      environment: { TOCSIN_NOTIFIER_RETRY_SCHEDULE: '1s,2m', TOCSIN_MANAGEMENT_PORT: '9000' },
    });
    expect(load({ file: 'printed.yaml', readFile: () => printConfig(settings) }).config).toEqual(config);
  });
});
