import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { AuditEntry } from '../../storage/audit/audit-entry.js';
import type { Sql } from '../../storage/database.js';
import {
  KEPT_MS,
  type FoundKey,
  type IdempotencyStore,
  type KeyClaim,
  type KeptAnswer,
  type NewKey,
} from '../../storage/idempotency/idempotency-store.js';
import type { RequestTransactions } from '../../storage/idempotency/request-transactions.js';
import type { ApiAnswer } from './answer.js';
import { statusOf } from './error-handler.js';
import type { RequestKey } from './idempotency-key.js';
import { keep } from './kept-answer.js';

/**
 * Runs the part of a request that changes something, and resolves to its answer, which the request must return. It may
 * be called again after it has rejected.
 */
export type WriteAnswer = (change: () => Promise<ApiAnswer>) => Promise<ApiAnswer>;

/** The work of a request. What it does outside of `write` must change nothing that it does not undo itself. */
export type KeyedWork = (write: WriteAnswer) => Promise<ApiAnswer>;

/** The audit trail of one request with a key. */
export interface KeyedAudit {
  /** The entries of the request if it is answered with this status. They are kept with the answer. */
  entriesOf: (status: number) => readonly AuditEntry[];
  /** Receives the entries of the request or, for a repeat, those of the first request. */
  note: (kept: { entries: readonly AuditEntry[]; isRepeat: boolean }) => void;
}

/** Answers requests with an `Idempotency-Key`. */
export interface KeyedRequests {
  answer(key: RequestKey, work: KeyedWork, audit: KeyedAudit): Promise<ApiAnswer>;
}

export interface KeyedRequestsDeps {
  store: IdempotencyStore;
  transactions: RequestTransactions;
  clock: Pick<Clock, 'now' | 'sleep'>;
  newId: () => string;
}

/** Most keys of one project in a day. */
export const MOST_KEYS = 10_000;
/** A request without an answer has died if it was not renewed for this time. */
const RUNNING_MS = 60_000;
const RENEW_MS = 20_000;
const RUNNING_RETRY_S = 1;
const FULL_RETRY_S = 3_600;

/** Header of an answer that was stored with an earlier request. */
const REPLAYED = { 'Idempotency-Replayed': 'true' };

/** Thrown instead of running a request again: the answer to the first one. */
class FirstAnswer extends Error {
  constructor(readonly answer: ApiAnswer) {
    super('the request with this key has an answer');
  }
}

/** Creates what answers requests with an `Idempotency-Key`. */
export function createKeyedRequests(deps: KeyedRequestsDeps): KeyedRequests {
  const { store, transactions, clock } = deps;
  return {
    async answer(key, work, audit) {
      const keyed = { key, work, audit };
      try {
        refuseRepeat(await store.find(transactions.database, key.id, clock.now()), keyed, clock.now());
        return await (key.run === 'transaction' ? inTransaction(deps, keyed) : claimed(deps, keyed));
      } catch (thrown) {
        if (thrown instanceof FirstAnswer) return thrown.answer;
        throw thrown;
      }
    },
  };
}

/** A request with a key, while it is answered. */
interface KeyedExecution {
  key: RequestKey;
  work: KeyedWork;
  audit: KeyedAudit;
}

/** An answer to send, and what is stored of it. */
interface WrittenAnswer {
  answer: ApiAnswer;
  kept: KeptAnswer;
}

async function inTransaction(deps: KeyedRequestsDeps, keyed: KeyedExecution): Promise<ApiAnswer> {
  const { store, transactions, clock } = deps;
  const { key, work, audit } = keyed;
  const written: WrittenAnswer[] = [];
  const answer = await work(async (change) => {
    const done = await transactions.run(async (tx) => {
      await beginKey(deps, tx, keyed);
      const made = await writtenAnswer(keyed, await change());
      await store.add(tx, newKey(key, clock.now()), made.kept);
      return made;
    });
    written.push(done);
    return done.answer;
  });
  const [done] = written;
  if (done?.answer !== answer) throw new Error(`the handler of ${key.id.route} must return the answer of its write`);
  audit.note({ entries: done.kept.entries, isRepeat: false });
  return answer;
}

/** Stores the key before the request runs, and its answer afterwards. */
async function claimed(deps: KeyedRequestsDeps, keyed: KeyedExecution): Promise<ApiAnswer> {
  const { store, clock } = deps;
  const { key, work, audit } = keyed;
  const claim = await claimKey(deps, keyed);
  const ended = new AbortController();
  void renewUntil(deps, claim, ended.signal);
  const progress = { hasBegun: false };
  try {
    const given = await work(async (change) => {
      if (key.run === 'once' && !(await store.begin(claim, runningUntil(clock)))) throw stillRunning();
      progress.hasBegun = true;
      return change();
    });
    const { answer, kept } = await writtenAnswer(keyed, given);
    await store.end(claim, kept, clock.now());
    audit.note({ entries: kept.entries, isRepeat: false });
    return answer;
  } catch (thrown) {
    const isUncertain = key.run === 'once' && progress.hasBegun;
    await endClaim(deps, claim, { isUncertain, status: statusOf(thrown) });
    throw thrown;
  } finally {
    ended.abort();
  }
}

