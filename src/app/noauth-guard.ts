import { lookup } from 'node:dns/promises';

import { StartupError, toError } from '../errors.js';
import { isLoopback } from '../loopback.js';

/**
 * Checks `api.host` of an API without authentication. All addresses that the name resolves to must be loopback
 * addresses, unless the operator allows others. Resolves to true if the API accepts remote clients.
 * @throws StartupError.
 */
export async function refuseOpenNoauth(host: string, isAllowed: boolean): Promise<boolean> {
  const isOpen = await isOpenHost(host).catch((cause: unknown) => {
    throw new StartupError(`api.host: cannot resolve ${host}: ${toError(cause).message}`, { cause });
  });
  if (isOpen && !isAllowed) {
    throw new StartupError(
      `api.host: ${host} is not a loopback address, and without authentication every client is an admin; ` +
        'set auth.mode, or allow it with api.i_understand_noauth_is_open',
    );
  }
  return isOpen;
}

/** True if `api.host` is, or resolves to, an address that is not loopback. @throws Error if it cannot be resolved. */
export async function isOpenHost(host: string): Promise<boolean> {
  const addresses = await lookup(host, { all: true });
  return host === '' || addresses.some(({ address }) => !isLoopback(address));
}
