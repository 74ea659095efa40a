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
}

/** A key to store. */
export interface NewKey {
  id: KeyedRequestId;
  requestHash: string;
  at: Date;
}

interface KeyRow {
  requestHash: string;
  status: number | null;
  answer: string | null;
  runningUntil: Date | null;
}

/** Time for which a key is kept. */
export const KEPT_MS = 86_400_000;
const OF_ID = 'project_id = $1 and user_id = $2 and route = $3 and key = $4';

export type IdempotencyStore = ReturnType<typeof createIdempotencyStore>;

/**
 * Stores the idempotency keys of requests, with their answers. Answers can show secrets of actions, so they are sealed
 * as those are. So are the hashes of requests, from which a short secret in a body could be guessed.
 */
export function createIdempotencyStore(db: Database, sealer: Sealer) {
  return {
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
        `select request_hash as "requestHash", status, answer, running_until as "runningUntil"
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
    async add(sql: Sql, { id, requestHash, at }: NewKey, { status, content, entries }: KeptAnswer): Promise<void> {
      await sql.query(
        `insert into idempotency_keys as k (project_id, user_id, route, key, request_hash, made_at, status, answer)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (project_id, user_id, route, key) do update
           set request_hash = excluded.request_hash, made_at = excluded.made_at, status = excluded.status,
               answer = excluded.answer, running_until = null
         where k.status is null or k.made_at <= $9`,
        [
          ...valuesOf(id),
          sealed(requestHash, placeOfHash(id), sealer),
          at,
          status,
          sealed(JSON.stringify({ content, entries } satisfies KeptText), placeOfAnswer(id), sealer),
          oldest(at),
        ],
      );
    },

    /** Stores a key whose request runs, before it does. */
    async claim(sql: Sql, { id, requestHash, at }: NewKey, until: Date): Promise<void> {
      await sql.query(
        `insert into idempotency_keys (project_id, user_id, route, key, request_hash, made_at, running_until)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (project_id, user_id, route, key) do update
           set request_hash = excluded.request_hash, made_at = excluded.made_at, status = null, answer = null,
               running_until = excluded.running_until`,
        [...valuesOf(id), sealed(requestHash, placeOfHash(id), sealer), at, until],
      );
    },

    /** Says that the request of a claimed key still runs. */
    async renew(id: KeyedRequestId, until: Date): Promise<void> {
      const text = `update idempotency_keys set running_until = $5 where ${OF_ID} and status is null`;
      await db.query(text, [...valuesOf(id), until]);
    },

    /** Removes a claimed key whose request has changed nothing. */
    async release(id: KeyedRequestId): Promise<void> {
      await db.query(`delete from idempotency_keys where ${OF_ID} and status is null`, valuesOf(id));
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

/** Without a key, secrets of actions are stored unencrypted, too. */
function sealed(text: string, place: SecretLocation, sealer: Sealer): string {
  return sealer.refusal === undefined ? sealer.seal(text, place) : text;
}

function found({ requestHash, status, answer, runningUntil }: KeyRow, id: KeyedRequestId, sealer: Sealer): FoundKey {
  const hash = opened(requestHash, placeOfHash(id), sealer) || undefined;
  if (status === null) return { requestHash: hash, answer: undefined, runningUntil };
  const text = answer === null ? undefined : opened(answer, placeOfAnswer(id), sealer);
  const { content, entries } = text === undefined ? NOTHING : (JSON.parse(text) as KeptText);
  const kept = { status, content, entries: entries.map((entry) => ({ ...entry, at: new Date(entry.at) })) };
  return { requestHash: hash, answer: kept, runningUntil };
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
