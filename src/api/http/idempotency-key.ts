import { createHash } from 'node:crypto';

import type { Request } from 'express';

import { AppError } from '../../errors.js';
import type { KeyedRequestId } from '../../storage/idempotency/idempotency-store.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';

/**
 * How a request with an `Idempotency-Key` runs once.
 * - transaction: what it changes is one transaction, which also stores its answer. See `write` of a request.
 * - repeatable: it has several transactions, and a second run does nothing again. A run that died is repeated.
 * - once: it has effects outside of one transaction, or takes locks that other processes need. A run that died after
 *   it had begun is not repeated; the client is told.
 */
export type KeyedRun = 'transaction' | 'repeatable' | 'once';

/** The key of a request, and what tells its request from another with the same key. */
export interface RequestKey {
  id: KeyedRequestId;
  /** Hexadecimal SHA-256 of path, query and body, and of the caller's rights. */
  hash: string;
  run: KeyedRun;
  /** True if the answer shows a secret that no later answer may show. Such an answer is not kept. */
  showsSecret: boolean;
}

/** A request, and what its route says of keys. */
export interface KeyedRequest {
  request: Pick<Request, 'url' | 'headersDistinct'>;
  identity: Identity;
  body: Buffer | undefined;
}

/** What the row of a route says of its keys. */
export interface KeyedRoute {
  method: string;
  path: string;
  /** How a request with an `Idempotency-Key` runs once. Routes without it ignore the header. */
  keyed?: KeyedRun;
  /** True if the answer shows a secret that no later answer may show. Such an answer is not kept. */
  showsSecret?: boolean;
}

const KEY = /^[\x20-\x7e]{1,255}$/;

/** The key of a request that is to run once; undefined without one. @throws AppError for a key of another form. */
export function requestKey(
  { method, path, keyed, showsSecret = false }: KeyedRoute,
  given: KeyedRequest,
): RequestKey | undefined {
  if (keyed === undefined) return undefined;
  const key = keyIn(given.request.headersDistinct['idempotency-key']);
  if (key === undefined) return undefined;
  const { projectId, userId } = given.identity;
  const id = { projectId: projectId ?? '', userId: userId ?? '', route: `${method} ${path}`, key };
  return { id, hash: requestHash(given), run: keyed, showsSecret };
}

function keyIn(values: readonly string[] | undefined): string | undefined {
  if (values === undefined) return undefined;
  const [key = ''] = values;
  if (values.length > 1 || !KEY.test(key))
    throw new AppError('invalid_request', 'Idempotency-Key must be one header of 1 to 255 printable ASCII characters');
  return key;
}

/**
 * Tells a request from others with the same key. The bytes count, not what they mean. A caller with other rights could
 * get another answer.
 */
function requestHash({ request, identity, body }: KeyedRequest): string {
  const about = [request.url, identity.role, isAdmin(identity)];
  const hash = createHash('sha256').update(`${JSON.stringify(about)}\n`);
  return (body ? hash.update(body) : hash).digest('hex');
}
