import { isIP } from 'node:net';

import { ROLES, type Config } from './schema.js';
import type { Secret } from './secret.js';

/** A rule that several options must keep together. */
interface CrossFieldRule {
  /** The option that the message is about, first, and the others it looks at. */
  reads: readonly [string, ...string[]];
  problem(config: Config): string | undefined;
}

export const crossFieldRules: readonly CrossFieldRule[] = [
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
      if (username !== undefined && id !== undefined) return 'must not be set together with keystone.application_credential_id';
      return auth_url === undefined || username !== undefined || id !== undefined
        ? undefined
        : 'is needed with keystone.auth_url, with keystone.password; or keystone.application_credential_id with its secret';
    },
  },
  {
    reads: ['prometheus.user', 'prometheus.auth'],
    problem: ({ prometheus: { auth, user } }) => credentialOf(auth, 'basic', user),
  },
  {
    reads: ['prometheus.password', 'prometheus.auth'],
    problem: ({ prometheus: { auth, password } }) => credentialOf(auth, 'basic', password),
  },
  {
    reads: ['prometheus.token', 'prometheus.auth'],
    problem: ({ prometheus: { auth, token } }) => credentialOf(auth, 'bearer', token),
  },
  {
    reads: ['prometheus.key_file', 'prometheus.certificate_file'],
    problem: ({ prometheus: { certificate_file: certificate, key_file: key } }) =>
      incompletePair(certificate, key, 'prometheus.certificate_file'),
  },
];

function credentialOf(auth: string, kind: string, credential: unknown): string | undefined {
  if ((auth === kind) === (credential !== undefined)) return undefined;
  return auth === kind ? `is needed for prometheus.auth ${kind}` : `is of no use without prometheus.auth ${kind}`;
}

function incompletePair(name: string | undefined, secret: Secret | string | undefined, nameOption: string): string | undefined {
  if ((name === undefined) === (secret === undefined)) return undefined;
  return secret === undefined ? `is needed with ${nameOption}` : `is of no use without ${nameOption}`;
}

/** Names are resolved, and checked again, when the API starts to listen. */
function isSurelyOpen(host: string): boolean {
  return isIP(host) !== 0 && !/^127\./.test(host) && host !== '::1';
}
