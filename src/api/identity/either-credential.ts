import { apiKeyIn, twoCredentials } from './api-key.js';
import { headerIn, type Authenticator } from './identity.js';

/**
 * Authenticates by the credential that the request has: an API key or a Keystone token. A request without any is
 * answered as one without a token.
 */
export function createEitherAuthenticator({
  apiKey,
  keystone,
}: {
  apiKey: Authenticator;
  keystone: Authenticator;
}): Authenticator {
  return async (request) => {
    const key = apiKeyIn(request.headers);
    if (key === undefined) return keystone(request);
    if (headerIn(request.headers, 'x-auth-token') !== undefined) throw twoCredentials();
    return apiKey(request);
  };
}
