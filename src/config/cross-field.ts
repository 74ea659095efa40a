import { isIP } from 'node:net';

import { ROLES, type Config } from './schema.js';

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
    reads: ['api.host', 'api.i_understand_noauth_is_open', 'roles'],
    problem: ({ roles, api }) =>
      !roles.includes('api') || api.i_understand_noauth_is_open || !isSurelyOpen(api.host)
        ? undefined
        : `${api.host} is not a loopback address, and without authentication everybody who reaches it is admin; ` +
          'set api.i_understand_noauth_is_open if that is what you want',
  },
];

/** Names are resolved, and checked again, when the API starts to listen. */
function isSurelyOpen(host: string): boolean {
  return isIP(host) !== 0 && !/^127\./.test(host) && host !== '::1';
}
