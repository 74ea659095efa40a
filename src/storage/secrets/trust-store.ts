import type { Database, Sql } from '../database.js';
import type { Sealer } from './sealed.js';

/** A Keystone trust that serves one alarm. */
export interface AlarmTrust {
  id: string;
  alarmId: string;
  /** The alarm's project when the trust was made; it serves no other. */
  projectId: string | null;
  /** The user whose rights it lends. */
  trustorId: string;
  trustId: string;
}

/** As it is stored: the trust's own id can only be read with the key. */
export interface SealedTrust extends Omit<AlarmTrust, 'trustId'> {
  sealed: string;
}

/** The trust that an alarm goes on with (null: with none); the one it had is discarded. */
export interface TrustChange {
  next: SealedTrust | null;
  at: Date;
}

const COLUMNS = `id, alarm_id as "alarmId", project_id as "projectId", trustor_id as "trustorId", trust_id as sealed`;
const INSERT = `
  insert into alarm_trusts (id, alarm_id, project_id, trustor_id, trust_id, created_at, discarded_at)
  values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz)`;

/** Part of the alarm's own write, so that an alarm and its trust change together. */
export async function writeTrust(tx: Sql, alarmId: string, { next, at }: TrustChange): Promise<void> {
  await tx.query(
    'update alarm_trusts set discarded_at = $2::timestamptz where alarm_id = $1 and discarded_at is null',
    [alarmId, at],
  );
  if (next) await tx.query(INSERT, [next.id, alarmId, next.projectId, next.trustorId, next.sealed, at, null]);
}

export type TrustStore = ReturnType<typeof createTrustStore>;

/** Trusts by the alarm they serve. Who may see the alarm is settled before; nobody but this service sees a trust. */
export function createTrustStore(db: Database, sealer: Sealer) {
  const select = async (where: string, parameters: unknown[]): Promise<SealedTrust[]> =>
    (await db.query<SealedTrust>(`select ${COLUMNS} from alarm_trusts ${where}`, parameters)).rows;

  return {
    seal: ({ trustId, ...trust }: AlarmTrust): SealedTrust => ({
      ...trust,
      sealed: sealer.seal(trustId, placeOf(trust)),
    }),
    /** @throws Error when the key is gone, or the row was tampered with. */
    reveal: ({ sealed, ...trust }: SealedTrust): AlarmTrust => ({
      ...trust,
      trustId: sealer.open(sealed, placeOf(trust)),
    }),
    /** The trust that an alarm's actions use now. */
    ofAlarm: async (alarmId: string): Promise<SealedTrust | undefined> =>
      (await select('where alarm_id = $1 and discarded_at is null', [alarmId]))[0],
    /** Whether a trust was written down, in use or not. */
    isKnown: async (id: string): Promise<boolean> => (await select('where id = $1', [id])).length > 0,
    /** Trusts that their alarm no longer uses and that Keystone may still have. */
    discarded: (alarmId: string): Promise<SealedTrust[]> =>
      select('where alarm_id = $1 and discarded_at is not null', [alarmId]),
    /**
     * The same of all alarms, discarded before a moment, longest ago first: what could not be removed when it should
     * have been.
     */
    discardedBefore: (before: Date, limit: number): Promise<SealedTrust[]> =>
      select('where discarded_at < $1 order by discarded_at limit $2', [before, limit]),
    /** Writes down a trust that never came into use, so that it is not forgotten. */
    addDiscarded: async (trust: SealedTrust, at: Date): Promise<void> => {
      await db.query(INSERT, [trust.id, trust.alarmId, trust.projectId, trust.trustorId, trust.sealed, at, at]);
    },
    /** Puts a trust that could not be removed behind the others that wait. */
    postpone: async (id: string, at: Date): Promise<void> => {
      await db.query(
        'update alarm_trusts set discarded_at = $2::timestamptz where id = $1 and discarded_at is not null',
        [id, at],
      );
    },
    /** Keystone no longer has it. */
    forget: async (id: string): Promise<void> => {
      await db.query('delete from alarm_trusts where id = $1 and discarded_at is not null', [id]);
    },
  };
}

function placeOf({ id, projectId }: Pick<SealedTrust, 'id' | 'projectId'>) {
  return { table: 'alarm_trusts', rowId: id, projectId };
}
