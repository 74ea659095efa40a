import type { AlarmState } from '../../alarm/state.js';
import { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { restrictToScope, type Scope } from '../scope.js';

export interface EvaluationResult {
  alarmId: string;
  state: AlarmState;
}

/** How often an alarm was found in each state since it was made, or since counting began. */
export interface ResultCounts {
  alarmId: string;
  projectId: string | null;
  counts: Record<AlarmState, number>;
}

export interface ResultCountQuery {
  /** Null asks for alarms without a project; undefined for all that the scope has. */
  projectId?: string | null;
  /** Id of the last alarm of the page before. */
  after?: string | undefined;
  limit: number;
}

export type EvaluationCounterStore = ReturnType<typeof createEvaluationCounterStore>;

export function createEvaluationCounterStore(db: Database) {
  return {
    /** One statement for any number of results. Those of alarms that are gone are left out. */
    async add(results: readonly EvaluationResult[]): Promise<void> {
      if (results.length === 0) return;
      await db.query(ADD, [results.map(({ alarmId }) => alarmId), results.map(({ state }) => state)]);
    },

    /** Alarms that were evaluated at least once, in order of their ids. */
    list: (scope: Scope, query: ResultCountQuery): Promise<ResultCounts[]> => list(db, scope, query),
  };
}

/** In the order of ids, so that two evaluators who both think they hold an alarm cannot wait for each other. */
const ADD = `
  insert into evaluation_counters (alarm_id, ok, alarm, insufficient_data)
  select a.id, count(*) filter (where i.state = 'ok'), count(*) filter (where i.state = 'alarm'),
         count(*) filter (where i.state = 'insufficient data')
    from unnest($1::text[], $2::text[]) as i (alarm_id, state) join alarms a on a.id = i.alarm_id
   where a.deleted_at is null group by a.id order by a.id
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

async function list(
  db: Database,
  scope: Scope,
  { projectId, after, limit }: ResultCountQuery,
): Promise<ResultCounts[]> {
  const conditions = new Conditions();
  conditions.add('a.deleted_at is null');
  restrictToScope(scope, 'a.project_id', conditions);
  conditions.equal('a.project_id', projectId, 'text');
  if (after !== undefined) conditions.add(`c.alarm_id > ${conditions.parameter(after, 'text')}`);
  const { rows } = await db.query<Row>(
    `select a.id, a.project_id, c.ok, c.alarm, c.insufficient_data from evaluation_counters c
      join alarms a on a.id = c.alarm_id
     ${conditions.where()} order by c.alarm_id ${conditions.limit(limit)}`,
    conditions.parameters,
  );
  return rows.map((row) => ({
    alarmId: row.id,
    projectId: row.project_id,
    counts: { 'insufficient data': row.insufficient_data, ok: row.ok, alarm: row.alarm },
  }));
}
