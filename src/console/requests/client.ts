import {
  bodyOf,
  createTocsinClient,
  RequestRefused,
  type Schemas,
  type TocsinClient,
} from '../../client/tocsin-client.js';
import { parseAddress, PROJECT } from '../shell/address.js';
import { learnServiceTime } from '../shell/clock.js';
import { recheckSession } from './session.js';

export { bodyOf, RequestRefused, type Schemas };

/** All requests of the page. They are sent to where the page came from. */
export const client: TocsinClient = createTocsinClient({ baseUrl: location.origin });

client.use({
  onRequest({ request }) {
    // Without it the cookie of a session does not count for a change.
    request.headers.set('X-Tocsin-Console', '1');
    const project = parseAddress(location.hash).query.get(PROJECT);
    if (project === null) return;
    // The user sees what this project sees. Services with authentication delete these headers.
    request.headers.set('X-Project-Id', project);
    request.headers.set('X-User-Id', 'default');
    request.headers.set('X-Roles', 'member');
  },
  onResponse({ request, response }) {
    learnServiceTime(response.headers.get('Date'));
    // The request may only have named another project, so the session is checked.
    if (response.status === 401 && new URL(request.url).pathname !== '/v1/session') recheckSession();
  },
});

/** What a failed request says to a user. */
export function failureText(thrown: unknown): string {
  if (thrown instanceof RequestRefused) return thrown.fault;
  if (thrown instanceof TypeError) return 'The service does not answer.';
  return thrown instanceof Error ? thrown.message : String(thrown);
}
