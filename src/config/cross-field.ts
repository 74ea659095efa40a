import { isIP } from 'node:net';

import { isLoopback } from '../loopback.js';
import { namedSections, sectionName, sectionsOf, type PrometheusSettings } from './backends.js';
import { ROLES, type Config } from './schema.js';
import type { Secret } from './secret.js';

/** A rule about several options. */
interface CrossFieldRule {
  /** The options that the rule reads. The first one is named in the message. */
  reads: readonly [string, ...string[]];
  /** The problem as a clause whose subject is the first option; undefined if there is none. */
  problem(config: Config): string | undefined;
}

/** All rules for this configuration, with those for each of its backends. */
export function crossFieldRules(config: Config): CrossFieldRule[] {
  return [...RULES, ...tlsRules('api'), ...tlsRules('management'), ...backendRules(config)];
}

const RULES: readonly CrossFieldRule[] = [
  {
    reads: ['notifier.claim', 'notifier.attempt_timeout'],
    problem: ({ notifier }) =>
      notifier.claim > notifier.attempt_timeout
        ? undefined
        : 'must be longer than notifier.attempt_timeout; otherwise an attempt outlives its claim and is made twice',
  },
  {
    reads: ['evaluator.lease', 'evaluator.heartbeat'],
    problem: ({ evaluator }) =>
      evaluator.lease > 2 * evaluator.heartbeat
        ? undefined
        : 'must be longer than twice evaluator.heartbeat; otherwise one ' +
          'lost heartbeat costs an evaluator its partitions',
  },
  {
    reads: ['roles', 'database.url'],
    problem: ({ roles, database }) =>
      database.url || ROLES.every((role) => roles.includes(role))
        ? undefined
        : 'must be all three with the embedded database, which only one ' +
          'process can use; set database.url to split them',
  },
  {
    reads: ['redis.url', 'database.url'],
    problem: ({ redis, database }) =>
      !redis.url || database.url
        ? undefined
        : 'needs database.url: Redis coordinates several processes, and only one can use the embedded database',
  },
  {
    reads: ['api.host', 'api.i_understand_noauth_is_open', 'auth.mode', 'roles'],
    problem: ({ roles, api, auth }) =>
      auth.mode !== 'noauth' || !roles.includes('api') || api.i_understand_noauth_is_open || !isSurelyOpen(api.host)
        ? undefined
        : `${api.host} is not a loopback address, and without authentication every client is an admin; ` +
          'set auth.mode, or allow it with api.i_understand_noauth_is_open',
  },
  {
    reads: ['secrets.key', 'secrets.previous_key', 'database.url'],
    problem: ({ secrets, database }) =>
      secrets.previous_key === undefined || secrets.key !== undefined || !database.url
        ? undefined
        : 'is required with secrets.previous_key: the previous key only decrypts',
  },
  {
    reads: ['keystone.auth_url', 'auth.mode', 'roles'],
    problem: ({ roles, auth, keystone }) =>
      !roles.includes('api') || !auth.mode.includes('keystone') || keystone.auth_url
        ? undefined
        : `is required for auth.mode ${auth.mode}: Keystone validates the tokens`,
  },
  {
    reads: ['keystone.password', 'keystone.username'],
    problem: ({ keystone }) => incompletePair(keystone.username, keystone.password, 'keystone.username'),
  },
  {
    reads: ['keystone.application_credential_secret', 'keystone.application_credential_id'],
    problem: ({ keystone: { application_credential_id: id, application_credential_secret: secret } }) =>
      incompletePair(id, secret, 'keystone.application_credential_id'),
  },
  {
    reads: ['keystone.username', 'keystone.application_credential_id', 'keystone.auth_url'],
    problem: ({ keystone: { auth_url, username, application_credential_id: id } }) => {
      if (username !== undefined && id !== undefined)
        return 'must not be set together with keystone.application_credential_id';
      return auth_url === undefined || username !== undefined || id !== undefined
        ? undefined
        : 'is required with keystone.auth_url, together with keystone.password; or ' +
            'set keystone.application_credential_id and its secret';
    },
  },
];

function tlsRules(listener: 'api' | 'management'): CrossFieldRule[] {
  type TlsFile = keyof Config['api']['tls'];
  const needs = (file: TlsFile, other: TlsFile): CrossFieldRule => ({
    reads: [`${listener}.tls.${file}`, `${listener}.tls.${other}`],
    problem: ({ [listener]: { tls } }) =>
      tls[file] === undefined && tls[other] !== undefined ? `is required with ${listener}.tls.${other}` : undefined,
  });
  return [needs('cert_file', 'key_file'), needs('key_file', 'cert_file'), needs('cert_file', 'client_ca_file')];
}

function backendRules(config: Config): CrossFieldRule[] {
  return [
    ...namedSections(config).map(({ section, url }): CrossFieldRule => ({
      reads: [`${section}.url`],
      problem: () => (url === undefined ? 'is required for a named backend' : undefined),
    })),
    ...[...sectionsOf(config.prometheus)].flatMap(([name, settings]) =>
      prometheusRules(sectionName('prometheus', name), settings),
    ),
  ];
}

function prometheusRules(section: string, settings: PrometheusSettings): CrossFieldRule[] {
  const { auth, user, password, token, certificate_file: certificate, key_file: key } = settings;
  const option = (name: keyof PrometheusSettings): string => `${section}.${name}`;
  const needed = (name: 'user' | 'password' | 'token', value: unknown, kind: string): CrossFieldRule => ({
    reads: [option(name), option('auth')],
    problem: () => {
      if (auth === kind) return value === undefined ? `is required with ${option('auth')} ${kind}` : undefined;
      return value === undefined ? undefined : `has no effect without ${option('auth')} ${kind}`;
    },
  });
  const together = (
    name: 'certificate_file' | 'key_file',
    value: unknown,
    other: 'certificate_file' | 'key_file',
  ): CrossFieldRule => ({
    reads: [option(name), option(other)],
    problem: () =>
      value === undefined && settings[other] !== undefined ? `is required with ${option(other)}` : undefined,
  });
  return [
    needed('user', user, 'basic'),
    needed('password', password, 'basic'),
    needed('token', token, 'bearer'),
    together('certificate_file', certificate, 'key_file'),
    together('key_file', key, 'certificate_file'),
  ];
}

function incompletePair(name: string | undefined, secret: Secret | undefined, nameOption: string): string | undefined {
  if ((name === undefined) === (secret === undefined)) return undefined;
  return secret === undefined ? `is required with ${nameOption}` : `has no effect without ${nameOption}`;
}

/** True for an address that is not a loopback address. Names are resolved and checked when the API starts. */
function isSurelyOpen(host: string): boolean {
  return isIP(host) !== 0 && !isLoopback(host);
}
