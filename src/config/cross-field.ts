import { isIP } from 'node:net';

import { isLoopback } from '../loopback.js';
import { gnocchiSections, prometheusSections, sectionName, type PrometheusSettings } from './backends.js';
import { ROLES, type Config } from './schema.js';
import type { Secret } from './secret.js';

/** A rule that several options must keep together. */
interface CrossFieldRule {
  /** The option that the message is about, first, and the others it looks at. */
  reads: readonly [string, ...string[]];
  problem(config: Config): string | undefined;
}

/** The rules that this configuration must keep; those of backends once for each. */
export function crossFieldRules(config: Config): CrossFieldRule[] {
  return [...RULES, ...backendRules(config)];
}

const RULES: readonly CrossFieldRule[] = [
  {
    reads: ['notifier.claim', 'notifier.attempt_timeout'],
    problem: ({ notifier }) =>
      notifier.claim > notifier.attempt_timeout
        ? undefined
        : 'must be longer than notifier.attempt_timeout, or an attempt outlives its claim and is made twice',
  },
  {
    reads: ['evaluator.lease', 'evaluator.heartbeat'],
    problem: ({ evaluator }) =>
      evaluator.lease > 2 * evaluator.heartbeat
        ? undefined
        : 'must be longer than twice evaluator.heartbeat, or one lost heartbeat costs a member its partitions',
  },
  {
    reads: ['roles', 'database.url'],
    problem: ({ roles, database }) =>
      database.url || ROLES.every((role) => roles.includes(role))
        ? undefined
        : 'the embedded database serves one process with all roles; set database.url to split the roles over processes',
  },
  {
    reads: ['redis.url', 'database.url'],
    problem: ({ redis, database }) =>
      !redis.url || database.url
        ? undefined
        : 'needs database.url: Redis coordinates processes, and the embedded database serves only one',
  },
  {
    reads: ['api.host', 'api.i_understand_noauth_is_open', 'auth.mode', 'roles'],
    problem: ({ roles, api, auth }) =>
      auth.mode !== 'noauth' || !roles.includes('api') || api.i_understand_noauth_is_open || !isSurelyOpen(api.host)
        ? undefined
        : `${api.host} is not a loopback address, and without authentication everybody who reaches it is admin; ` +
          'set api.i_understand_noauth_is_open if that is what you want',
  },
  {
    reads: ['keystone.auth_url', 'auth.mode', 'roles'],
    problem: ({ roles, auth, keystone }) =>
      !roles.includes('api') || !auth.mode.includes('keystone') || keystone.auth_url
        ? undefined
        : `is needed for auth.mode ${auth.mode}: tokens are validated there`,
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
        : 'is needed with keystone.auth_url, with keystone.password; or keystone.application_credential_id with its secret';
    },
  },
];

function backendRules(config: Config): CrossFieldRule[] {
  const named = [
    ...[...gnocchiSections(config)].map(([name, { url }]) => ({ section: sectionName('gnocchi', name), name, url })),
    ...[...prometheusSections(config)].map(([name, { url }]) => ({
      section: sectionName('prometheus', name),
      name,
      url,
    })),
  ];
  return [
    ...named.map(({ section, name, url }): CrossFieldRule => ({
      reads: [`${section}.url`],
      problem: () =>
        name === null || url !== undefined ? undefined : 'is needed: a named backend without one is of no use',
    })),
    ...[...prometheusSections(config)].flatMap(([name, settings]) =>
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
      if (auth === kind) return value === undefined ? `is needed with ${option('auth')} ${kind}` : undefined;
      return value === undefined ? undefined : `is of no use without ${option('auth')} ${kind}`;
    },
  });
  const together = (
    name: 'certificate_file' | 'key_file',
    value: unknown,
    other: 'certificate_file' | 'key_file',
  ): CrossFieldRule => ({
    reads: [option(name), option(other)],
    problem: () =>
      value === undefined && settings[other] !== undefined ? `is needed with ${option(other)}` : undefined,
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
  return secret === undefined ? `is needed with ${nameOption}` : `is of no use without ${nameOption}`;
}

/** Names are resolved, and checked again, when the API starts to listen. */
function isSurelyOpen(host: string): boolean {
  return isIP(host) !== 0 && !isLoopback(host);
}
