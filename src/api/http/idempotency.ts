import { createHash } from 'node:crypto';

import type { Request } from 'express';

import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import {
  KEPT_MS,
  type FoundKey,
  type IdempotencyStore,
  type KeptAnswer,
  type KeyedRequestId,
  type NewKey,
} from '../../storage/idempotency/idempotency-store.js';
import type { RequestTransactions } from '../../storage/idempotency/request-transactions.js';
import type { Identity } from '../identity/identity.js';
import type { ApiAnswer } from './answer.js';
import { refusalOf, statusOf } from './error-handler.js';
import { keep } from './kept-answer.js';

/**
 * How a request with an `Idempotency-Key` runs once.
 * - transaction: all that it changes is one transaction, which also stores its answer.
 * - repeatable: it has several transactions, and a second run does nothing again. A run that died is repeated.
 * - once: it has effects outside of one transaction. A run that died is not repeated; the client is told.
 */
export type KeyedRun = 'transaction' | 'repeatable' | 'once';

/** The key of a request, and what tells its request from another with the same key. */
export interface RequestKey {
  id: KeyedRequestId;
  /** Hexadecimal SHA-256 of path, query and body. */
  hash: string;
  run: KeyedRun;
  /** True if the answer shows a secret, which is stored nowhere. */
  showsSecret: boolean;
}

/** A request in two parts: what changes nothing, which resolves to what changes something. */
export type PreparedWork = () => Promise<() => Promise<ApiAnswer> | ApiAnswer>;

/** Answers requests with an `Idempotency-Key`. */
export interface KeyedRequests {
  /** `onRepeat` is called if the answer is that of an earlier request. */
  answer(key: RequestKey, prepare: PreparedWork, onRepeat: () => void): Promise<ApiAnswer>;
}

export interface KeyedRequestsDeps {
  store: IdempotencyStore;
  transactions: RequestTransactions;
  clock: Pick<Clock, 'now' | 'sleep'>;
}

/** Most keys of one project in a day. */
export const MOST_KEYS = 10_000;
/** A request without an answer has died if it was not renewed for this time. */
const RUNNING_MS = 60_000;
const RENEW_MS = 20_000;
const RUNNING_RETRY_S = 1;
const FULL_RETRY_S = 3_600;
const KEY = /^[\x20-\x7e]{1,255}$/;

/** Header of an answer that was stored with an earlier request. */
const REPLAYED = { 'Idempotency-Replayed': 'true' };

/** A refusal because of the key. It is not the outcome of the request, so it is not stored. */
class KeyRefusal extends AppError {}

/** A request, and what its route says of keys. */
export interface KeyedRequest {
  request: Pick<Request, 'url' | 'headersDistinct'>;
  identity: Pick<Identity, 'projectId' | 'userId'>;
  body: Buffer | undefined;
}

/** What the row of a route says of its keys. */
export interface KeyedRoute {
  method: string;
  path: string;
  /** How a request with an `Idempotency-Key` runs once. Routes without it ignore the header. */
  keyed?: KeyedRun;
  /** The answer shows a secret that is stored nowhere. */
  showsSecret?: boolean;
}

/** The key of a request that is to run once; undefined without one. @throws AppError for a key of another form. */
export function requestKey(
  { method, path, keyed, showsSecret = false }: KeyedRoute,
  { request, identity, body }: KeyedRequest,
): RequestKey | undefined {
  if (keyed === undefined) return undefined;
  const key = keyIn(request.headersDistinct['idempotency-key']);
  if (key === undefined) return undefined;
  const { projectId, userId } = identity;
  const id = { projectId: projectId ?? '', userId: userId ?? '', route: `${method} ${path}`, key };
  return { id, hash: requestHash(request.url, body), run: keyed, showsSecret };
}

function keyIn(values: readonly string[] | undefined): string | undefined {
  if (values === undefined) return undefined;
  const [key = ''] = values;
  if (values.length > 1 || !KEY.test(key))
    throw new AppError('invalid_request', 'Idempotency-Key must be one header of 1 to 255 printable ASCII characters');
  return key;
}

/** Tells a request from others with the same key. The bytes count, not what they mean. */
function requestHash(target: string, body: Buffer | undefined): string {
  const hash = createHash('sha256').update(`${JSON.stringify(target)}\n`);
  return (body ? hash.update(body) : hash).digest('hex');
}

/** Creates what answers requests with an `Idempotency-Key`. */
export function createKeyedRequests(deps: KeyedRequestsDeps): KeyedRequests {
  const { store, transactions, clock } = deps;
  const db = transactions.database;
  return {
    async answer(key, prepare, onRepeat) {
      const repeated = repeatOf(await store.find(db, key.id, clock.now()), key, clock.now());
      if (repeated) {
        onRepeat();
        return repeated;
      }
      try {
        const { answer, isRepeat } = await (key.run === 'transaction'
          ? inTransaction(deps, key, await prepare())
          : claimed(deps, key, prepare));
        if (isRepeat) onRepeat();
        return answer;
      } catch (thrown) {
        await keepRefusal(deps, key, thrown);
        throw thrown;
      }
    },
  };
}

interface KeyedOutcome {
  answer: ApiAnswer;
  isRepeat: boolean;
}

