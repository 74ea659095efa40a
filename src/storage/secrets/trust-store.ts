import type { Database, Sql } from '../database.js';
import type { Sealer, SecretLocation } from './sealed.js';

/** The Keystone trust of one alarm. */
export interface AlarmTrust {
  id: string;
  alarmId: string;
  /** The alarm's project when the trust was created. The trust is not used for another project. */
  projectId: string | null;
  /** The user whose rights the trust delegates. */
  trustorId: string;
  trustId: string;
}

/** A trust as it is stored, with Keystone's id of the trust sealed. */
export interface SealedTrust extends Omit<AlarmTrust, 'trustId'> {
  sealed: string;
}

/** The new trust of an alarm (null: none). The former trust is discarded. */
export interface TrustChange {
  next: SealedTrust | null;
  at: Date;
}

const COLUMNS = `id, alarm_id as "alarmId", project_id as "projectId", trustor_id as "trustorId", trust_id as sealed`;
const INSERT = `
  insert into alarm_trusts (id, alarm_id, project_id, trustor_id, trust_id, created_at, discarded_at)
  values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz)`;

/** Changes the trust of an alarm. Call in the transaction that writes the alarm. */
export async function writeTrust(tx: Sql, alarmId: string, { next, at }: TrustChange): Promise<void> {
  await tx.query(
    'update alarm_trusts set discarded_at = $2::timestamptz where alarm_id = $1 and discarded_at is null',
    [alarmId, at],
  );
  if (next) await tx.query(INSERT, [next.id, alarmId, next.projectId, next.trustorId, next.sealed, at, null]);
}

export type TrustStore = ReturnType<typeof createTrustStore>;

/** Trusts of alarms. They are for this service only, never for API users, so there is no scope. */
export function createTrustStore(db: Database, sealer: Sealer) {
  const select = async (where: string, parameters: unknown[]): Promise<SealedTrust[]> =>
    (await db.query<SealedTrust>(`select ${COLUMNS} from alarm_trusts ${where}`, parameters)).rows;

  return {
    /** Seals a trust for storage. */
    seal: ({ trustId, ...trust }: AlarmTrust): SealedTrust => ({
      ...trust,
      sealed: sealer.seal(trustId, placeOfTrust(trust)),
    }),
    /** Opens a stored trust. @throws Error when its key is not configured, or the row was changed. */
    reveal: ({ sealed, ...trust }: SealedTrust): AlarmTrust => ({
      ...trust,
      trustId: sealer.open(sealed, placeOfTrust(trust)),
    }),
    /** Returns the trust that an alarm's actions use. */
    ofAlarm: async (alarmId: string): Promise<SealedTrust | undefined> =>
      (await select('where alarm_id = $1 and discarded_at is null', [alarmId]))[0],
    /** Returns true if a trust is stored, in use or discarded. */
    isKnown: async (id: string): Promise<boolean> => (await select('where id = $1', [id])).length > 0,
    /** Returns the discarded trusts of an alarm that may still exist in Keystone. */
    discarded: (alarmId: string): Promise<SealedTrust[]> =>
      select('where alarm_id = $1 and discarded_at is not null', [alarmId]),
    /**
     * Returns trusts of all alarms that were discarded before a time and could not be deleted from Keystone yet, oldest
     * first.
     */
    discardedBefore: (before: Date, limit: number): Promise<SealedTrust[]> =>
      select('where discarded_at < $1 order by discarded_at limit $2', [before, limit]),
    /** Stores a trust that was never used, so that it will be deleted from Keystone. */
    addDiscarded: async (trust: SealedTrust, at: Date): Promise<void> => {
      await db.query(INSERT, [trust.id, trust.alarmId, trust.projectId, trust.trustorId, trust.sealed, at, at]);
    },
    /** Moves a discarded trust that could not be deleted to the end of the list. */
    postpone: async (id: string, at: Date): Promise<void> => {
      await db.query(
        'update alarm_trusts set discarded_at = $2::timestamptz where id = $1 and discarded_at is not null',
        [id, at],
      );
    },
    /** Deletes a discarded trust that no longer exists in Keystone. */
    forget: async (id: string): Promise<void> => {
      await db.query('delete from alarm_trusts where id = $1 and discarded_at is not null', [id]);
    },
  };
}

/** The row that a sealed trust id is bound to. */
export function placeOfTrust({ id, projectId }: Pick<SealedTrust, 'id' | 'projectId'>): SecretLocation {
  return { table: 'alarm_trusts', rowId: id, projectId };
}
