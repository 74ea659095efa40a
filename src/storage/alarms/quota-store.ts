import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';

/** What can be limited. */
export const QUOTA_RESOURCES = ['alarms'] as const;

export interface Quota {
  resource: (typeof QUOTA_RESOURCES)[number];
  /** -1 is no limit. */
  limit: number;
}

export type QuotaStore = ReturnType<typeof createQuotaStore>;

/** The limits that admins set for single projects. They are in force from the next alarm on. */
export function createQuotaStore(db: Database) {
  return {
    /** Empty where only the configured limits hold. */
    list: (scope: Scope, projectId: string): Promise<Quota[]> => list(db, scope, projectId),

    /** Those not named stay as they are. Resolves to all of the project's; later ones win over earlier ones. */
    set: (projectId: string, quotas: readonly Quota[]): Promise<Quota[]> =>
      db.transaction(async (tx) => {
        for (const { resource, limit } of quotas) await tx.query(SET, [projectId, resource, limit]);
        return list(tx, { projectId }, projectId);
      }),

    /** Back to the configured limits; also when it was there already. */
    async remove(projectId: string): Promise<void> {
      await db.query('delete from quotas where project_id = $1', [projectId]);
    },
  };
}

const SET = `insert into quotas (project_id, resource, "limit") values ($1, $2, $3)
  on conflict (project_id, resource) do update set "limit" = excluded."limit"`;

async function list(sql: Sql, scope: Scope, projectId: string): Promise<Quota[]> {
  const { rows } = await sql.query<Quota>(
    `select resource, "limit" from quotas where project_id = $1 and ($2::text is null or project_id = $2)
      order by resource`,
    [projectId, scopeParameter(scope)],
  );
  return rows;
}
