import type { Database, Sql } from '../database.js';
import { scopeParameter, type Scope } from '../scope.js';
import type { Sealer, SecretLocation } from '../secrets/sealed.js';

/** A secret that signs webhooks, without the secret itself, which is never read back for users. */
export interface SigningSecret {
  id: string;
  createdAt: Date;
  /** When it ends. Null: it is the current one, which signs until another replaces it. */
  endsAt: Date | null;
}

/** A signing secret to store, and when it is made. */
export interface NewSigningSecret {
  id: string;
  /** `whsec_…` */
  secret: string;
  at: Date;
}

/** How secrets are replaced. */
export interface RotationRules {
  /** How long the former secret signs along with its successor. */
  overlapMs: number;
  /** Most secrets that sign at a time. */
  most: number;
}

/** The outcome of adding a secret. */
export interface Rotation {
  projectId: string;
  /** Undefined if there are as many secrets that sign as there may be. */
  secret: SigningSecret | undefined;
}

/** Columns of `SigningSecret`, of `signing_secrets s`. */
const COLUMNS = `s.id, s.created_at as "createdAt", s.ends_at as "endsAt"`;
/** Ended secrets that one statement deletes. */
export const ENDED_AT_ONCE = 500;

export type SigningSecretStore = ReturnType<typeof createSigningSecretStore>;

/** The signing secrets of receivers. */
export function createSigningSecretStore(db: Database, sealer: Sealer) {
  return {
    /**
     * Adds a secret. The former one signs along for a time. Resolves to undefined if there is no such receiver.
     */
    rotate: (
      scope: Scope,
      receiverId: string,
      added: NewSigningSecret,
      rules: RotationRules,
    ): Promise<Rotation | undefined> =>
      db.transaction(async (tx) => {
        const projectId = await lockReceiver(tx, scope, receiverId);
        return projectId === undefined ? undefined : rotate(tx, { sealer, projectId, receiverId, rules }, added);
      }),
    /**
     * Ends a secret now. The others keep their ends: a former secret must not become valid for ever. Resolves to the
     * project; to undefined if there is no such live secret.
     */
    end: (scope: Scope, receiverId: string, secret: { id: string; now: Date }): Promise<string | undefined> =>
      db.transaction(async (tx) => {
        const projectId = await lockReceiver(tx, scope, receiverId);
        const isEnded = projectId !== undefined && (await end(tx, receiverId, secret));
        return isEnded ? projectId : undefined;
      }),
  };
}

const LIVE_OF = `
  select s.receiver_id as "receiverId", ${COLUMNS} from signing_secrets s
   where s.receiver_id = any($1::text[]) and (s.ends_at is null or s.ends_at > $2) order by s.ordinal desc`;
/** A new revision, since answers about the receiver show its secrets. */
const LOCK_RECEIVER = `
  update receivers set revision = pg_current_xact_id()
   where id = $1 and ($2::text is null or project_id = $2) returning project_id as "projectId"`;
const COUNT_LIVE = `
  select count(*)::int as n from signing_secrets
   where receiver_id = $1 and (ends_at > $2 or (ends_at is null and $3::timestamptz > $2))`;
const END_CURRENT = 'update signing_secrets set ends_at = $2 where receiver_id = $1 and ends_at is null';
const INSERT = `
  insert into signing_secrets (id, project_id, receiver_id, secret, created_at) values ($1, $2, $3, $4, $5)`;
const DELETE_LIVE = `
  delete from signing_secrets where receiver_id = $1 and id = $2 and (ends_at is null or ends_at > $3)`;
const PRUNE = `
  delete from signing_secrets where id in (
    select id from signing_secrets where ends_at <= $1 order by ends_at limit ${ENDED_AT_ONCE})`;

/** The secrets of receivers that sign at a time, newest first, by the id of the receiver. */
export async function liveSecretsOf(
  db: Sql,
  receiverIds: readonly string[],
  now: Date,
): Promise<ReadonlyMap<string, SigningSecret[]>> {
  const { rows } = await db.query<SigningSecret & { receiverId: string }>(LIVE_OF, [receiverIds, now]);
  const found = new Map<string, SigningSecret[]>();
  for (const { receiverId, ...secret } of rows) found.set(receiverId, [...(found.get(receiverId) ?? []), secret]);
  return found;
}

/** Deletes secrets that have ended, at most `ENDED_AT_ONCE`. Returns their number. */
export async function pruneEndedSecrets(db: Sql, now: Date): Promise<number> {
  return (await db.query(PRUNE, [now])).rowCount;
}

/** The row that a sealed signing secret is bound to. */
export function placeOfSigningSecret({ id, projectId }: { id: string; projectId: string }): SecretLocation {
  return { table: 'signing_secrets', rowId: id, projectId };
}

async function lockReceiver(tx: Sql, scope: Scope, id: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ projectId: string }>(LOCK_RECEIVER, [id, scopeParameter(scope)]);
  return rows[0]?.projectId;
}

interface RotatedReceiver {
  sealer: Sealer;
  projectId: string;
  receiverId: string;
  rules: RotationRules;
}

async function rotate(
  tx: Sql,
  { sealer, projectId, receiverId, rules }: RotatedReceiver,
  { id, secret, at }: NewSigningSecret,
): Promise<Rotation> {
  const sealed = sealer.seal(secret, placeOfSigningSecret({ id, projectId }));
  const formerEndsAt = new Date(at.getTime() + rules.overlapMs);
  const { rows } = await tx.query<{ n: number }>(COUNT_LIVE, [receiverId, at, formerEndsAt]);
  if ((rows[0]?.n ?? 0) >= rules.most) return { projectId, secret: undefined };
  await tx.query(END_CURRENT, [receiverId, formerEndsAt]);
  await tx.query(INSERT, [id, projectId, receiverId, sealed, at]);
  return { projectId, secret: { id, createdAt: at, endsAt: null } };
}

async function end(tx: Sql, receiverId: string, { id, now }: { id: string; now: Date }): Promise<boolean> {
  return (await tx.query(DELETE_LIVE, [receiverId, id, now])).rowCount > 0;
}
