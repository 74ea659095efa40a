import type { IncomingHttpHeaders } from 'node:http';

import { AppError } from '../../errors.js';
import { namesThisMachine } from '../../loopback.js';
import { highestRole, type Authenticator, type Credentials } from './identity.js';

/** The identity of requests without identity headers: a person at this machine. */
const LOCAL_ADMIN = { userId: 'default', projectId: 'default', role: 'admin' } as const;
/** As in Aodh's database. Much longer ids would not fit into an index. */
const MAX_ID = 128;
const IDENTITY_HEADERS = ['x-user-id', 'x-project-id', 'x-roles'] as const;

/** Accepts the identity headers as they were sent. Each role includes those below it. */
export function createNoauthAuthenticator(): Authenticator {
  return ({ headers }) => {
    if (IDENTITY_HEADERS.every((name) => headers[name] === undefined)) return Promise.resolve(LOCAL_ADMIN);
    const [userId, projectId, roles] = IDENTITY_HEADERS.map((name) => single(headers[name]));
    if (Math.max(userId?.length ?? 0, projectId?.length ?? 0) > MAX_ID) {
      throw new AppError('invalid_request', `Ids of users and projects have at most ${MAX_ID} characters`);
    }
    const role = highestRole((roles ?? '').split(','));
    if (single(headers['openstack-system-scope']) === 'all') {
      return Promise.resolve({ userId: userId || null, projectId: null, role, isSystemScoped: true });
    }
    return Promise.resolve({ userId: userId || null, projectId: projectId || null, role });
  };
}

/**
 * Protects an API without authentication from web pages in a local browser. The Host header must name this machine
 * (protection from DNS rebinding), unless the operator exposed the API. Requests by pages of other origins are refused.
 * A proxy may have changed the Host header: `own` is the origin at which the browser found the service.
 * @throws AppError `forbidden`.
 */
export function refuseForeignPages(
  { headers, origin: own }: Pick<Credentials, 'headers' | 'origin'>,
  { exposed }: { exposed: boolean },
): void {
  const host = headers.host ?? '';
  if (!exposed && !namesThisMachine(host))
    throw new AppError('forbidden', 'The Host header does not name this machine');
  const { origin } = headers;
  const isForeign = origin !== undefined && ![own, `http://${host}`, `https://${host}`].includes(origin);
  if (isForeign || isPartOfForeignPage(headers)) {
    throw new AppError('forbidden', 'Requests from pages of another origin are refused');
  }
}

/** True for what a page of another origin loads, also without an `Origin`. A link in such a page may be followed. */
function isPartOfForeignPage(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  const isFollowedLink = mode === 'navigate' && destination === 'document';
  return (site === 'cross-site' || site === 'same-site') && !isFollowedLink;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
