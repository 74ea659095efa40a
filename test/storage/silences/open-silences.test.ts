import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { MatchedAlarm } from '../../../src/alarm/silence/matchers.js';
import type { Silence } from '../../../src/alarm/silence/silence.js';
import type { Database, Sql } from '../../../src/storage/database.js';
import { OpenSilences } from '../../../src/storage/silences/open-silences.js';
import { createSilenceStore } from '../../../src/storage/silences/silence-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { aSilence, storeSilence } from '../../support/stored-silences.js';

describe('silences that one process reads again and again, on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('silences that one process reads again and again, on PostgreSQL', () => contract(serverDatabase));

const WEB: MatchedAlarm = { id: 'a', projectId: 'p', name: 'web', type: 'threshold', severity: 'low' };
const BY = { userId: 'u', projectId: 'p', at: NOON };
const ALL = { all: true } as const;
const later = (hours: number): Date => new Date(NOON.getTime() + hours * 3_600_000);

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let silences: OpenSilences;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    silences = new OpenSilences();
  });
  afterAll(() => db.close());

  const held = async (sql: Sql = db, at = NOON): Promise<string[]> =>
    ((await silences.allHolding(sql, [WEB], at)).get('a') ?? []).map(({ id }) => id);
  const change = async (fields: Partial<Silence>, id = 's'): Promise<void> => {
    const changed = Object.keys(fields);
    await createSilenceStore(db).replace(ALL, id, (current) => ({ next: { ...current, ...fields }, changed }), BY);
  };

  test.each<[string, () => Promise<unknown>, string[]]>([
    ['is edited to match another alarm', () => change({ matchers: [{ field: 'name', value: 'db' }] }), []],
    ['is edited to hold another project', () => change({ projects: ['q'] }), []],
    ['is edited to begin later', () => change({ startsAt: later(0.5) }), []],
    ['is ended', () => createSilenceStore(db).end(ALL, 's', () => undefined, BY), []],
    ['is deleted', () => db.query('delete from silences'), []],
    ['gets another reason', () => change({ reason: 'longer' }), ['s']],
    [
      'gets a second one beside it',
      () => storeSilence(db, aSilence(NOON, { id: 't', createdAt: later(1) })),
      ['s', 't'],
    ],
  ])('a silence that %s is seen so at the next read', async (_, act, expected) => {
    await storeSilence(db, aSilence(NOON));
    expect(await held()).toEqual(['s']);
    await act();
    expect(await held()).toEqual(expected);
  });

  test('silences of one project, of several and of all are seen as by a new reader, whatever is changed', async () => {
    const alarms = ['p', 'q', 'r', null].map((projectId, index) => ({ ...WEB, id: `a${index}`, projectId }));
    const seenBy = async (reader: OpenSilences, at: Date): Promise<[string, string[]][]> =>
      [...(await reader.allHolding(db, alarms, at))].map(([id, found]) => [id, found.map((one) => one.id)]);
    const step = fc.record({
      id: fc.constantFrom('s1', 's2', 's3', 's4'),
      projects: fc.constantFrom(['p'], ['q'], ['p', 'q'], ['q', 'r'], ['*']),
      createdHoursAgo: fc.constantFrom(1, 2, 3),
      endsInHours: fc.constantFrom(0.5, 1, 2),
      at: fc.constantFrom(0, 0.7, 1.5),
      act: fc.constantFrom('store', 'delete', 'edit'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        await empty(db);
        for (const { id, projects, createdHoursAgo, endsInHours, at, act } of steps) {
          const endsAt = later(endsInHours);
          if (act === 'edit') await change({ projects, endsAt }, id);
          else await db.query('delete from silences where id = $1', [id]);
          const createdAt = later(-createdHoursAgo);
          if (act === 'store') await storeSilence(db, aSilence(NOON, { id, projects, endsAt, createdAt }));
          expect(await seenBy(silences, later(at))).toEqual(await seenBy(new OpenSilences(), later(at)));
        }
      }),
      { numRuns: 20 },
    );
  });

  test('a silence that recurs holds in its openings only, also if it was read in one', async () => {
    const recurrence = { cron: '0 12 * * *', durationS: 600, timezone: 'UTC' };
    await storeSilence(db, aSilence(NOON, { endsAt: null, recurrence }));
    expect(await held()).toEqual(['s']);
    expect(await held(db, later(1))).toEqual([]);
    expect(await held(db, later(24))).toEqual(['s']);
  });

  test('a silence that was read is not read again before it changes', async () => {
    await storeSilence(db, aSilence(NOON));
    const texts: string[] = [];
    const sql: Sql = { query: (text, ...rest) => (texts.push(text), db.query(text, ...rest)) };
    for (const _ of [1, 2, 3]) await held(sql);
    const readings = texts.filter((text) => text.includes('s.matchers'));
    expect(readings).toHaveLength(1);
    await change({ reason: 'longer' });
    await held(sql);
    expect(texts.filter((text) => text.includes('s.matchers'))).toHaveLength(2);
  });
}