async function inTransaction(
  { store, transactions, clock }: KeyedRequestsDeps,
  key: RequestKey,
  proceed: () => Promise<ApiAnswer> | ApiAnswer,
): Promise<KeyedOutcome> {
  return transactions.run(async (tx) => {
    if (!(await store.tryLock(tx, key.id))) throw stillRunning();
    const repeated = repeatOf(await store.find(tx, key.id, clock.now()), key, clock.now());
    if (repeated) return { answer: repeated, isRepeat: true };
    if (await store.hasAtLeast(tx, key.id.projectId, MOST_KEYS)) throw tooManyKeys();
    const { answer, kept } = await keep(await proceed(), key);
    await store.add(tx, newKey(key, clock.now()), kept);
    return { answer, isRepeat: false };
  });
}

/** Stores the key before the request runs, and its answer afterwards. */
async function claimed(deps: KeyedRequestsDeps, key: RequestKey, prepare: PreparedWork): Promise<KeyedOutcome> {
  const { store, transactions, clock } = deps;
  const repeated = await transactions.run(async (tx) => {
    if (!(await store.tryLock(tx, key.id))) throw stillRunning();
    const found = repeatOf(await store.find(tx, key.id, clock.now()), key, clock.now());
    if (found) return found;
    if (await store.hasAtLeast(tx, key.id.projectId, MOST_KEYS)) throw tooManyKeys();
    await store.claim(tx, newKey(key, clock.now()), runningUntil(clock));
    return undefined;
  });
  if (repeated) return { answer: repeated, isRepeat: true };
  const ended = new AbortController();
  void renewUntil(deps, key, ended.signal);
  try {
    const { answer, kept } = await keep(await (await prepare())(), key);
    await store.add(transactions.database, newKey(key, clock.now()), kept);
    return { answer, isRepeat: false };
  } finally {
    ended.abort();
  }
}

async function renewUntil({ store, clock }: KeyedRequestsDeps, key: RequestKey, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(RENEW_MS, signal);
    if (signal.aborted) return;
    await store.renew(key.id, runningUntil(clock)).catch(() => undefined); // the next one may succeed
  }
}

const runningUntil = (clock: Pick<Clock, 'now'>): Date => new Date(clock.now().getTime() + RUNNING_MS);
const newKey = ({ id, hash }: RequestKey, at: Date): NewKey => ({ id, requestHash: hash, at });

/** The answer to a repeat; undefined if the request is to run. @throws AppError. */
function repeatOf(found: FoundKey | undefined, { hash, run }: RequestKey, now: Date): ApiAnswer | undefined {
  if (!found) return undefined;
  const { requestHash: first, answer, runningUntil: until } = found;
  if (first !== hash)
    throw new KeyRefusal(
      'key_reused',
      'This Idempotency-Key belongs to a request with another path, query or body: use a new key',
    );
  if (answer) return answerAgain(answer);
  if (until !== null && until > now) throw stillRunning();
  if (run === 'repeatable') return undefined;
  throw new KeyRefusal(
    'conflict',
    'The first request with this Idempotency-Key has not ended: it may have been carried out in part. Look which ' +
      'part, and use a new key for the rest',
  );
}

function answerAgain({ status, content }: KeptAnswer): ApiAnswer {
  if (!content)
    throw new KeyRefusal(
      'conflict',
      `The request with this Idempotency-Key was carried out, with status ${status}. Its answer was not kept, ` +
        'because it shows a secret once or is too long: look at the object that it made',
    );
  const { headers, body } = content;
  return {
    status,
    headers: { ...headers, ...REPLAYED },
    ...(body && { text: { contentType: body.contentType, content: body.text } }),
  };
}

function stillRunning(): KeyRefusal {
  return new KeyRefusal(
    'conflict',
    'A request with this Idempotency-Key is still running: send it again later to get its answer',
    { retryAfterS: RUNNING_RETRY_S },
  );
}

function tooManyKeys(): KeyRefusal {
  return new KeyRefusal(
    'too_many_requests',
    `This project has used ${MOST_KEYS} values of Idempotency-Key within ${KEPT_MS / 3_600_000} hours, which is the ` +
      'limit: send the request without that header, or later',
    { retryAfterS: FULL_RETRY_S },
  );
}

/** Statuses of refusals that depend on nothing but the request, so that a repeat cannot succeed. */
const KEPT_REFUSALS = new Set([400, 413, 422]);

/**
 * Keeps a refusal that a repeat would get again as the answer to the key. After other refusals and failures the key is
 * free again; but a request that runs once may have had effects before a failure.
 */
async function keepRefusal({ store, transactions, clock }: KeyedRequestsDeps, key: RequestKey, thrown: unknown) {
  if (thrown instanceof KeyRefusal) return;
  const status = statusOf(thrown);
  const refusal = KEPT_REFUSALS.has(status) ? refusalOf(thrown) : undefined;
  // Without an answer the key is free, or runs out: the client has the true error in any case.
  if (refusal) {
    const kept = { status, content: refusal };
    await store.add(transactions.database, newKey(key, clock.now()), kept).catch(() => undefined);
  } else if (key.run === 'repeatable' || (key.run === 'once' && status < 500)) {
    await store.release(key.id).catch(() => undefined);
  }
}
