import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { AlarmSortKey } from '../../src/storage/alarms/alarm-list-store.js';
import { createAlarmStore } from '../../src/storage/alarms/alarm-store.js';
import { createListedAlarmStore, type ListedAlarmQuery } from '../../src/storage/alarms/listed-alarm-store.js';
import {
  createTransitionListStore,
  type TransitionFilter,
  type TransitionPosition,
} from '../../src/storage/alarms/transition-list-store.js';
import { createHistoryStore } from '../../src/storage/alarms/history-store.js';
import type { Database, Sql } from '../../src/storage/database.js';
import { createEvaluationCounterStore } from '../../src/storage/evaluation/evaluation-counter-store.js';
import { createListedMeterStore } from '../../src/storage/meters/listed-meter-store.js';
import { createSampleStore } from '../../src/storage/meters/sample-store.js';
import { createStatisticsStore } from '../../src/storage/meters/statistics-store.js';
import { createNotificationAdminStore } from '../../src/storage/notifications/notification-admin-store.js';
import type { ComplexFilter } from '../../src/storage/queries/complex-filter.js';
import { createComplexQueryStore, type ComplexQuery } from '../../src/storage/queries/complex-query-store.js';
import type { Scope } from '../../src/storage/scope.js';
import type { AlarmFieldName, HistoryFieldName } from '../../src/storage/queries/query-fields.js';
import { thresholdRule, storeAlarms } from '../support/stored-alarms.js';
import { allOf } from '../support/pages.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import { TEST_SEALER } from '../support/sealer.js';

/** Rows of each table. A statement that reads them all is found out. */
const ROWS = 5_000;
/** Most rows that one statement may read: those of statistics, the others read fewer. */
const MOST = 2_000;
/** Alarms with a rule of 50 kB that one statement may read. */
const LONG_ALARMS = 6;

const SCOPE = { projectId: 'p' };
const HISTORY = (rows: number): string => `
  insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
  select 'e' || n, 'a1', 'rule change', '{"n": ' || n || '}', 'p', '2026-01-01'::timestamptz + n * interval '1 second'
    from generate_series(1, ${rows}) n`;
/** Samples of one moment, which no slice by time alone would divide. */
const SAMPLES = (rows: number): string => `
  insert into samples (message_id, meter, type, unit, volume, resource_id, project_id, source, timestamp, recorded_at,
                       resource_metadata)
  select 'm' || n, 'cpu', 'gauge', '%', n, 'r' || n, 'p', 's', '2026-01-01', '2026-01-01', '{}'
    from generate_series(1, ${rows}) n`;
const RESOURCES = (rows: number): string => `
  insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at, last_sample_at,
                               resource_metadata)
  select 'cpu', 'r' || n, 'p', 's', 'gauge', '%', '2026-01-01', '2026-01-01', '{}' from generate_series(1, ${rows}) n`;
const NOTIFICATIONS = (rows: number): string => `
  insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
                             action, lane, host, body, status, next_attempt_at, created_at)
  select 'n' || n, 'a1', 'p', 'transition', n, '2026-01-01', 'alarm_actions', 0, 'http://x/', 'l', 'x:80', '{}',
         'delivered', '2026-01-01', '2026-01-01' from generate_series(1, ${rows}) n`;
/** Notifications that wait, all at one receiver. */
const PENDING = (rows: number): string => `
  insert into notifications (id, alarm_id, project_id, kind, sequence, transition_time, action_list, action_index,
                             action, lane, host, body, status, next_attempt_at, created_at)
  select 'w' || n, 'a3', 'p', 'transition', n, '2026-01-01', 'ok_actions', 0, 'http://y/', 'w' || n, 'y:80', '{}',
         'pending', '2026-01-01', '2026-01-01' from generate_series(1, ${rows}) n`;
const COUNTERS = (): string =>
  'insert into evaluation_counters (alarm_id, ok, alarm, insufficient_data) select id, 1, 0, 0 from alarms';

/** `expected`: the number of rows, by default all. */
type Reads = Record<string, (db: Database) => Promise<{ rows: unknown[]; expected: number | undefined }>>;

const sortedBy = (key: AlarmSortKey) =>
  [
    { key, descending: false },
    { key: 'alarm_id', descending: false },
  ] as const;
const newest = <Name extends string>(key: Name) =>
  [
    { key: 'timestamp', descending: true },
    { key, descending: true },
  ] as const;
