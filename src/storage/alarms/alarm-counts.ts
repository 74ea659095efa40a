import { Conditions } from '../conditions.js';
import type { Database } from '../database.js';
import type { Scope } from '../scope.js';
import { readSlices, type SlicedTable } from '../slices.js';
import { boundListedAlarms, listedAlarmConditions, type ListedAlarmFilter } from './listed-alarm-query.js';

/** Numbers of alarms. States, types and severities without an alarm are absent. */
export interface AlarmCounts {
  total: number;
  byState: ReadonlyMap<string, number>;
  byType: ReadonlyMap<string, number>;
  bySeverity: ReadonlyMap<string, number>;
  enabled: number;
  disabled: number;
  /** False if there are more alarms than are counted. */
  isComplete: boolean;
}

/** Most alarms that are counted. */
const MOST_COUNTED = 100_000;

/** Alarms that are alike in what is counted. */
interface AlikeAlarms {
  state: string;
  type: string;
  severity: string;
  enabled: boolean;
  alarms: number;
}

/** Counts alarms; more than `most` of them are not counted. */
export async function countAlarms(
  db: Database,
  scope: Scope,
  filter: ListedAlarmFilter,
  most = MOST_COUNTED,
): Promise<AlarmCounts> {
  const counted = db.kind === 'postgres' ? await countedByServer(db, scope, filter, most) : [];
  if (db.kind === 'pglite') {
    for await (const page of singleAlarms(db, scope, filter)) {
      counted.push(...page);
      if (counted.length > most) break;
    }
  }
  return countsOf(counted, most);
}

async function countedByServer(
  db: Database,
  scope: Scope,
  filter: ListedAlarmFilter,
  most: number,
): Promise<AlikeAlarms[]> {
  const conditions = new Conditions();
  boundListedAlarms(conditions, scope, filter);
  listedAlarmConditions(filter)?.(conditions);
  const text = `
    select state, type, severity, enabled, count(*) as alarms
      from (select a.state, a.type, a.severity, a.enabled from alarms a ${conditions.where()}
            ${conditions.limit(most + 1)}) counted
     group by state, type, severity, enabled`;
  return (await db.query<AlikeAlarms>(text, conditions.parameters)).rows;
}

const BY_NAME: SlicedTable = {
  table: 'alarms a',
  alias: 'a',
  keys: [
    { sql: 'a.name', type: 'text', descending: false },
    { sql: 'a.id', type: 'text', descending: false },
  ],
  bytes: '0',
};

/** The embedded database executes one statement at a time, so each counts a part. */
function singleAlarms(
  db: Database,
  scope: Scope,
  filter: ListedAlarmFilter,
): AsyncGenerator<AlikeAlarms[], void, void> {
  return readSlices<AlikeAlarms>(db, BY_NAME, {
    bounds: (conditions) => boundListedAlarms(conditions, scope, filter),
    filter: listedAlarmConditions(filter),
    columns: 'a.state, a.type, a.severity, a.enabled, 1 as alarms',
    limits: { rows: 2_000 },
  });
}

function countsOf(counted: readonly AlikeAlarms[], most: number): AlarmCounts {
  const [byState, byType, bySeverity] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, number>(),
  ];
  const add = (counts: Map<string, number>, key: string, alarms: number): void =>
    void counts.set(key, (counts.get(key) ?? 0) + alarms);
  const sums = { total: 0, enabled: 0, disabled: 0 };
  for (const { state, type, severity, enabled, alarms } of counted) {
    add(byState, state, alarms);
    add(byType, type, alarms);
    add(bySeverity, severity, alarms);
    sums.total += alarms;
    sums[enabled ? 'enabled' : 'disabled'] += alarms;
  }
  return { ...sums, byState, byType, bySeverity, isComplete: sums.total <= most };
}
