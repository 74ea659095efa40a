import { z } from 'zod';

import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logger.js';
import {
  createKeystoneClient,
  type KeystoneAnswer,
  type KeystoneClient,
  type KeystoneClientSettings,
} from './client.js';
import { LoginRefused, OwnTokenKeeper, type KeystoneLogin, type OwnToken } from './own-token.js';

/** The section `keystone` of the configuration. */
export interface KeystoneSettings extends KeystoneClientSettings {
  login: KeystoneLogin;
  /** Region of the endpoints in the catalogue. Undefined: any region. */
  region?: string | undefined;
  interface: 'public' | 'internal' | 'admin';
}

export interface KeystoneSessionDeps {
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  log: Logger;
}

/** A token for one scope, and the endpoints of its catalogue. */
export interface ScopedLogin {
  token: string;
  /** Returns the URL of a service in the catalogue, without a slash at its end. */
  endpoint(serviceType: string): string;
}

/** The service's own login at Keystone. While Keystone fails, all methods reject with AppError `unavailable`. */
export interface KeystoneSession extends KeystoneClient {
  /** Returns a token of the service's own user in its own project. It is the same token until it expires soon. */
  token(): Promise<string>;
  /** Returns a new token. Call it when a service refuses the one from `token`. */
  renew(): Promise<string>;
  /** Sends a request with the service's own token, and after 401 or 403 once more with a new token. */
  requestAsService(...request: Parameters<KeystoneClient['request']>): ReturnType<KeystoneClient['request']>;
  /**
   * Gets a token of the same user for another scope, such as `{ 'OS-TRUST:trust': { id } }`. It is not kept. Keystone
   * issues none for application credentials.
   */
  scopedToken(scope: object): Promise<string>;
  /** Like `scopedToken`, with the catalogue, which can depend on the scope. Null: Keystone refuses the scope. */
  scoped(scope: object): Promise<ScopedLogin | null>;
  /** Returns the id of the service's own user. */
  userId(): Promise<string>;
  /** Returns the id of the project of `token`; undefined if it has none. */
  ownProjectId(): Promise<string | undefined>;
  /**
   * Returns the URL of a service in the catalogue of `token`. If the catalogue lacks the service, the token is renewed
   * first, since the service may be new.
   */
  endpoint(serviceType: string): Promise<string>;
  /** Returns the URLs of all services of these types in the catalogue of `token`, of all interfaces and regions. */
  endpoints(serviceTypes: readonly string[]): Promise<string[]>;
  /** Returns the id of a project. Null: it does not exist, or Keystone does not show it to the service's user. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

/** Creates the session. It logs in at the first request that needs a token. */
export function createKeystoneSession(
  settings: KeystoneSettings,
  { clock, log }: KeystoneSessionDeps,
): KeystoneSession {
  const client = createKeystoneClient(settings, { clock });
  const keeper = new OwnTokenKeeper(settings.login, { client, clock, log });
  const requestAsService: KeystoneSession['requestAsService'] = async (method, path, { headers, ...rest } = {}) => {
    const send = ({ id }: OwnToken): Promise<KeystoneAnswer> =>
      client.request(method, path, { ...rest, headers: { ...headers, 'x-auth-token': id } });
    const first = await keeper.current();
    const answer = await send(first);
    if (answer.status !== 401 && answer.status !== 403) return answer;
    const renewed = await keeper.renew();
    return renewed.id === first.id ? answer : send(renewed);
  };
  const endpoint = async (serviceType: string): Promise<string> => {
    try {
      return endpointIn(await keeper.current(), serviceType, settings);
    } catch (thrown) {
      if (!(thrown instanceof NotInCatalogue)) throw thrown;
      // The catalogue comes with the token. The keeper limits how often the token is renewed.
      return endpointIn(await keeper.renew(), serviceType, settings);
    }
  };
  return {
    request: client.request,
    requestNew: client.requestNew,
    requestAsService,
    token: async () => (await keeper.current()).id,
    renew: async () => (await keeper.renew()).id,
    scopedToken: async (scope) => (await keeper.issue(scope)).id,
    scoped: async (scope) => {
      const issued = await keeper.issue(scope).catch(refusedScope);
      return issued && { token: issued.id, endpoint: (serviceType) => endpointIn(issued, serviceType, settings) };
    },
    userId: async () => (await keeper.current()).user.id,
    ownProjectId: async () => (await keeper.current()).project?.id,
    endpoint,
    async endpoints(serviceTypes) {
      const { catalog } = await keeper.current();
      return catalog
        .filter(({ type }) => serviceTypes.includes(type))
        .flatMap(({ endpoints }) => endpoints.map(({ url }) => url));
    },
    async projectId(name, domainName) {
      const { project } = await keeper.current();
      // For the service's own project, no right to list projects is needed.
      if (project?.name === name && project.domain.name === domainName) return project.id;
      const domainId = await idOf(requestAsService, '/domains', { name: domainName });
      return domainId === null ? null : idOf(requestAsService, '/projects', { name, domain_id: domainId });
    },
  };
}

/** Maps a refused scope to null. An answer 401 refuses the password, not the scope. */
function refusedScope(thrown: unknown): null {
  if (thrown instanceof LoginRefused && (thrown.status === 403 || thrown.status === 404)) return null;
  throw thrown;
}

function endpointIn({ catalog }: OwnToken, serviceType: string, { region, interface: face }: KeystoneSettings): string {
  const found = catalog
    .filter(({ type }) => type === serviceType)
    .flatMap(({ endpoints }) => endpoints)
    .find((one) => one.interface === face && (region === undefined || (one.region_id ?? one.region) === region));
  if (found) return found.url.replace(/(?<!\/)\/+$/, '');
  const where = region === undefined ? '' : ` in region ${region}`;
  throw new NotInCatalogue(`Keystone's catalogue has no ${face} endpoint of type ${serviceType}${where}`);
}

class NotInCatalogue extends AppError {
  constructor(message: string) {
    super('unavailable', message);
  }
}

const Listing = z.object({ id: z.string() });

async function idOf(
  request: KeystoneSession['requestAsService'],
  path: '/domains' | '/projects',
  query: Record<string, string>,
): Promise<string | null> {
  const { status, body } = await request('GET', path, { query });
  if (status === 403 || status === 404) return null;
  const listed = z.record(z.string(), z.unknown()).safeParse(body).data?.[path.slice(1)];
  const parsed = z.array(Listing).safeParse(listed);
  if (status !== 200 || !parsed.success) {
    throw new AppError('unavailable', 'Keystone is not available', {
      cause: new Error(`GET ${path} was answered ${status}`),
    });
  }
  return parsed.data[0]?.id ?? null;
}