/** @throws FirstAnswer, or AppError if the request may not run now. */
async function claimKey(deps: KeyedRequestsDeps, keyed: KeyedExecution): Promise<KeyClaim> {
  const { store, transactions, clock } = deps;
  const claimId = deps.newId();
  const claim: KeyClaim = { id: keyed.key.id, claimId };
  try {
    await transactions.run(async (tx) => {
      await beginKey(deps, tx, keyed);
      await store.claim(tx, newKey(keyed.key, clock.now()), { claimId, until: runningUntil(clock) });
    });
    return claim;
  } catch (thrown) {
    // The answer to the COMMIT can be lost. If the database does not answer now, either, the claim runs out.
    if (statusOf(thrown) >= 500) await store.release(claim).catch(() => undefined);
    throw thrown;
  }
}

/**
 * Locks a key until the end of the transaction.
 * @throws FirstAnswer, or AppError if the request may not run now.
 */
async function beginKey({ store, clock }: KeyedRequestsDeps, tx: Sql, keyed: KeyedExecution): Promise<void> {
  const { id } = keyed.key;
  if (!(await store.tryLock(tx, id))) throw stillRunning();
  refuseRepeat(await store.find(tx, id, clock.now()), keyed, clock.now());
  if (await store.hasUsed(tx, id, { keys: MOST_KEYS, now: clock.now() })) throw tooManyKeys();
}

async function writtenAnswer({ key, audit }: KeyedExecution, given: ApiAnswer): Promise<WrittenAnswer> {
  const { answer, content } = await keep(given, key);
  const { status } = answer;
  return { answer, kept: { status, content, entries: audit.entriesOf(status) } };
}

/**
 * Frees the key of a request that has failed or was refused. A request that runs once may have had effects before a
 * failure, so its repeats are told.
 */
async function endClaim(
  { store, clock }: KeyedRequestsDeps,
  claim: KeyClaim,
  { isUncertain, status }: { isUncertain: boolean; status: number },
): Promise<void> {
  const failure: KeptAnswer = { status, content: undefined, entries: [] };
  const ended = isUncertain && status >= 500 ? store.end(claim, failure, clock.now()) : store.release(claim);
  await ended.catch(() => undefined); // the claim runs out; the client has the true error in any case
}

async function renewUntil({ store, clock }: KeyedRequestsDeps, claim: KeyClaim, signal: AbortSignal): Promise<void> {
  for (;;) {
    await clock.sleep(RENEW_MS, signal);
    if (signal.aborted) return;
    await store.renew(claim, runningUntil(clock)).catch(() => undefined); // the next one may succeed
  }
}

const runningUntil = (clock: Pick<Clock, 'now'>): Date => new Date(clock.now().getTime() + RUNNING_MS);
const newKey = ({ id, hash }: RequestKey, at: Date): NewKey => ({ id, requestHash: hash, at });

/** Does nothing if the request is to run. @throws FirstAnswer, or AppError. */
function refuseRepeat(found: FoundKey | undefined, { key, audit }: KeyedExecution, now: Date): void {
  if (!found) return;
  const { requestHash: first, answer, runningUntil: until, hasBegun } = found;
  if (first !== undefined && first !== key.hash)
    throw new AppError(
      'key_reused',
      'This Idempotency-Key belongs to a request with another path, query or body, or of a caller with another ' +
        'role: use a new key',
    );
  if (answer) {
    audit.note({ entries: answer.entries, isRepeat: true });
    throw new FirstAnswer(answerAgain(answer));
  }
  if (until !== null && until > now) throw stillRunning();
  if (key.run === 'repeatable' || !hasBegun) return;
  throw new AppError(
    'conflict',
    'The first request with this Idempotency-Key has not ended: it may have been carried out in part. Check ' +
      'which part, and use a new key for the rest',
  );
}

function answerAgain({ status, content }: KeptAnswer): ApiAnswer {
  if (status >= 500)
    throw new AppError(
      'conflict',
      `The first request with this Idempotency-Key has failed with status ${status}: it may have been carried out in ` +
        'part. Check which part, and use a new key for the rest',
    );
  if (!content)
    throw new AppError(
      'conflict',
      `The first request with this Idempotency-Key was carried out, with status ${status}. Its answer cannot be ` +
        'shown again: it has a secret that is shown once, is too long, or was encrypted with a key that is not ' +
        'configured any more. Look at the object that it made',
    );
  const { headers, body } = content;
  return {
    status,
    headers: { ...headers, ...REPLAYED },
    ...(body && { text: { contentType: body.contentType, content: body.text } }),
  };
}

function stillRunning(): AppError {
  return new AppError(
    'conflict',
    'A request with this Idempotency-Key has no answer yet: it is still running, or its process has ended within the ' +
      'last minute. Send it again later',
    { retryAfterS: RUNNING_RETRY_S },
  );
}

function tooManyKeys(): AppError {
  return new AppError(
    'too_many_requests',
    `This project has used ${MOST_KEYS} values of Idempotency-Key within ${KEPT_MS / 3_600_000} hours, which is the ` +
      'limit: send the request without that header, or later',
    { retryAfterS: FULL_RETRY_S },
  );
}
