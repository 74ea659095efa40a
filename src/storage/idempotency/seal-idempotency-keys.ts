import type { Database } from '../database.js';
import { isSealed, MissingKey, type Sealer, type SecretLocation } from '../secrets/sealed.js';
import { placeOfAnswer, placeOfHash, UNREADABLE, valuesOf, type KeyedRequestId } from './idempotency-store.js';

interface KeyToSeal extends KeyedRequestId {
  requestHash: string;
  answer: string | null;
}

/** Rows that one statement reads. An answer can have 64 Ki characters. */
const KEYS_AT_ONCE = 50;
/** A row is sealed as a whole: the hash of its request has always the same key as its answer. */
const TO_SEAL = `
  select project_id as "projectId", user_id as "userId", route, key, request_hash as "requestHash", answer
    from idempotency_keys
   where (project_id, user_id, route, key) > ($1, $2, $3, $4) and not starts_with(request_hash, $5)
   order by project_id, user_id, route, key limit ${KEYS_AT_ONCE}`;
const SEAL = `
  update idempotency_keys set request_hash = $7, answer = $8
   where project_id = $1 and user_id = $2 and route = $3 and key = $4
     and request_hash = $5 and answer is not distinct from $6`;

/** SQL that counts the keys that are not sealed with the current key. $1: the beginning of what that key sealed. */
export const KEYS_TO_SEAL = 'select count(*) from idempotency_keys where not starts_with(request_hash, $1)';

/**
 * Seals idempotency keys with the current key: those under another key, and those that were stored without one. Returns
 * their number. Of those whose key is not configured it keeps that they were used: they end within a day, so they are
 * not worth the old key.
 */
export async function sealIdempotencyKeys(db: Database, sealer: Sealer, prefix: string): Promise<number> {
  const again = (text: string, place: SecretLocation, unreadable: string): string =>
    sealer.seal(isSealed(text) ? openedOr(unreadable, sealer, text, place) : text, place);
  let sealed = 0;
  for (let after: readonly string[] = ['', '', '', '']; ;) {
    const { rows } = await db.query<KeyToSeal>(TO_SEAL, [...after, prefix]);
    for (const row of rows) {
      const { requestHash, answer } = row;
      const hashAgain = again(requestHash, placeOfHash(row), UNREADABLE.hash);
      const answerAgain = answer === null ? null : again(answer, placeOfAnswer(row), UNREADABLE.answer);
      const changes = [requestHash, answer, hashAgain, answerAgain];
      sealed += (await db.query(SEAL, [...valuesOf(row), ...changes])).rowCount;
    }
    const last = rows.at(-1);
    if (!last || rows.length < KEYS_AT_ONCE) return sealed;
    after = valuesOf(last);
  }
}

function openedOr(unreadable: string, sealer: Sealer, text: string, place: SecretLocation): string {
  try {
    return sealer.open(text, place);
  } catch (thrown) {
    if (thrown instanceof MissingKey) return unreadable;
    throw thrown;
  }
}
