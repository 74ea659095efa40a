import type { AuthMode } from '../../config/schema.js';
import { AppError } from '../../errors.js';
import { sessionAnswer } from '../answers/session-answer.js';
import type { ApiAnswer } from '../http/answer.js';
import { parseWith } from '../http/faultstring.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { twoCredentials } from '../identity/api-key.js';
import { hasCredentials } from '../identity/failure-limiter.js';
import type { Credentials } from '../identity/identity.js';
import { cookieNameAt, isFromOwnPage, sessionCookieIn, setSessionCookie } from '../identity/session-cookie.js';
import { isSessionSecret, sessionIdOf } from '../identity/session-secret.js';
import type { SignIn } from '../identity/sign-in.js';
import { SessionRequest } from '../schema/session-request.js';

export interface SessionRoutesDeps {
  authMode: AuthMode;
  /** Undefined in noauth, where there are no sessions. */
  signIn: SignIn | undefined;
  now: () => Date;
}

/** `/v1/session`: the session of a browser, and the caller of a request. */
export function sessionRoutes(deps: SessionRoutesDeps): Route[] {
  const path = '/v1/session';
  return [
    {
      method: 'GET',
      path,
      policy: 'anyone',
      audit: null,
      handle: ({ identity }) => ({ status: 200, body: sessionAnswer(deps.authMode, identity) }),
    },
    {
      method: 'POST',
      path,
      policy: 'public',
      audit: 'session.begin',
      body: SMALL_BODY,
      handle: (request) => begin(deps, request),
    },
    { method: 'DELETE', path, policy: 'anyone', audit: 'session.end', handle: (request) => end(deps, request) },
  ];
}

async function begin(
  { authMode, signIn, now }: SessionRoutesDeps,
  { body, credentials, origin, note }: ApiRequest,
): Promise<ApiAnswer> {
  if (!signIn) throw new AppError('invalid_request', 'auth.mode is noauth: there is nothing to sign in to');
  refuseOtherPages(credentials);
  if (hasCredentials(credentials)) throw twoCredentials();
  const name = cookieNameAt(origin);
  if (name === undefined) throw needsTls(origin);
  const former = sessionCookieIn(credentials);
  const request = parseWith(SessionRequest, { argument: 'data', value: body ?? {} });
  const { identity, secret } = await signIn.begin(request, credentials);
  note({ actor: identity, projectId: identity.projectId });
  if (former !== undefined && isSessionSecret(former)) await signIn.end(sessionIdOf(former));
  const lifeMs = (identity.session?.endsAt.getTime() ?? 0) - now().getTime();
  return {
    status: 201,
    headers: { 'Set-Cookie': setSessionCookie(name, secret, lifeMs) },
    body: sessionAnswer(authMode, identity),
  };
}

/** Ends the session of the request. A request without one, such as one with an API key, has nothing to end. */
async function end({ signIn }: SessionRoutesDeps, { identity, origin }: ApiRequest): Promise<ApiAnswer> {
  const name = cookieNameAt(origin);
  if (!signIn || !identity.session || name === undefined)
    throw new AppError('not_found', 'The request belongs to no session');
  await signIn.end(identity.session.id);
  return { status: 204, headers: { 'Set-Cookie': setSessionCookie(name, '', 0) } };
}

/** A page of another origin could sign its reader in as another user. @throws AppError `forbidden`. */
function refuseOtherPages(credentials: Credentials): void {
  if (isFromOwnPage(credentials)) return;
  throw new AppError(
    'forbidden',
    'Only pages of this service can sign in (Sec-Fetch-Site: same-origin or, without that header, an Origin that is ' +
      'this service). Programs send their key or token with each request',
  );
}

function needsTls(origin: string): AppError {
  return new AppError(
    'invalid_request',
    `Signing in needs https, and the request came to ${origin}. If a proxy ends TLS, list it in api.trusted_proxies`,
  );
}