const alike: ComplexFilter<AlarmFieldName> = { kind: 'like', field: 'rule', pattern: '%z%z%' };
const Z = { source: 'z', test: (text: string) => text.includes('z') };
const never: ComplexFilter<HistoryFieldName> = { kind: 'matches', field: 'detail', pattern: Z };
const neverRule: ComplexFilter<AlarmFieldName> = { kind: 'matches', field: 'rule', pattern: Z };

const ascending = <Key>(key: Key) => ({ key, descending: false });

/** The alarms of one page. */
async function* listed(
  db: Database,
  query: Pick<ListedAlarmQuery, 'sort'> & Partial<ListedAlarmQuery>,
): AsyncGenerator<unknown[], void, void> {
  yield (await createListedAlarmStore(db).page(SCOPE, { filter: {}, limit: 100, ...query })).alarms;
}

/** `expected`: the number of rows, by default all. */
async function read(
  pages: AsyncIterable<unknown[]>,
  expected?: number,
): Promise<{ rows: unknown[]; expected: number | undefined }> {
  return { rows: await allOf(pages), expected };
}

/** Reads of the API, each with a filter that no row matches or an order that no index has. */
const READS: Reads = {
  'samples by metadata': (db) =>
    read(createSampleStore(db).list(SCOPE, 'cpu', { metadata: [{ path: 'a.b', value: 'z' }] }), 0),
  'all samples': (db) => read(createSampleStore(db).list(SCOPE, 'cpu', {})),
  meters: (db) => read(createSampleStore(db).meters(SCOPE, {})),
  'resources of another project': (db) => read(createSampleStore(db).resources({ projectId: 'q' }, {}), 0),
  'meters of a project, with the number of their resources': async (db) => {
    const { meters } = await createListedMeterStore(db).meters(SCOPE, { filter: {}, limit: 50 });
    return { rows: Array.from({ length: meters[0]?.resources ?? 0 }), expected: 1_000 };
  },
  'meters of all projects': async (db) => {
    const { meters } = await createListedMeterStore(db).meters({ all: true }, { filter: {}, limit: 50 });
    return { rows: meters, expected: 1 };
  },
  'meters whose names have no such part': async (db) => {
    const filter = { search: 'zz' };
    return { rows: (await createListedMeterStore(db).meters(SCOPE, { filter, limit: 50 })).meters, expected: 0 };
  },
  'a page of resources': async (db) => {
    const { resources } = await createListedMeterStore(db).resources(SCOPE, { filter: {}, limit: 50 });
    return { rows: resources, expected: 50 };
  },
  'resources whose ids have no such part': async (db) => {
    const filter = { search: 'zz' };
    return {
      rows: (await createListedMeterStore(db).resources({ all: true }, { filter, limit: 50 })).resources,
      expected: 0,
    };
  },
  'resources of a meter': async (db) => {
    const filter = { meter: 'cpu' };
    return { rows: (await createListedMeterStore(db).resources(SCOPE, { filter, limit: 50 })).resources, expected: 50 };
  },
  'statistics of all': (db) =>
    read(createStatisticsStore(db).statistics(SCOPE, { meter: 'cpu', filter: {}, periodS: 0, groupBy: [] }), 1),
  'statistics by resource': (db) =>
    read(
      createStatisticsStore(db).statistics(SCOPE, { meter: 'cpu', filter: {}, periodS: 1, groupBy: ['resource_id'] }),
    ),
  'alarms by name': (db) =>
    read(
      createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }).list(SCOPE, {
        filter: {},
        sort: sortedBy('name'),
        limit: 100,
      }),
      100,
    ),
  'alarms of a name': (db) =>
    read(
      createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }).list(SCOPE, {
        filter: { name: 'z' },
        sort: newest('alarm_id'),
      }),
      0,
    ),
  'a page of alarms by name': (db) => read(listed(db, { sort: [ascending('name'), ascending('alarm_id')] }), 100),
  'a page of alarms by state': (db) => read(listed(db, { sort: [ascending('state'), ascending('alarm_id')] }), 100),
  'alarms whose names have no such part': (db) =>
    read(listed(db, { filter: { search: 'zz' }, sort: [ascending('name'), ascending('alarm_id')] }), 0),
  'counts of alarms': async (db) => {
    const { total } = await createListedAlarmStore(db).counts(SCOPE, {});
    return { rows: Array.from({ length: total }), expected: undefined };
  },
  'notifications of a receiver': (db) => read(createNotificationAdminStore(db).list(SCOPE, { host: 'z' }), 0),
  'receivers of a project': async (db) => {
    const { receivers } = await createNotificationAdminStore(db).receivers(SCOPE, 10);
    return { rows: Array.from({ length: receivers[0]?.pending ?? 0 }), expected: undefined };
  },
  'failing notifications of all projects': (db) =>
    read(createNotificationAdminStore(db).list({ all: true }, { isFailing: true }), 0),
  'history of a type': (db) =>
    read(createHistoryStore(db, TEST_SEALER).list(SCOPE, 'a1', { filter: { type: 'z' }, sort: newest('event_id') }), 0),
  'history by severity': (db) =>
    read(
      createHistoryStore(db, TEST_SEALER).list(SCOPE, 'a1', {
        filter: {},
        sort: [
          { key: 'severity', descending: true },
          { key: 'event_id', descending: true },
        ],
        limit: 10,
      }),
      10,
    ),
  'alarms like a pattern': (db) => read(alarmsBy(db, { filter: alike, sort: newest('alarm_id') }), 0),
  'notifications of a status, of all projects': (db) =>
    read(createNotificationAdminStore(db).list({ all: true }, { status: 'delivered' })),
  'notifications of a status': (db) => read(createNotificationAdminStore(db).list(SCOPE, { status: 'superseded' }), 0),
  'results of another project': (db) =>
    read(createEvaluationCounterStore(db).list({ projectId: 'q' }, { projectId: 'q' }), 0),
};

