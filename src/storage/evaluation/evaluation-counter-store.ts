import type { AlarmState } from '../../alarm/state.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';
import { readSlices, type SlicedTable } from '../slices.js';

/** The state that one evaluation of one alarm found. */
export interface CountedResult {
  alarmId: string;
  state: AlarmState;
}

/** Number of evaluations of an alarm by result, since its creation or the start of counting. */
export interface ResultCounts {
  alarmId: string;
  projectId: string | null;
  counts: Record<AlarmState, number>;
}

/** A list of counts. */
export interface ResultCountQuery {
  /** Null: alarms without a project. Undefined: all alarms of the scope. */
  projectId?: string | null;
}

export type EvaluationCounterStore = ReturnType<typeof createEvaluationCounterStore>;

/** Counts of evaluation results, for the API. */
export function createEvaluationCounterStore(db: Database) {
  return {
    /** Adds results with one statement. Ignores results of deleted alarms. */
    async add(results: readonly CountedResult[]): Promise<void> {
      if (results.length === 0) return;
      await db.query(ADD, [results.map(({ alarmId }) => alarmId), results.map(({ state }) => state)]);
    },

    /** Pages of alarms that were evaluated at least once, in order of their ids. A page can be empty. */
    list: (scope: Scope, query: ResultCountQuery): AsyncIterable<ResultCounts[]> => list(db, scope, query),
  };
}

/**
 * Locks rows in order of their ids, to avoid a deadlock between two evaluators that count the same alarms. Results of
 * counters that another transaction has locked are not counted: they would delay the batch.
 */
const ADD = `
  with found as materialized (
    select a.id, count(*) filter (where i.state = 'ok') as ok, count(*) filter (where i.state = 'alarm') as alarm,
           count(*) filter (where i.state = 'insufficient data') as insufficient_data
      from unnest($1::text[], $2::text[]) as i (alarm_id, state) join alarms a on a.id = i.alarm_id
     where a.deleted_at is null group by a.id
  ), free as materialized (
    select c.alarm_id from found f join evaluation_counters c on c.alarm_id = f.id
     order by c.alarm_id for no key update of c skip locked
  )
  insert into evaluation_counters (alarm_id, ok, alarm, insufficient_data)
  select f.id, f.ok, f.alarm, f.insufficient_data from found f
   where f.id in (select alarm_id from free)
      or not exists (select from evaluation_counters c where c.alarm_id = f.id)
   order by f.id
  on conflict (alarm_id) do update set ok = evaluation_counters.ok + excluded.ok,
    alarm = evaluation_counters.alarm + excluded.alarm,
    insufficient_data = evaluation_counters.insufficient_data + excluded.insufficient_data`;

interface Row {
  id: string;
  project_id: string | null;
  ok: number;
  alarm: number;
  insufficient_data: number;
}

/** Rows are small, and those of other projects are read, too. */
const SLICE_ROWS = 2_000;

const SLICED: SlicedTable = {
  table: 'evaluation_counters c',
  alias: 'c',
  keys: [{ sql: 'c.alarm_id', type: 'text', descending: false }],
  bytes: '0',
};

async function* list(
  db: Database,
  scope: Scope,
  { projectId }: ResultCountQuery,
): AsyncGenerator<ResultCounts[], void, void> {
  const slices = readSlices<Row>(db, SLICED, {
    bounds: () => undefined,
    columns: 'a.id, a.project_id, c.ok, c.alarm, c.insufficient_data',
    joins: 'join alarms a on a.id = c.alarm_id',
    filter: (conditions) => {
      conditions.add('a.deleted_at is null');
      restrictToScope(scope, 'a.project_id', conditions);
      conditions.equal('a.project_id', projectId, 'text');
    },
    limits: { rows: SLICE_ROWS },
  });
  for await (const rows of slices) yield rows.map(toCounts);
}

function toCounts(row: Row): ResultCounts {
  return {
    alarmId: row.id,
    projectId: row.project_id,
    counts: { 'insufficient data': row.insufficient_data, ok: row.ok, alarm: row.alarm },
  };
}
