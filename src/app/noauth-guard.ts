import { lookup } from 'node:dns/promises';

import { StartupError, toError } from '../errors.js';
import { isLoopback } from '../loopback.js';

/**
 * Without authentication anybody who reaches the API is an admin, so it listens on loopback only, judged by the
 * addresses the host resolves to.
 * @throws StartupError unless all of them are loopback or the operator insists.
 * @returns whether the API will be open to others.
 */
export async function refuseOpenNoauth(host: string, insists: boolean): Promise<boolean> {
  const addresses = await lookup(host, { all: true }).catch((cause: unknown) => {
    throw new StartupError(`api.host: cannot resolve ${host}: ${toError(cause).message}`, { cause });
  });
  const isOpen = host === '' || addresses.some(({ address }) => !isLoopback(address));
  if (isOpen && !insists) {
    throw new StartupError(
      `api.host: ${host} is not a loopback address, and without authentication everybody who reaches it is an admin; ` +
        'set api.i_understand_noauth_is_open to listen there all the same',
    );
  }
  return isOpen;
}
