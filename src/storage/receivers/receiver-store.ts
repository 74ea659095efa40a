import type { Database, Sql } from '../database.js';
import { Conditions, orderBy } from '../conditions.js';
import type { Sealer, SecretLocation } from '../secrets/sealed.js';
import { restrictToScope, scopeParameter, type Scope } from '../scope.js';
import { liveSecretsOf, type SigningSecret } from './signing-secret-store.js';

/** Most receivers of a project. */
export const MOST_RECEIVERS = 1_000;
/** Advisory locks of the counts of receivers, one for each project. Any constant that no other lock has. */
const COUNT_LOCK = 8042_0021;

/** Headers with their values, which are secrets. */
export type OwnHeaders = Readonly<Record<string, string>>;

/** The parts of a receiver that its owner can change. */
export interface ReceiverDefinition {
  name: string;
  description: string;
  /** Undefined: none for a new receiver, those that it has for a change. */
  headers: OwnHeaders | undefined;
}

/** A new receiver: the record of a project about its webhooks to one origin. It has no signing secrets yet. */
export interface NewReceiver extends ReceiverDefinition {
  id: string;
  projectId: string;
  /** As `receiverOriginOf` writes it; `*` for all receivers of the project. Only one of the project has it. */
  origin: string;
  createdAt: Date;
}

/** A receiver of the database, with the secrets that sign at the time of the read, newest first. */
export interface StoredReceiver extends Omit<NewReceiver, 'headers'> {
  /** Names of the headers. The values are never read for users. */
  headerNames: string[];
  secrets: readonly SigningSecret[];
  /** Differs after each change: the id of the transaction that made it. */
  revision: string;
}

/** The place of a receiver in the order of lists. */
export type ReceiverPosition = Pick<NewReceiver, 'id' | 'createdAt'>;

/** Which receivers to list, newest first. */
export interface ReceiverQuery {
  limit: number;
  /** The receiver before the first one of the page. */
  after?: ReceiverPosition | undefined;
  now: Date;
}

/** One page of a list. */
export interface ReceiverPage {
  receivers: StoredReceiver[];
  /** The last receiver of the page; undefined if no page follows. */
  next: ReceiverPosition | undefined;
}

/** Makes the new definition of a receiver, from the stored one. */
export type ChangeReceiver = (current: StoredReceiver) => ReceiverDefinition;

/** Why a receiver was not stored: its project has one of this origin, or `MOST_RECEIVERS`. */
export type ReceiverRefusal = 'exists' | 'full';

export type ReceiverStore = ReturnType<typeof createReceiverStore>;

const COLUMNS = `r.id, r.project_id as "projectId", r.origin, r.name, r.description, r.created_at as "createdAt",
  r.header_names as "headerNames", r.revision::text as revision`;
const INSERT = `
  insert into receivers (id, project_id, origin, name, description, created_at, header_names, headers)
  select $1, $2, $3, $4, $5, $6, $7::text[], $8
   where (select count(*) from receivers where project_id = $2) < ${MOST_RECEIVERS}
  on conflict (project_id, origin) do nothing returning revision::text as revision`;
const HAS_ORIGIN = 'select id from receivers where project_id = $1 and origin = $2';
const UPDATE = `
  update receivers set name = $2, description = $3,
         header_names = coalesce($4::text[], header_names), headers = case when $4 is null then headers else $5 end,
         revision = pg_current_xact_id()
   where id = $1 returning revision::text as revision`;

type ReceiverRow = Omit<StoredReceiver, 'secrets'>;

/** Receivers, for users. */
export function createReceiverStore(db: Database, sealer: Sealer) {
  return {
    create: (receiver: NewReceiver): Promise<StoredReceiver | ReceiverRefusal> =>
      db.transaction((tx) => create(tx, sealer, receiver)),
    find: async (scope: Scope, id: string, now: Date): Promise<StoredReceiver | undefined> =>
      find(db, { scope, id, now }, ''),
    list: (scope: Scope, query: ReceiverQuery): Promise<ReceiverPage> => list(db, scope, query),
    /** Replaces the definition. `change` is called with the receiver locked; if it throws, nothing is changed. */
    replace: (scope: Scope, id: string, now: Date, change: ChangeReceiver): Promise<StoredReceiver | undefined> =>
      db.transaction((tx) => replace(tx, sealer, { scope, id, now }, change)),
    /** Deletes a receiver and its secrets. `check` is called with it locked. Resolves to false if there is none. */
    remove: (scope: Scope, id: string, now: Date, check: (current: StoredReceiver) => void): Promise<boolean> =>
      db.transaction(async (tx) => {
        const current = await find(tx, { scope, id, now }, 'for update');
        if (!current) return false;
        check(current);
        await tx.query('delete from receivers where id = $1', [id]);
        return true;
      }),
  };
}

