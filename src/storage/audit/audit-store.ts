import { Conditions, orderBy } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { timeOf, type AuditEntry, type AuditOutcome } from './audit-entry.js';

/** Selects entries. `since` is included, `until` is not. */
export interface AuditQuery {
  id?: string | undefined;
  projectId?: string | undefined;
  /** Id of a user or of an API key. */
  actor?: string | undefined;
  action?: string | undefined;
  objectId?: string | undefined;
  outcome?: AuditOutcome | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
  limit: number;
  /** The last entry of the previous page. */
  after?: Pick<AuditEntry, 'id' | 'at'> | undefined;
}

const COLUMNS = `at, id, action, outcome, status, count, request_id as "requestId", project_id as "projectId",
  object_id as "objectId", changed, user_id as "userId", actor_project_id as "actorProjectId", roles,
  key_id as "keyId", all_projects_key as "allProjectsKey", address`;

/** One parameter for any number of entries: an array of arrays such as `roles` must not be ragged in SQL. */
const APPEND = `insert into audit_entries (at, id, action, outcome, status, count, request_id, project_id, object_id,
    changed, user_id, actor_project_id, roles, key_id, all_projects_key, address)
  select e.at, e.id, e.action, e.outcome, e.status, e.count, e."requestId", e."projectId", e."objectId", e.changed,
         e."userId", e."actorProjectId", e.roles, e."keyId", e."allProjectsKey", e.address
    from jsonb_to_recordset($1::jsonb) as e (at timestamptz, id text, action text, outcome text, status smallint,
      count integer, "requestId" text, "projectId" text, "objectId" text, changed text[], "userId" text,
      "actorProjectId" text, roles text[], "keyId" text, "allProjectsKey" boolean, address text)
  on conflict do nothing`;

/** Days to keep, for commands, which add entries and drop no days. */
export const KEEP_ALL_DAYS = 36_500;

export type AuditStore = ReturnType<typeof createAuditStore>;

/** The audit trail: entries are added and read, and whole days are dropped. */
export function createAuditStore(db: Database) {
  return {
    /** Stores entries. An entry that is stored already is skipped. */
    async append(entries: readonly AuditEntry[]): Promise<void> {
      await db.query(APPEND, [JSON.stringify(entries)]);
    },

    /** Prepares the days around `now` and drops those of more than `days` days ago, but none of the last week. */
    async keepDays(now: Date, days: number): Promise<number> {
      const { rows } = await db.query<{ dropped: number }>('select keep_audit_days($1::date, $2) as dropped', [
        now.toISOString().slice(0, 'YYYY-MM-DD'.length),
        days,
      ]);
      return rows[0]?.dropped ?? 0;
    },

    /** Lists entries, newest first. */
    async list(scope: Scope, query: AuditQuery): Promise<AuditEntry[]> {
      const conditions = conditionsOf(scope, query);
      const keys = [
        { sql: 'at', type: 'timestamptz', descending: true },
        { sql: 'id', type: 'text', descending: true },
      ] as const;
      if (query.after) conditions.after(keys, [query.after.at, query.after.id]);
      const text = `select ${COLUMNS} from audit_entries ${conditions.where()} ${orderBy(keys)}
        ${conditions.limit(query.limit)}`;
      return (await db.query<AuditEntry>(text, conditions.parameters)).rows;
    },
  };
}

function conditionsOf(scope: Scope, query: AuditQuery): Conditions {
  const { id, projectId, actor, action, objectId, outcome, since, until } = query;
  const conditions = new Conditions();
  restrictToScope(scope, 'project_id', conditions);
  if (id !== undefined) conditions.equal('at', timeOf(id) ?? null, 'timestamptz'); // names the only partition to read
  conditions.equal('id', id, 'text');
  conditions.equal('project_id', projectId, 'text');
  conditions.equal('action', action, 'text');
  conditions.equal('object_id', objectId, 'text');
  conditions.equal('outcome', outcome, 'text');
  if (actor !== undefined) conditions.add(`${conditions.parameter(actor, 'text')} in (user_id, key_id)`);
  if (since) conditions.add(`at >= ${conditions.parameter(since, 'timestamptz')}`);
  if (until) conditions.add(`at < ${conditions.parameter(until, 'timestamptz')}`);
  return conditions;
}
