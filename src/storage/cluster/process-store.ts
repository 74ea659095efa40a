import type { CoordinationMode } from '../../partition/membership.js';
import type { Database } from '../database.js';

/** A backend as one evaluator sees it. */
export interface BackendReport {
  /** Kind, and name if it has one. */
  backend: string;
  isUp: boolean;
  /** ISO text: since when it is up or down. */
  since: string;
  /** Why it is down; null if it is up. */
  reason: string | null;
}

/** What an evaluator tells of itself. */
export interface EvaluatorReport {
  /** As in `partitions.owner`. */
  memberId: string;
  coordination: CoordinationMode;
  /** Backends that it has sent requests to. */
  backends: readonly BackendReport[];
}

/** A running process. */
export interface ProcessReport {
  id: string;
  roles: readonly string[];
  version: string;
  /** Name of the machine. */
  host: string;
  pid: number;
  /** Null without the role `evaluator`. */
  evaluator: EvaluatorReport | null;
}

/** A process as the cluster sees it. All times are those of the database. */
export interface ProcessRow extends ProcessReport {
  startedAt: Date;
  heartbeatAt: Date;
}

export type ProcessStore = ReturnType<typeof createProcessStore>;

/** Reports of processes. Their times are those of the database server: many machines need one clock. */
export function createProcessStore(db: Database) {
  return {
    /** Writes the report of this process, and deletes those of processes that did not for `forgetAfterMs`. */
    report: (report: ProcessReport, forgetAfterMs: number): Promise<void> => write(db, report, forgetAfterMs),

    /** Deletes the report of a process that ends. */
    async remove(id: string): Promise<void> {
      await db.query('delete from processes where id = $1', [id]);
    },

    /** All processes, in the order of their start. */
    async list(): Promise<ProcessRow[]> {
      return (await db.query<ProcessRow>(LIST, [MOST_LISTED])).rows;
    },
  };
}

const REPORT = `
  with stale as (
    delete from processes where heartbeat_at < clock_timestamp() - $7::float8 * interval '1 millisecond' and id <> $1)
  insert into processes (id, roles, version, host, pid, evaluator, started_at, heartbeat_at)
  values ($1, $2::text[], $3, $4, $5, $6::text::jsonb, clock_timestamp(), clock_timestamp())
  on conflict (id) do update set heartbeat_at = excluded.heartbeat_at, evaluator = excluded.evaluator`;

async function write(
  db: Database,
  { id, roles, version, host, pid, evaluator }: ProcessReport,
  forgetAfterMs: number,
): Promise<void> {
  const shown = evaluator && JSON.stringify(evaluator);
  await db.query(REPORT, [id, roles, version, host, pid, shown, forgetAfterMs]);
}

/** A cluster has far fewer processes; the table of one that restarts in a loop is bounded, too. */
const MOST_LISTED = 1_000;

const LIST = `
  select id, roles, version, host, pid, evaluator, started_at as "startedAt", heartbeat_at as "heartbeatAt"
    from processes order by started_at, id limit $1::bigint`;