async function create(
  tx: Sql,
  sealer: Sealer,
  { headers = {}, ...receiver }: NewReceiver,
): Promise<StoredReceiver | ReceiverRefusal> {
  const { id, projectId, origin, name, description, createdAt } = receiver;
  const headerNames = Object.keys(headers);
  // Two counts may share a lock, if the hashes of their projects are equal.
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [COUNT_LOCK, projectId]);
  const values = [id, projectId, origin, name, description, createdAt, headerNames, sealed(headers, receiver, sealer)];
  const [stored] = (await tx.query<Pick<ReceiverRow, 'revision'>>(INSERT, values)).rows;
  if (stored) return { ...receiver, ...stored, headerNames, secrets: [] };
  return (await tx.query(HAS_ORIGIN, [projectId, origin])).rows.length > 0 ? 'exists' : 'full';
}

/** The row that the sealed headers of a receiver are bound to. */
export function placeOfHeaders({ id, projectId }: { id: string; projectId: string }): SecretLocation {
  return { table: 'receivers', rowId: id, projectId };
}

function sealed(headers: OwnHeaders, receiver: { id: string; projectId: string }, sealer: Sealer): string | null {
  if (Object.keys(headers).length === 0) return null;
  return sealer.seal(JSON.stringify(headers), placeOfHeaders(receiver));
}

interface OneReceiver {
  scope: Scope;
  id: string;
  now: Date;
}

async function find(
  db: Sql,
  { scope, id, now }: OneReceiver,
  lock: '' | 'for update',
): Promise<StoredReceiver | undefined> {
  const { rows } = await db.query<ReceiverRow>(
    `select ${COLUMNS} from receivers r where r.id = $1 and ($2::text is null or r.project_id = $2) ${lock}`,
    [id, scopeParameter(scope)],
  );
  return (await withSecrets(db, rows, now))[0];
}

async function withSecrets(db: Sql, rows: readonly ReceiverRow[], now: Date): Promise<StoredReceiver[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const secrets = await liveSecretsOf(db, ids, now);
  return rows.map((row) => ({ ...row, secrets: secrets.get(row.id) ?? [] }));
}

async function list(db: Database, scope: Scope, { limit, after, now }: ReceiverQuery): Promise<ReceiverPage> {
  const conditions = new Conditions();
  restrictToScope(scope, 'r.project_id', conditions);
  const keys = [
    { sql: 'r.created_at', type: 'timestamptz', descending: true },
    { sql: 'r.id', type: 'text', descending: true },
  ] as const;
  if (after) conditions.after(keys, [after.createdAt, after.id]);
  const clauses = `${conditions.where()} ${orderBy(keys)} ${conditions.limit(limit + 1)}`;
  const { rows } = await db.query<ReceiverRow>(`select ${COLUMNS} from receivers r ${clauses}`, conditions.parameters);
  const receivers = await withSecrets(db, rows.slice(0, limit), now);
  return { receivers, next: rows.length > limit ? receivers.at(-1) : undefined };
}

async function replace(
  tx: Sql,
  sealer: Sealer,
  one: OneReceiver,
  change: ChangeReceiver,
): Promise<StoredReceiver | undefined> {
  const current = await find(tx, one, 'for update');
  if (!current) return undefined;
  const { name, description, headers } = change(current);
  const headerNames = headers && Object.keys(headers);
  const values = [one.id, name, description, headerNames ?? null, headers ? sealed(headers, current, sealer) : null];
  const { rows } = await tx.query<Pick<ReceiverRow, 'revision'>>(UPDATE, values);
  const revision = rows[0]?.revision ?? current.revision;
  return { ...current, name, description, headerNames: headerNames ?? current.headerNames, revision };
}
