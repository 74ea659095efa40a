import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';

/** The resources that can be limited. */
export const QUOTA_RESOURCES = ['alarms'] as const;

/** A limit of one project. */
export interface Quota {
  resource: (typeof QUOTA_RESOURCES)[number];
  /** -1: no limit. */
  limit: number;
}

export type QuotaStore = ReturnType<typeof createQuotaStore>;

/** Limits that admins set for single projects. A change applies from the next creation of an alarm. */
export function createQuotaStore(db: Database) {
  return {
    /** Lists a project's own limits. Empty if only the configured limits apply. */
    list: (scope: Scope, projectId: string): Promise<Quota[]> => list(db, scope, projectId),

    /** Sets these limits and returns all of the project's. If a resource is given twice, the last limit wins. */
    set: (projectId: string, quotas: readonly Quota[]): Promise<Quota[]> =>
      db.transaction(async (tx) => {
        for (const { resource, limit } of quotas) await tx.query(SET, [projectId, resource, limit]);
        return list(tx, { projectId }, projectId);
      }),

    /** Removes a project's own limits, if there are any. */
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