/** Filters of transitions that no entry of the history matches. */
const NO_TRANSITIONS: Record<string, { scope: Scope; filter: TransitionFilter }> = {
  'of a project': { scope: SCOPE, filter: {} },
  'of all projects to a state': { scope: { all: true }, filter: { state: 'alarm' } },
  'of a severity': { scope: SCOPE, filter: { severity: 'critical' } },
  'of a type': { scope: SCOPE, filter: { type: 'event' } },
  'of an alarm': { scope: SCOPE, filter: { alarmId: 'a1', severity: 'low' } },
};
/** Most rows that all statements of one page of transitions read. */
const MOST_OF_PAGE = 3_000;

/** Reads that every database bounds, since memory has all that is read. */
const MATCHED_IN_MEMORY: Reads = {
  'alarms that match an expression': (db) => read(alarmsBy(db, { filter: neverRule, sort: newest('alarm_id') }), 0),
  'history of all projects that matches an expression': (db) =>
    read(
      createComplexQueryStore(db, TEST_SEALER).history({ all: true }, { filter: never, sort: newest('event_id') }),
      0,
    ),
  'history that matches an expression': (db) => read(historyBy(db, { filter: never, sort: newest('event_id') }), 0),
};

function alarmsBy(db: Database, query: ComplexQuery<AlarmFieldName>): AsyncIterable<unknown[]> {
  return createComplexQueryStore(db, TEST_SEALER).alarms(SCOPE, query);
}

function historyBy(db: Database, query: ComplexQuery<HistoryFieldName>): AsyncIterable<unknown[]> {
  return createComplexQueryStore(db, TEST_SEALER).history(SCOPE, query);
}

interface Plan {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  Plans?: Plan[];
}

/** The rows of tables that a plan has read, with those that a filter removed. The partitions are a fixed number. */
function rowsRead(plan: Plan): number {
  const { 'Relation Name': table, 'Actual Rows': rows, 'Rows Removed by Filter': removed = 0 } = plan;
  const own = table === undefined || table === 'partitions' ? 0 : (rows + removed) * plan['Actual Loops'];
  return Math.max(own, ...(plan.Plans ?? []).map(rowsRead));
}

/** A database that has the server count the rows that each statement reads. */
function counting(db: Database): { counted: Database; most: () => number; total: () => number } {
  let [most, total] = [0, 0];
  const count =
    (sql: Sql): Sql['query'] =>
    async (text, parameters, options) => {
      if (text.includes('select') && !text.includes('set_config')) {
        const { rows } = await sql.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
          `explain (analyze, format json) ${text}`,
          parameters,
          { prepare: false },
        );
        const read = rowsRead(rows[0]!['QUERY PLAN'][0].Plan);
        most = Math.max(most, read);
        total += read;
      }
      return sql.query(text, parameters, options);
    };
  const counted: Database = {
    ...db,
    query: count(db),
    transaction: (work) => db.transaction((tx) => work({ query: count(tx) })),
  };
  return { counted, most: () => most, total: () => total };
}

const isEqual = <Name extends string>(field: Name, value: string): ComplexFilter<Name> => ({
  kind: 'and',
  members: [{ kind: 'compare', field, operator: '=', value }],
});
const LAST_MOMENTS: ComplexFilter<HistoryFieldName> = {
  kind: 'compare',
  field: 'timestamp',
  operator: '<',
  value: new Date('2026-01-01T00:00:06Z'),
};

