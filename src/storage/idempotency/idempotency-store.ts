import type { AuditEntry } from '../audit/audit-entry.js';
import type { Database, Sql } from '../database.js';
import { isSealed, MissingKey, type Sealer, type SecretLocation } from '../secrets/sealed.js';

/** What an idempotency key is unique within: project and user ('' for none), and method and path of the route. */
export interface KeyedRequestId {
  projectId: string;
  userId: string;
  route: string;
  key: string;
}

/** The answer to the first request with a key. */
export interface KeptAnswer {
  /** 500 or more: it has failed and may have been carried out in part. */
  status: number;
  /** Undefined if it is not kept, or its sealing key is not configured. */
  content: KeptContent | undefined;
  /** The entries of the request in the audit trail, in case its process died before they were stored there. */
  entries: readonly AuditEntry[];
}

/** The parts of an answer that a repeat gets. */
export interface KeptContent {
  headers: Readonly<Record<string, string>>;
  /** Null for an answer without a body. */
  body: { contentType: string; text: string } | null;
}

/** What is stored about a key. */
export interface FoundKey {
  /** Hexadecimal SHA-256 of the request. Undefined if its sealing key is not configured. */
  requestHash: string | undefined;
  /** Undefined: the first request has no answer yet, and runs until that time unless its process has died. */
  answer: KeptAnswer | undefined;
  runningUntil: Date | null;
  /** False: the first request was claimed and has changed nothing yet. */
  hasBegun: boolean;
}

/** A key to store. */
export interface NewKey {
  id: KeyedRequestId;
  requestHash: string;
  at: Date;
}

/** The right to run the request of a key in several transactions. It ends when another process claims the key. */
export interface KeyClaim {
  id: KeyedRequestId;
  claimId: string;
}

/** A claim to store. */
interface NewClaim {
  claimId: string;
  /** When it runs out, unless it is renewed. */
  until: Date;
}

interface KeyRow {
  requestHash: string;
  status: number | null;
  answer: string | null;
  runningUntil: Date | null;
  hasBegun: boolean;
}

/** Time for which a key is kept. */
export const KEPT_MS = 86_400_000;
const OF_ID = 'project_id = $1 and user_id = $2 and route = $3 and key = $4';
const OF_CLAIM = `${OF_ID} and claim_id = $5 and status is null`;

export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>;

/**
 * Stores the idempotency keys of requests, with their answers. Answers can show secrets of actions, so they are sealed
 * as those are. So are the hashes of requests, from which a short secret in a body could be guessed.
 */
export function createIdempotencyStore(db: Database, sealer: Sealer) {
  return {
    ...claimStore(db, sealer),

    /**
     * Locks a key until the end of the transaction. Returns false if another request has it. The lock is not on a row,
     * so the end of a connection leaves nothing behind.
     */
    async tryLock(tx: Sql, id: KeyedRequestId): Promise<boolean> {
      const text = 'select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as "isLocked"';
      const { rows } = await tx.query<{ isLocked: boolean }>(text, [JSON.stringify(valuesOf(id))]);
      return rows[0]?.isLocked === true;
    },

    async find(sql: Sql, id: KeyedRequestId, now: Date): Promise<FoundKey | undefined> {
      const { rows } = await sql.query<KeyRow>(
        `select request_hash as "requestHash", status, answer, running_until as "runningUntil", has_begun as "hasBegun"
           from idempotency_keys where ${OF_ID} and made_at > $5`,
        [...valuesOf(id), oldest(now)],
      );
      return rows[0] && found(rows[0], id, sealer);
    },

    /** True if a project has used this many other keys within a day, so that it may not use another. */
    async hasUsed(sql: Sql, id: KeyedRequestId, { keys, now }: { keys: number; now: Date }): Promise<boolean> {
      const { rows } = await sql.query<{ n: number }>(
        `select count(*) as n from (
           select from idempotency_keys where project_id = $1 and made_at > $5 and not (${OF_ID}) limit $6) k`,
        [...valuesOf(id), oldest(now), keys],
      );
      return (rows[0]?.n ?? 0) >= keys;
    },

    /** Stores a key with the answer to its request. An answer that is stored already stays. */
    async add(sql: Sql, { id, requestHash, at }: NewKey, answer: KeptAnswer): Promise<void> {
      await sql.query(
        `insert into idempotency_keys as k (project_id, user_id, route, key, request_hash, made_at, status, answer)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (project_id, user_id, route, key) do update
           set request_hash = excluded.request_hash, made_at = excluded.made_at, status = excluded.status,
               answer = excluded.answer, running_until = null, claim_id = null, has_begun = true
         where k.status is null or k.made_at <= $9`,
        [
          ...valuesOf(id),
          sealed(requestHash, placeOfHash(id), sealer),
          at,
          answer.status,
          sealed(keptText(answer), placeOfAnswer(id), sealer),
          oldest(at),
        ],
      );
    },
  };
}

