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

export interface KeystoneSettings extends KeystoneClientSettings {
  login: KeystoneLogin;
  /** Of the services in the catalogue; any if undefined. */
  region?: string | undefined;
  interface: 'public' | 'internal' | 'admin';
}

export interface KeystoneSessionDeps {
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  log: Logger;
}

export interface ScopedLogin {
  token: string;
  /** Address of a service in the catalogue, without a slash at the end. */
  endpoint(serviceType: string): string;
}

/** The service's own login at Keystone. Whatever fails for Keystone's sake is an AppError `unavailable`. */
export interface KeystoneSession extends KeystoneClient {
  /** A token of the service's own user in its own project; the same one until it is about to end. */
  token(): Promise<string>;
  /** A new one, for when Keystone refuses that of `token`. */
  renew(): Promise<string>;
  /** A request with the service's own token; when Keystone answers 401 or 403, once more with a new one. */
  requestAsService(...request: Parameters<KeystoneClient['request']>): ReturnType<KeystoneClient['request']>;
  /**
   * A token of the same user for another scope, such as `{ 'OS-TRUST:trust': { id } }`. Not kept. Keystone gives none
   * for application credentials.
   */
  scopedToken(scope: object): Promise<string>;
  /** The same with its catalogue, whose addresses can depend on the scope. Null: Keystone refuses that scope. */
  scoped(scope: object): Promise<ScopedLogin | null>;
  /** Id of the service's own user. */
  userId(): Promise<string>;
  /** Id of the project that `token` is for; undefined when it is for none. */
  ownProjectId(): Promise<string | undefined>;
  /**
   * The address of a service in the catalogue of the service's own token. The token is renewed if its catalogue lacks
   * the service, which may be new.
   */
  endpoint(serviceType: string): Promise<string>;
  /** Null: there is no such project, or it is not for us to see. */
  projectId(name: string, domainName: string): Promise<string | null>;
}

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
      // The catalogue is as old as the token. The keeper renews the token at most every few seconds.
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
    async projectId(name, domainName) {
      const { project } = await keeper.current();
      // One's own project needs no right to list projects.
      if (project?.name === name && project.domain.name === domainName) return project.id;
      const domainId = await idOf(requestAsService, '/domains', { name: domainName });
      return domainId === null ? null : idOf(requestAsService, '/projects', { name, domain_id: domainId });
    },
  };
}

/** 401 is about our password, not about the scope. */
function refusedScope(thrown: unknown): null {
  if (thrown instanceof LoginRefused && (thrown.status === 403 || thrown.status === 404)) return null;
  throw thrown;
}

function endpointIn({ catalog }: OwnToken, serviceType: string, { region, interface: face }: KeystoneSettings): string {
  const found = catalog
    .filter(({ type }) => type === serviceType)
    .flatMap(({ endpoints }) => endpoints)
    .find((one) => one.interface === face && (region === undefined || (one.region_id ?? one.region) === region));
  if (found) return found.url.replace(/\/+$/, '');
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
