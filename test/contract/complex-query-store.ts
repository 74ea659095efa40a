import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { pythonJson } from '../../src/alarm/wire/python-json.js';
import { storedRule } from '../../src/alarm/types/index.js';
import { createAlarmStore, type StoredAlarm } from '../../src/storage/alarms/alarm-store.js';
import {
  COMPARISONS,
  type ComplexFilter,
  type Field,
  type Fields,
  type FilterTerm,
  type Pattern,
} from '../../src/storage/queries/complex-filter.js';
import { matchesFilter } from '../../src/storage/queries/complex-filter-match.js';
import {
  createComplexQueryStore,
  type ComplexQuery,
  type ComplexQueryStore,
} from '../../src/storage/queries/complex-query-store.js';
import type { Database, Sql } from '../../src/storage/database.js';
import { appendHistory, type HistoryEntry } from '../../src/storage/alarms/history-store.js';
import {
  ALARM_FIELDS,
  HISTORY_FIELDS,
  type AlarmFieldName,
  type HistoryFieldName,
} from '../../src/storage/queries/query-fields.js';
import type { Scope } from '../../src/storage/scope.js';
import { anAlarm, aThresholdRule, NOON, removedAt } from '../support/builders.js';
import { anEntry } from './alarm-store.js';
import { TEST_SEALER } from '../support/sealer.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';

const ALL: Scope = { all: true };
const RUNS = 75;
const ROWS = 40;
/** Special characters of LIKE and of patterns, and characters that sort differently by code unit and code point. */
const text = fc.string({
  unit: fc.constantFrom('a', 'B', 'b', '1', '%', '_', '\\', ' ', 'é', '\uffee', '🚨', '\n'),
  maxLength: 4,
});
const owner = fc.constantFrom('p1', 'p2', null);
const severity = fc.constantFrom('low' as const, 'moderate' as const, 'critical' as const);
const moment = fc.integer({ min: 0, max: 3 }).map((minutes) => new Date(NOON.getTime() + minutes * 60_000));
const actions = fc.oneof(fc.constant(null), fc.array(text, { maxLength: 2 }));
const constraints = fc.array(
  text.map((name) => ({ name, description: 'é', start: '0 0 * * *', duration: 1, timezone: '' })),
  { maxLength: 1 },
);

const alarms = fc
  .record({
    name: text, description: text, projectId: owner, userId: owner, enabled: fc.boolean(),
    repeatActions: fc.boolean(), severity,
    state: fc.constantFrom('ok' as const, 'alarm' as const), stateReason: text, timestamp: moment,
    stateTimestamp: moment, okActions: actions, alarmActions: actions, insufficientDataActions: actions,
    timeConstraints: constraints,
    rule: text.map((meter_name) => aThresholdRule({ meter_name })), id: fc.uuid(),
  })
  .map((given): StoredAlarm => {
    const alarm = anAlarm(given);
    return { ...alarm, ...storedRule(alarm.rule) };
  }); // prettier-ignore

/** Details with and without actions. Actions that are no URLs are sealed whole. */
const details = fc.oneof(
  text,
  fc.record({ name: text, alarm_actions: actions }).map((detail) => pythonJson(detail)),
);

const entries = fc
  .record({
    alarmId: text, detail: details, projectId: owner, userId: owner, onBehalfOf: owner, timestamp: moment,
    eventId: fc.uuid(), severity: fc.oneof(fc.constant(null), severity),
    type: fc.constantFrom('creation' as const, 'rule change' as const),
  })
  .map((given): HistoryEntry => anEntry(given)); // prettier-ignore

const pattern = fc
  .constantFrom('a', 'b$', '^$', '[^a]', '\n', '1|é')
  .map((source): Pattern => ({ source, test: (value) => new RegExp(source, 'u').test(value) }));

/** Comparisons of one field, mostly with values that rows have. */
function leaf<Row, Name extends string>(
  name: Name,
  field: Field<Row>,
  rows: readonly Row[],
): fc.Arbitrary<FilterTerm<Name>> {
  const values = operandsOf(field, rows);
  const operator = fc.constantFrom(...(field.kind === 'list' ? (['=', '!='] as const) : COMPARISONS));
  const on = fc.constant(name);
  const compare = fc.record({ kind: fc.constant('compare' as const), field: on, operator, value: values });
  const among = fc.array(values, { minLength: 1, maxLength: 3 });
  const member = fc.record({ kind: fc.constant('in' as const), field: on, values: among });
  if (field.kind === 'boolean' || field.kind === 'timestamp') return fc.oneof(compare, member);
  const likeness = fc
    .oneof(text, fc.constantFrom('%', '_', '%a%', '\\%%', '_%_', '%_\\__'))
    .filter((like) => !/(^|[^\\])(\\\\)*\\$/.test(like));
  const like = fc.record({ kind: fc.constant('like' as const), field: on, pattern: likeness });
  return fc.oneof(compare, member, like, fc.record({ kind: fc.constant('matches' as const), field: on, pattern }));
}