/** Claims of keys. A process that has lost a claim changes nothing by it. */
function claimStore(db: Database, sealer: Sealer) {
  return {
    /** Stores a key whose request runs, before it does. Any earlier claim of the key ends. */
    async claim(sql: Sql, { id, requestHash, at }: NewKey, { claimId, until }: NewClaim): Promise<void> {
      await sql.query(
        `insert into idempotency_keys
           (project_id, user_id, route, key, request_hash, made_at, running_until, claim_id, has_begun)
         values ($1, $2, $3, $4, $5, $6, $7, $8, false)
         on conflict (project_id, user_id, route, key) do update
           set request_hash = excluded.request_hash, made_at = excluded.made_at, status = null, answer = null,
               running_until = excluded.running_until, claim_id = excluded.claim_id, has_begun = false`,
        [...valuesOf(id), sealed(requestHash, placeOfHash(id), sealer), at, until, claimId],
      );
    },

    /** Says that the request of a claim begins to change something. Returns false if the claim has ended. */
    async begin(claim: KeyClaim, until: Date): Promise<boolean> {
      const text = `update idempotency_keys set has_begun = true, running_until = $6 where ${OF_CLAIM}`;
      return (await db.query(text, [...valuesOfClaim(claim), until])).rowCount > 0;
    },

    /** Says that the request of a claim still runs. Does nothing if the claim has ended. */
    async renew(claim: KeyClaim, until: Date): Promise<void> {
      const text = `update idempotency_keys set running_until = $6 where ${OF_CLAIM}`;
      await db.query(text, [...valuesOfClaim(claim), until]);
    },

    /** Stores the answer to the request of a claim. Does nothing if the claim has ended. */
    async end(claim: KeyClaim, answer: KeptAnswer, at: Date): Promise<void> {
      await db.query(
        `update idempotency_keys set made_at = $6, status = $7, answer = $8, running_until = null where ${OF_CLAIM}`,
        [...valuesOfClaim(claim), at, answer.status, sealed(keptText(answer), placeOfAnswer(claim.id), sealer)],
      );
    },

    /** Removes the key of a claim whose request has changed nothing. Does nothing if the claim has ended. */
    async release(claim: KeyClaim): Promise<void> {
      await db.query(`delete from idempotency_keys where ${OF_CLAIM}`, valuesOfClaim(claim));
    },
  };
}

/** Deletes keys that are older than a day, at most `limit`, and returns their number. */
export async function pruneIdempotencyKeys(db: Database, now: Date, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `delete from idempotency_keys k using (
       select project_id, user_id, route, key from idempotency_keys where made_at <= $1 order by made_at limit $2
     ) o where (k.project_id, k.user_id, k.route, k.key) = (o.project_id, o.user_id, o.route, o.key)`,
    [oldest(now), limit],
  );
  return rowCount;
}

/** The values of the primary key, in its order. */
export function valuesOf({ projectId, userId, route, key }: KeyedRequestId): [string, string, string, string] {
  return [projectId, userId, route, key];
}

function valuesOfClaim({ id, claimId }: KeyClaim): string[] {
  return [...valuesOf(id), claimId];
}

function oldest(now: Date): Date {
  return new Date(now.getTime() - KEPT_MS);
}

/** The place that the sealed answer of a key is bound to. */
export function placeOfAnswer(id: KeyedRequestId): SecretLocation {
  return { table: 'idempotency_keys', rowId: JSON.stringify(valuesOf(id)), projectId: id.projectId };
}

/** The place that the sealed hash of the request with a key is bound to. */
export function placeOfHash(id: KeyedRequestId): SecretLocation {
  return { ...placeOfAnswer(id), rowId: JSON.stringify([...valuesOf(id), 'request_hash']) };
}

/** What the column `answer` has, sealed. */
interface KeptText {
  content?: KeptContent | undefined;
  entries: readonly AuditEntry[];
}

function keptText({ content, entries }: KeptAnswer): string {
  return JSON.stringify({ content, entries } satisfies KeptText);
}

/** Without a key, secrets of actions are stored unencrypted, too. */
function sealed(text: string, place: SecretLocation, sealer: Sealer): string {
  return sealer.refusal === undefined ? sealer.seal(text, place) : text;
}

function found(row: KeyRow, id: KeyedRequestId, sealer: Sealer): FoundKey {
  const { requestHash, status, answer, runningUntil, hasBegun } = row;
  const hash = opened(requestHash, placeOfHash(id), sealer) || undefined;
  if (status === null) return { requestHash: hash, answer: undefined, runningUntil, hasBegun };
  const text = answer === null ? undefined : opened(answer, placeOfAnswer(id), sealer);
  const { content, entries } = text === undefined ? NOTHING : (JSON.parse(text) as KeptText);
  const kept = { status, content, entries: entries.map((entry) => ({ ...entry, at: new Date(entry.at) })) };
  return { requestHash: hash, answer: kept, runningUntil, hasBegun };
}

const NOTHING: KeptText = { entries: [] };

/** What stands for a hash and an answer whose sealing key is lost. */
export const UNREADABLE = { hash: '', answer: JSON.stringify(NOTHING) } as const;

/** Undefined for a text whose sealing key is not configured any more. */
function opened(text: string, place: SecretLocation, sealer: Sealer): string | undefined {
  try {
    return isSealed(text) ? sealer.open(text, place) : text;
  } catch (thrown) {
    if (thrown instanceof MissingKey) return undefined;
    throw thrown;
  }
}
