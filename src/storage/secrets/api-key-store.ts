import type { Role } from '../../role.js';
import { Conditions, orderBy } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';

/** An API key without its secret. The secret is not stored, only its hash. */
export interface ApiKey {
  id: string;
  projectId: string;
  userId: string;
  role: Role;
  /** True if the key of an admin is valid for all projects, not only for its own. */
  allProjects: boolean;
  description: string;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date | null;
  revokedAt: Date | null;
  /** Rounded down to the hour. */
  lastUsedAt: Date | null;
}

/** An API key to store. */
export interface NewApiKey extends Omit<ApiKey, 'revokedAt' | 'lastUsedAt'> {
  /** Hexadecimal SHA-256 of the key's secret part. */
  secretHash: string;
}

/** The fields that are needed to authenticate a request with an API key. */
export type ApiKeyCredential = Pick<
  NewApiKey,
  'id' | 'secretHash' | 'projectId' | 'userId' | 'role' | 'allProjects' | 'expiresAt'
> &
  Pick<ApiKey, 'revokedAt' | 'lastUsedAt'>;

/** An API key that ends soon. */
export type EndingApiKey = Pick<ApiKey, 'id' | 'projectId'> & { expiresAt: Date };

/** Which keys of a scope: those with one of these roles. Keys for all projects only if `allProjects` is true. */
export interface ApiKeySelection {
  roles: readonly Role[];
  allProjects: boolean;
}

/** The key with this id, if it belongs to the selection. */
export type OneApiKey = ApiKeySelection & { id: string };

/** A key that was revoked. */
export type RevokedApiKey = Pick<ApiKey, 'projectId'>;

/** One page of a list of keys. */
export interface ApiKeyQuery extends ApiKeySelection {
  id?: string | undefined;
  projectId?: string | undefined;
  limit: number;
  /** The last key of the previous page. */
  after?: Pick<ApiKey, 'id' | 'createdAt'> | undefined;
}

const COLUMNS = `id, project_id as "projectId", user_id as "userId", role, all_projects as "allProjects", description,
  created_by as "createdBy", created_at as "createdAt", expires_at as "expiresAt", revoked_at as "revokedAt",
  last_used_at as "lastUsedAt"`;

export type ApiKeyStore = ReturnType<typeof createApiKeyStore>;

/** Stores API keys. */
export function createApiKeyStore(db: Database) {
  return {
    async create(key: NewApiKey): Promise<void> {
      await db.query(
        `insert into api_keys (id, secret_hash, project_id, user_id, role, all_projects, description, created_by,
          created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          key.id,
          key.secretHash,
          key.projectId,
          key.userId,
          key.role,
          key.allProjects,
          key.description,
          key.createdBy,
          key.createdAt,
          key.expiresAt,
        ],
      );
    },

    /** Finds a key to authenticate a request, before the request has a scope. */
    async credential(id: string): Promise<ApiKeyCredential | undefined> {
      const { rows } = await db.query<ApiKeyCredential>(
        `select secret_hash as "secretHash", ${COLUMNS} from api_keys where id = $1`,
        [id],
      );
      return rows[0];
    },

    /** Records that a key was used in this hour. Writes nothing if the hour is recorded already. */
    async recordUse(id: string, hour: Date): Promise<void> {
      await db.query(
        'update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $2)',
        [id, hour],
      );
    },

    /** Lists keys, newest first, with the revoked ones. */
    async list(scope: Scope, { id, projectId, limit, after, ...selection }: ApiKeyQuery): Promise<ApiKey[]> {
      const conditions = new Conditions();
      select(scope, selection, conditions);
      conditions.equal('id', id, 'text');
      conditions.equal('project_id', projectId, 'text');
      const keys = [
        { sql: 'created_at', type: 'timestamptz', descending: true },
        { sql: 'id', type: 'text', descending: true },
      ] as const;
      if (after) conditions.after(keys, [after.createdAt, after.id]);
      const text = `select ${COLUMNS} from api_keys ${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit)}`;
      return (await db.query<ApiKey>(text, conditions.parameters)).rows;
    },

    /**
     * Revokes a key and returns its project; undefined if the selection has no such key. An earlier revocation keeps
     * its time.
     */
    async revoke(scope: Scope, which: OneApiKey, at: Date): Promise<RevokedApiKey | undefined> {
      const { id, ...selection } = which;
      const conditions = new Conditions();
      const revokedAt = conditions.parameter(at, 'timestamptz');
      select(scope, selection, conditions);
      conditions.equal('id', id, 'text');
      const text = `update api_keys set revoked_at = coalesce(revoked_at, ${revokedAt}) ${conditions.where()}
        returning project_id as "projectId"`;
      return (await db.query<RevokedApiKey>(text, conditions.parameters)).rows[0];
    },
  };
}

/**
 * Lists the valid keys that end within `withinMs`, the next to end first, and their number. Keys that were made for
 * less than that are left out: their makers know the end.
 */
export async function endingApiKeys(
  db: Database,
  { now, withinMs, limit }: { now: Date; withinMs: number; limit: number },
): Promise<{ keys: EndingApiKey[]; total: number }> {
  const { rows } = await db.query<EndingApiKey & { total: number }>(
    `select id, project_id as "projectId", expires_at as "expiresAt", (count(*) over ())::int as total
     from api_keys
     where revoked_at is null and expires_at > $1 and expires_at <= $2
       and expires_at - created_at > $2::timestamptz - $1::timestamptz
     order by expires_at, id limit $3`,
    [now, new Date(now.getTime() + withinMs), limit],
  );
  return { keys: rows.map(({ total: _, ...key }) => key), total: rows[0]?.total ?? 0 };
}

function select(scope: Scope, { roles, allProjects }: ApiKeySelection, conditions: Conditions): void {
  restrictToScope(scope, 'project_id', conditions);
  conditions.add(`role = any(${conditions.parameter(roles, 'text[]')})`);
  if (!allProjects) conditions.add('not all_projects');
}
