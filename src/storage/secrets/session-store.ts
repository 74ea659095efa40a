import type { Database } from '../database.js';

/** A session of the console, as it is stored. */
export interface StoredSession {
  /** Hexadecimal SHA-256 of the cookie's secret. */
  id: string;
  /** The credential, sealed with a key that only the cookie's secret gives. */
  sealed: string;
  endsAt: Date;
}

/** A session to store. */
export interface NewSession extends StoredSession {
  /** The API key or the user that signed in. */
  account: string;
  createdAt: Date;
}

export type SessionStore = ReturnType<typeof createSessionStore>;

/** Most sessions of one account. The oldest one ends when another one begins. */
export const MAX_SESSIONS_OF_ACCOUNT = 20;

/** Stores sessions. The id of one follows from the secret of its cookie only, so there is no scope. */
export function createSessionStore(db: Database) {
  return {
    /** Stores a session. Those of the account that are too many end, the oldest first. */
    async create({ id, sealed, account, createdAt, endsAt }: NewSession): Promise<void> {
      await db.query(
        `with too_many as (
           delete from sessions where id in (
             select id from (
               select id, row_number() over (order by created_at desc, id desc) as position
                 from sessions where account = $3
             ) numbered where position >= $6
           )
         )
         insert into sessions (id, sealed, account, created_at, ends_at) values ($1, $2, $3, $4, $5)`,
        [id, sealed, account, createdAt, endsAt, MAX_SESSIONS_OF_ACCOUNT],
      );
    },

    async find(id: string): Promise<StoredSession | undefined> {
      const text = 'select id, sealed, ends_at as "endsAt" from sessions where id = $1';
      return (await db.query<StoredSession>(text, [id])).rows[0];
    },

    async remove(id: string): Promise<void> {
      await db.query('delete from sessions where id = $1', [id]);
    },

    /** Deletes sessions that have ended, at most `limit`, and returns their number. */
    async pruneEnded(now: Date, limit: number): Promise<number> {
      const { rows } = await db.query<{ id: string }>(
        `delete from sessions where id in (select id from sessions where ends_at <= $1 order by ends_at limit $2)
         returning id`,
        [now, limit],
      );
      return rows.length;
    },
  };
}
