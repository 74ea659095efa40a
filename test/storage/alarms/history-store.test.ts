import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import {
  appendHistory,
  createHistoryStore,
  type HistoryEntry,
  type HistoryFilter,
  type HistoryQuery,
  type HistoryStore,
} from '../../../src/storage/alarms/history-store.js';
import { anEntry } from '../../contract/alarm-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { allOf } from '../../support/pages.js';
import { TEST_SEALER } from '../../support/sealer.js';

const NEWEST_FIRST: HistoryQuery['sort'] = [
  { key: 'timestamp', descending: true },
  { key: 'event_id', descending: true },
];
const minute = (n: number): Date => new Date(NOON.getTime() + n * 60_000);

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let history: HistoryStore;

  beforeAll(async () => {
    db = await open();
    history = createHistoryStore(db, TEST_SEALER);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await empty(db);
    await appendHistory(db, anEntry({ eventId: 'e1', timestamp: minute(0) }), TEST_SEALER);
    await appendHistory(
      db,
      anEntry({ eventId: 'e2', type: 'rule change', severity: 'critical', timestamp: minute(1) }),
      TEST_SEALER,
    );
    await appendHistory(
      db,
      anEntry({ eventId: 'e3', type: 'rule change', severity: null, userId: null, timestamp: minute(1) }),
      TEST_SEALER,
    );
    const moved = {
      onBehalfOf: 'p2',
      projectId: 'p2',
      timestamp: minute(2),
      stateVersion: 1,
      previousState: 'ok',
    } as const;
    await appendHistory(db, anEntry({ eventId: 'e4', type: 'state transition', ...moved }), TEST_SEALER);
    await appendHistory(db, anEntry({ eventId: 'f1', alarmId: 'a2' }), TEST_SEALER);
  });

  const ids = async (filter: HistoryFilter, more: Partial<HistoryQuery> = {}): Promise<string[]> => {
    const found = await allOf(history.list({ all: true }, 'a1', { filter, sort: NEWEST_FIRST, ...more }));
    return found.map(({ eventId }) => eventId);
  };

  test('an entry is read back as it was written', async () => {
    const [last] = await allOf(history.list({ all: true }, 'a1', { filter: {}, sort: NEWEST_FIRST, limit: 1 }));
    expect(last).toEqual(
      anEntry({
        eventId: 'e4',
        type: 'state transition',
        onBehalfOf: 'p2',
        projectId: 'p2',
        timestamp: minute(2),
        stateVersion: 1,
        previousState: 'ok',
      }),
    );
  });

  test('a project reads only the entries from the time when the alarm was its own', async () => {
    const seenBy = async (projectId: string): Promise<string[]> => {
      const found = await allOf(history.list({ projectId }, 'a1', { filter: {}, sort: NEWEST_FIRST }));
      return found.map(({ eventId }) => eventId);
    };
    expect(await seenBy('p1')).toEqual(['e3', 'e2', 'e1']);
    expect(await seenBy('p2')).toEqual(['e4']);
    expect(await seenBy('p3')).toEqual([]);
  });

  test.each<{ filter: HistoryFilter; expected: string[] }>([
    { filter: {}, expected: ['e4', 'e3', 'e2', 'e1'] },
    { filter: { type: 'rule change' }, expected: ['e3', 'e2'] },
    { filter: { severity: 'critical' }, expected: ['e2'] },
    { filter: { projectId: 'p2' }, expected: ['e4'] },
    { filter: { userId: 'u1' }, expected: ['e4', 'e2', 'e1'] },
    { filter: { timestamps: [{ op: 'gt', at: minute(1) }] }, expected: ['e4'] },
    {
      filter: {
        timestamps: [
          { op: 'ge', at: minute(1) },
          { op: 'lt', at: minute(2) },
        ],
      },
      expected: ['e3', 'e2'],
    },
    { filter: { timestamps: [{ op: 'le', at: minute(0) }] }, expected: ['e1'] },
  ])('the filter $filter finds $expected', async ({ filter, expected }) => {
    expect(await ids(filter)).toEqual(expected);
  });

  test.each(['timestamp', 'type', 'severity', 'user_id', 'project_id', 'on_behalf_of'] as const)(
    'pages by %s are together the whole list',
    async (key) => {
      const sort: HistoryQuery['sort'] = [
        { key, descending: true },
        { key: 'event_id', descending: false },
      ];
      const paged: string[] = [];
      for (let after: HistoryEntry | undefined; ;) {
        const page = await allOf(history.list({ all: true }, 'a1', { filter: {}, sort, limit: 1, after }));
        paged.push(...page.map(({ eventId }) => eventId));
        after = page.at(-1);
        if (!after) break;
      }
      expect(paged).toEqual(await ids({}, { sort }));
    },
  );

  test('one version of the state has one transition', async () => {
    const again = anEntry({ eventId: 'e5', type: 'state transition', stateVersion: 1 });
    await expect(appendHistory(db, again, TEST_SEALER)).rejects.toMatchObject({ code: '23505' });
  });
}

describe('history in PGlite', () => contract(embeddedDatabase));
describeWithPostgres('history in PostgreSQL', () => contract(serverDatabase));