function operandsOf<Row>(field: Field<Row>, rows: readonly Row[]): fc.Arbitrary<string | boolean | Date> {
  switch (field.kind) {
    case 'boolean':
      return fc.boolean();
    case 'timestamp':
      return moment;
    case 'severity':
      return severity;
    default: {
      const own = rows.flatMap((row) => field.of(row) ?? []);
      return own.length > 0 ? fc.oneof(fc.constantFrom(...own), text) : text;
    }
  }
}

function filters<Row, Name extends string>(
  fields: Fields<Row, Name>,
  rows: readonly Row[],
): fc.Arbitrary<ComplexFilter<Name>> {
  const names = Object.keys(fields) as Name[];
  const leaves = fc.oneof(...names.map((name) => leaf(name, fields[name], rows)));
  return fc.letrec<{ tree: ComplexFilter<Name> }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaves,
      fc.record({ kind: fc.constant('not' as const), member: tie('tree') }),
      fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        members: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }),
    ),
  })).tree;
}

function orders<Row, Name extends string>(
  fields: Fields<Row, Name>,
  unique: Name,
): fc.Arbitrary<ComplexQuery<Name>['sort']> {
  const keys = (Object.keys(fields) as Name[]).filter((key) => key !== unique);
  return fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 3 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    )
    .map(([chosen, directions]) =>
      [...chosen, unique].map((key, at) => ({ key, descending: directions[at] ?? false })),
    );
}

async function all<Row>(pages: AsyncIterable<Row[]>): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const page of pages) rows.push(...page);
  return rows;
}

const BY_ID: ComplexQuery<AlarmFieldName>['sort'] = [{ key: 'alarm_id', descending: false }];
const BY_EVENT: ComplexQuery<HistoryFieldName>['sort'] = [{ key: 'event_id', descending: false }];

