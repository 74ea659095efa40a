import type { Database } from '../database.js';
import { createNotificationUpkeepStore, type OutboxFigures } from '../notifications/notification-upkeep-store.js';
import { createProcessStore, type ProcessRow } from './process-store.js';

/** A partition, its owner and its progress. */
export interface PartitionState {
  id: number;
  epoch: number;
  /** Member id of the evaluator; null if there is none. */
  owner: string | null;
  /** False while the owner loads its alarms, and without an owner. */
  isLoaded: boolean;
  lastEvaluatedAt: Date | null;
  /** Alarms that were due and not evaluated in time. */
  lateAlarms: number;
  /** Since when the first of them is due. */
  lateSince: Date | null;
}

/** The state of a cluster, or of the one process of an embedded database. */
export interface ClusterState {
  /** Time of the database. */
  at: Date;
  processes: ProcessRow[];
  partitions: PartitionState[];
  outbox: OutboxFigures;
}

export type ClusterStore = ReturnType<typeof createClusterStore>;

/** Reads the state of the cluster, for admins. */
export function createClusterStore(db: Database) {
  const processes = createProcessStore(db);
  const outbox = createNotificationUpkeepStore(db);
  return {
    async read(now: Date): Promise<ClusterState> {
      const { rows: partitions } = await db.query<PartitionState & { at: Date }>(PARTITIONS);
      return {
        at: partitions[0]?.at ?? now,
        processes: await processes.list(),
        partitions: partitions.map(({ at: _, ...partition }) => partition),
        outbox: await outbox.figures(now),
      };
    },
  };
}

const PARTITIONS = `
  select p.id, p.epoch, p.owner,
         p.owner is not null and (p.loaded_epoch is not distinct from p.epoch or exists (
           select 1 from members m where m.id = p.owner and not m.tells_loaded)) as "isLoaded",
         p.last_evaluated_at as "lastEvaluatedAt", late.alarms as "lateAlarms",
         to_timestamp(late.due / 1000) as "lateSince", clock_timestamp() as at
    from partitions p
   cross join lateral (
      select count(*)::int as alarms, min((b.value ->> 'dueMs')::float8) as due
        from jsonb_each(coalesce(p.behind, '{}')) b) late
   order by p.id`;
