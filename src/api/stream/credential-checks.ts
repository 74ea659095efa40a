import { createHash } from 'node:crypto';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import { authorize, isAdmin } from '../identity/authorize.js';
import { headerIn, type Authenticator, type Credentials, type Identity } from '../identity/identity.js';
import type { StreamClient } from './stream-client.js';

/** How old an answer about a credential may be: with the time between two checks, less than five seconds. */
const MAX_AGE_MS = 3_000;
/** Time after the last successful check at which a stream whose credential cannot be checked is ended. */
const UNCHECKED_MS = 5_000;
const CREDENTIALS = ['authorization', 'x-api-key', 'x-auth-token', 'x-service-token', 'cookie'];

/** Ends the streams whose key, token or session has ended. Clients with one credential are checked together. */
export class CredentialChecks {
  readonly #checking = new Set<string>();
  readonly #checkedAt = new WeakMap<StreamClient, number>();

  constructor(private readonly deps: { authenticate: Authenticator; clock: Pick<Clock, 'monotonicMs'> }) {}

  /** Notes that the credential of a client was valid when its request came. */
  add(client: StreamClient): void {
    this.#checkedAt.set(client, this.deps.clock.monotonicMs());
  }

  /** Begins a check of each credential that is not being checked. */
  check(clients: Iterable<StreamClient>): void {
    const byCredential = new Map<string, StreamClient[]>();
    for (const client of clients) {
      const key = keyOf(client.reader.credentials);
      const known = byCredential.get(key);
      if (known) known.push(client);
      else byCredential.set(key, [client]);
    }
    for (const [key, holders] of byCredential) if (!this.#checking.has(key)) void this.#check(key, holders);
    this.#endUnchecked(clients);
  }

  async #check(key: string, holders: readonly StreamClient[]): Promise<void> {
    const [first] = holders;
    if (first === undefined) return;
    this.#checking.add(key);
    const at = this.deps.clock.monotonicMs();
    try {
      const identity = await this.deps.authenticate({ ...first.reader.credentials, maxAgeMs: MAX_AGE_MS });
      for (const client of holders) {
        if (isSame(identity, client.reader.identity)) this.#checkedAt.set(client, at);
        else client.end('credential');
      }
    } catch (thrown) {
      const hasEnded = thrown instanceof AppError && thrown.code !== 'unavailable';
      if (hasEnded) for (const client of holders) client.end('credential');
    } finally {
      this.#checking.delete(key);
    }
  }

  #endUnchecked(clients: Iterable<StreamClient>): void {
    const oldest = this.deps.clock.monotonicMs() - UNCHECKED_MS;
    for (const client of clients) if ((this.#checkedAt.get(client) ?? oldest) < oldest) client.end('credential');
  }
}

/** Identity headers of `auth.mode` noauth are part of the key: they name the caller. */
function keyOf({ headers, remoteAddress }: Credentials): string {
  const sent = CREDENTIALS.map((name) => headerIn(headers, name) ?? null);
  const hasCredential = sent.some((text) => text !== null);
  const stated = ['x-user-id', 'x-project-id', 'x-roles'].map((name) => headerIn(headers, name) ?? null);
  return createHash('sha256')
    .update(JSON.stringify(hasCredential ? sent : [stated, remoteAddress]))
    .digest('base64');
}

/** True if the caller may still see what it saw. */
function isSame(now: Identity, then: Identity): boolean {
  authorize(now, 'reader');
  return now.projectId === then.projectId && isAdmin(now) === isAdmin(then);
}