/** The results of complex queries that every database must give. */
export function complexQueryContract(open: () => Promise<Database>): void {
  let db: Database;
  let queries: ComplexQueryStore;
  let storedAlarms: StoredAlarm[];
  let storedEntries: HistoryEntry[];

  beforeAll(async () => {
    db = await open();
    queries = createComplexQueryStore(db, TEST_SEALER);
    const store = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
    const create = (alarm: StoredAlarm): Promise<unknown> =>
      store.create({ alarm, memberProject: null, entry: anEntry({ eventId: randomUUID(), alarmId: alarm.id }) });
    for (const alarm of fc.sample(alarms, { numRuns: ROWS + 1, seed: 1 })) await create(alarm);
    const [gone] = await all(queries.alarms(ALL, { sort: BY_ID, limit: 1 }));
    await store.remove(ALL, gone!.id, removedAt(NOON));
    for (const entry of fc.sample(entries, { numRuns: ROWS, seed: 3 })) await appendHistory(db, entry, TEST_SEALER);
    await db.query('update partitions set last_evaluated_at = $1::timestamptz where id < 128', [
      new Date(NOON.getTime() + 90_000),
    ]);
    storedAlarms = await all(queries.alarms(ALL, { sort: BY_ID }));
    storedEntries = await all(queries.history(ALL, { sort: BY_EVENT }));
  });
  afterAll(() => db.close());

  test('all rows are found except deleted alarms', () => {
    expect(storedAlarms).toHaveLength(ROWS);
    expect(storedEntries).toHaveLength(2 * ROWS + 2);
  });

  test('the database finds the alarms for which a filter holds in memory', async () => {
    const property = fc.asyncProperty(filters(ALARM_FIELDS, storedAlarms), async (filter) => {
      const found = await all(queries.alarms(ALL, { filter, sort: BY_ID }));
      const expected = storedAlarms.filter((alarm) => matchesFilter(filter, ALARM_FIELDS, alarm) === true);
      expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  test('texts are compared by code point, independent of the locale of the database', async () => {
    for (const value of ['B', 'a', 'b', 'é', '\uffee', '🚨']) {
      const filter: ComplexFilter<AlarmFieldName> = { kind: 'compare', field: 'name', operator: '<', value };
      const found = await all(queries.alarms(ALL, { filter, sort: BY_ID }));
      const expected = storedAlarms.filter(({ name }) => Buffer.compare(Buffer.from(name), Buffer.from(value)) < 0);
      expect(found.map(({ name }) => name)).toEqual(expected.map(({ name }) => name));
    }
  });

  test('the database finds the history for which a filter holds in memory', async () => {
    const property = fc.asyncProperty(filters(HISTORY_FIELDS, storedEntries), async (filter) => {
      const found = await all(queries.history(ALL, { filter, sort: BY_EVENT }));
      const expected = storedEntries.filter((entry) => matchesFilter(filter, HISTORY_FIELDS, entry) === true);
      expect(found.map(({ eventId }) => eventId)).toEqual(expected.map(({ eventId }) => eventId));
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  test('small pages of alarms in any order are together the whole answer, up to its limit', async () => {
    const small = createComplexQueryStore(db, TEST_SEALER, { pageSize: 3 });
    const limits = fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined });
    const queried = fc.record({
      filter: filters(ALARM_FIELDS, storedAlarms),
      sort: orders(ALARM_FIELDS, 'alarm_id'),
      limit: limits,
    });
    const property = fc.asyncProperty(queried, async ({ filter, sort, limit }) => {
      const whole = await all(queries.alarms(ALL, { filter, sort }));
      const paged = await all(small.alarms(ALL, { filter, sort, limit }));
      expect(paged.map(({ id }) => id)).toEqual(whole.slice(0, limit).map(({ id }) => id));
    });
    await fc.assert(property, { numRuns: RUNS / 3 });
  });

  test('small pages of history in any order are together the whole answer', async () => {
    const small = createComplexQueryStore(db, TEST_SEALER, { pageSize: 3 });
    const queried = fc.record({
      filter: filters(HISTORY_FIELDS, storedEntries),
      sort: orders(HISTORY_FIELDS, 'event_id'),
    });
    const property = fc.asyncProperty(queried, async (query) => {
      const whole = await all(queries.history(ALL, query));
      const paged = await all(small.history(ALL, query));
      expect(paged.map(({ eventId }) => eventId)).toEqual(whole.map(({ eventId }) => eventId));
    });
    await fc.assert(property, { numRuns: RUNS / 3 });
  });

  test('a project finds only its own rows with any filter', async () => {
    const own: Scope = { projectId: 'p1' };
    const asked = fc.record({
      ofAlarms: filters(ALARM_FIELDS, storedAlarms),
      ofHistory: filters(HISTORY_FIELDS, storedEntries),
    });
    const property = fc.asyncProperty(asked, async ({ ofAlarms, ofHistory }) => {
      const found = await all(queries.alarms(own, { filter: ofAlarms, sort: BY_ID }));
      expect(found.filter(({ projectId }) => projectId !== 'p1')).toEqual([]);
      const past = await all(queries.history(own, { filter: ofHistory, sort: BY_EVENT }));
      expect(past.filter(({ onBehalfOf }) => onBehalfOf !== 'p1')).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS / 3 });
  });

  test('null is neither equal nor unequal to a value, also under not', async () => {
    const count = async (filter: ComplexFilter<HistoryFieldName>): Promise<number> =>
      (await all(queries.history(ALL, { filter, sort: BY_EVENT }))).length;
    const equal = { kind: 'compare', field: 'severity', operator: '=', value: 'low' } as const;
    const withSeverity = storedEntries.filter((entry) => entry.severity !== null).length;
    expect(withSeverity).toBeLessThan(storedEntries.length);
    expect((await count(equal)) + (await count({ ...equal, operator: '!=' }))).toBe(withSeverity);
    expect((await count(equal)) + (await count({ kind: 'not', member: equal }))).toBe(withSeverity);
  });

  test('a pattern never reaches the database', async () => {
    const seen: string[] = [];
    const spy =
      (sql: Sql): Sql['query'] =>
      (text, parameters, options) => {
        seen.push(text, String(parameters));
        return sql.query(text, parameters, options);
      };
    const spied: Database = {
      ...db,
      query: spy(db),
      transaction: (work) => db.transaction((tx) => work({ query: spy(tx) })),
    };
    const secret: Pattern = { source: 'secret-pattern', test: () => false };
    const filter: ComplexFilter<AlarmFieldName> = {
      kind: 'not',
      member: { kind: 'matches', field: 'name', pattern: secret },
    };
    expect(await all(createComplexQueryStore(spied, TEST_SEALER).alarms(ALL, { filter, sort: BY_ID }))).toHaveLength(
      ROWS,
    );
    expect(seen).not.toEqual([]);
    expect(seen.join()).not.toContain('secret-pattern');
  });
}