/** Complex queries whose filters an index answers. */
const NARROW: Reads = {
  'the alarm with an id': (db) =>
    read(alarmsBy(db, { filter: isEqual('alarm_id', 'a7'), sort: newest('alarm_id') }), 1),
  'the history of one alarm': (db) =>
    read(historyBy(db, { filter: isEqual('alarm_id', 'a2'), sort: newest('event_id') }), 1),
  'the entry with an id': (db) =>
    read(historyBy(db, { filter: isEqual('event_id', 'e7'), sort: newest('event_id') }), 1),
  'the notifications of one alarm': (db) => read(createNotificationAdminStore(db).list(SCOPE, { alarmId: 'a2' }), 1),
  'history of a time': (db) => read(historyBy(db, { filter: LAST_MOMENTS, sort: newest('event_id') }), 5),
};

/** The bounds on what one statement reads. */
export function boundedReadsContract(open: () => Promise<Database>): void {
  let db: Database;
  let kind: Database['kind'];

  beforeAll(async () => {
    db = await open();
    ({ kind } = db);
    await storeAlarms(
      db,
      Array.from({ length: ROWS }, (_, n) => ({ id: `a${n}`, rule: thresholdRule() })),
    );
    for (const fill of [HISTORY, SAMPLES, RESOURCES, NOTIFICATIONS, PENDING, COUNTERS]) await db.query(fill(ROWS));
    await db.query("update alarm_history set alarm_id = 'a2' where event_id = 'e1'");
    await db.query("update notifications set alarm_id = 'a2' where id = 'n1'");
    if (kind === 'postgres') await db.query('analyze'); // as autovacuum does; the embedded database has none
  });
  afterAll(() => db.close());

  /** Returns the most rows that one statement has read. */
  const mostOf = async (name: string, reads: Reads): Promise<number> => {
    const { counted, most } = counting(db);
    const { rows, expected = ROWS } = await reads[name]!(counted);
    expect(rows).toHaveLength(expected);
    return most();
  };
  const expectBounded = (most: number): void => {
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(MOST);
  };

  test.each(Object.keys(READS))('no statement of the embedded database reads a whole table: %s', async (name) => {
    const most = await mostOf(name, READS);
    // PostgreSQL executes the statements of others meanwhile, and ends those that take too long.
    if (kind === 'pglite') expectBounded(most);
  });

  test.each(Object.keys(MATCHED_IN_MEMORY))('no statement reads a whole table: %s', async (name) => {
    expectBounded(await mostOf(name, MATCHED_IN_MEMORY));
  });

  test.each(Object.keys(NO_TRANSITIONS))('a page of transitions %s reads a part of the history', async (name) => {
    const { scope, filter } = NO_TRANSITIONS[name]!;
    const { counted, total } = counting(db);
    const store = createTransitionListStore(counted);
    const read: number[] = [];
    let after: TransitionPosition | undefined;
    do {
      const before = total();
      const { transitions, next } = await store.page(scope, { filter, limit: 100, after });
      expect(transitions).toEqual([]);
      read.push(total() - before);
      after = next;
    } while (after !== undefined);
    expect(read).toHaveLength(2);
    expect(Math.max(...read)).toBeLessThanOrEqual(MOST_OF_PAGE);
    expect(read[0]! + read[1]!).toBeGreaterThanOrEqual(ROWS - 1);
  });

  test.each(Object.keys(NARROW))('a complex query reads only the rows that an index finds: %s', async (name) => {
    const { counted, most } = counting(db);
    const { rows, expected } = await NARROW[name]!(counted);
    expect(rows).toHaveLength(expected!);
    expect(most()).toBe(expected);
  });

  test('a statement whose rows are matched in memory reads fewer of them if they are long', async () => {
    const { rows } = await db.query<{ id: string }>(
      `update alarms set rule = '{"meter_name": "' || repeat('z', 50000) || '", "threshold": 1}'
        where id in (select id from alarms order by timestamp desc, id desc limit 50) returning id`,
    );
    const sizes: number[] = [];
    const found = alarmsBy(db, { filter: neverRule, sort: newest('alarm_id'), limit: 60 });
    for await (const page of found) sizes.push(page.length);
    expect(rows).toHaveLength(50);
    expect(sizes.slice(0, 2)).toEqual([LONG_ALARMS, LONG_ALARMS]);
  });
}
