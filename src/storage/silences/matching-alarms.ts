import type { AlarmState } from '../../alarm/state.js';
import { alarmMatcher, type MatchedAlarm } from '../../alarm/silence/matchers.js';
import { ALL_SILENCED, type Silence } from '../../alarm/silence/silence.js';
import type { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import { readSlices, textBytes, type ListQuery, type SlicedTable } from '../slices.js';

/** An alarm that a silence would hold. */
export interface SilencedAlarm extends MatchedAlarm {
  state: AlarmState;
}

/** Some of the alarms that a silence would hold. */
export interface MatchedPage {
  alarms: SilencedAlarm[];
  /** Number of notifications of these alarms that wait already. They are sent nevertheless. */
  waiting: number;
}

const BY_TIME: SlicedTable = {
  table: 'alarms a',
  alias: 'a',
  keys: [
    { sql: 'a.timestamp', type: 'timestamptz', descending: true },
    { sql: 'a.id', type: 'text', descending: true },
  ],
  bytes: textBytes('a.name'),
};

const BY_ID: SlicedTable = { ...BY_TIME, keys: [{ sql: 'a.id', type: 'text', descending: true }] };

const COLUMNS = 'a.id, a.project_id as "projectId", a.name, a.type, a.severity, a.state';

const WAITING = `
  select count(*)::int as n from notifications
   where alarm_id = any($1::text[]) and status in ('pending', 'in_flight')`;

/** The alarms that a silence would hold, page by page, newest first in each project. A page can be empty. */
export async function* matchingAlarms(
  db: Database,
  { projects, matchers }: Pick<Silence, 'projects' | 'matchers'>,
): AsyncGenerator<MatchedPage, void, void> {
  for (const project of projects) yield* matchingAlarmsOf(db, project, matchers);
}

async function* matchingAlarmsOf(
  db: Database,
  project: string,
  matchers: Silence['matchers'],
): AsyncGenerator<MatchedPage, void, void> {
  const matches = alarmMatcher(matchers);
  const id = matchers.find(({ field }) => field === 'alarm_id')?.value;
  const query: ListQuery = {
    bounds: (conditions) => bound(conditions, project, id),
    columns: COLUMNS,
    isBounded: true,
  };
  for await (const rows of readSlices<SilencedAlarm>(db, id === undefined ? BY_TIME : BY_ID, query)) {
    const alarms = rows.filter(matches);
    const ids = alarms.map((alarm) => alarm.id);
    const waiting = ids.length === 0 ? 0 : ((await db.query<{ n: number }>(WAITING, [ids])).rows[0]?.n ?? 0);
    yield { alarms, waiting };
  }
}

function bound(conditions: Conditions, project: string, id: string | undefined): void {
  conditions.add('a.deleted_at is null');
  conditions.equal('a.id', id, 'text');
  if (project === ALL_SILENCED) return;
  if (project === '') conditions.add('a.project_id is null');
  else conditions.equal('a.project_id', project, 'text');
}
