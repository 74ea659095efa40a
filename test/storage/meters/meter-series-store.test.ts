import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { MeterQuery } from '../../../src/alarm/series.js';
import type { Database } from '../../../src/storage/database.js';
import { createMeterSeriesStore } from '../../../src/storage/meters/meter-series-store.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeSample } from '../../support/stored-alarms.js';

const START = new Date('2026-01-01T12:00:00Z');
const END = new Date('2026-01-01T12:04:00Z');
const after = (seconds: number): Date => new Date(START.getTime() + seconds * 1000);

function statistics(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
    const metering = { metering: { stack: 's1' }, 'dotted.key': 'd', port: 80, up: true };
    await storeSample(db, 'cpu', { volume: 10, at: after(0), resource: 'r1', metadata: metering });
    await storeSample(db, 'cpu', { volume: 30, at: after(59.999), resource: 'r2' });
    await storeSample(db, 'cpu', { volume: 50, at: after(60), resource: 'r1', project: 'q' });
    await storeSample(db, 'cpu', { volume: 70, at: after(-0.001) });
    await storeSample(db, 'cpu', { volume: 90, at: END });
    await storeSample(db, 'mem', { volume: 1, at: after(200) });
  });
  afterAll(() => db.close());

  const ask = async (...given: Omit<MeterQuery, 'project'>[]) => {
    const queries = given.map((query): MeterQuery => ({ project: null, ...query }));
    const rows = await createMeterSeriesStore(db).statistics({ start: START, end: END, granularityS: 60 }, queries);
    return rows.sort((a, b) => a.queryIndex - b.queryIndex || a.period - b.period);
  };

  test.each([1, 2, 3])('do not depend on the number of samples that a statement reads: %d', async (samplesAtOnce) => {
    const window = { start: after(-1), end: after(241), granularityS: 60 };
    const query: MeterQuery = { project: null, meter: 'cpu' };
    const inPieces = await createMeterSeriesStore(db, { samplesAtOnce }).statistics(window, [query]);
    const whole = await createMeterSeriesStore(db).statistics(window, [query]);
    expect(inPieces).toHaveLength(3);
    expect(inPieces).toEqual(expect.arrayContaining(whole));
  });

  test(
    'are returned by query and period; the window includes its ' + 'start, not its end, and empty periods are absent',
    async () => {
      expect(await ask({ meter: 'cpu' }, { meter: 'mem' }, { meter: 'none' })).toEqual([
        { queryIndex: 0, period: 0, count: 2, min: 10, max: 30, avg: 20, sum: 40 },
        { queryIndex: 0, period: 1, count: 1, min: 50, max: 50, avg: 50, sum: 50 },
        { queryIndex: 1, period: 3, count: 1, min: 1, max: 1, avg: 1, sum: 1 },
      ]);
    },
  );

  describe('of huge volumes', () => {
    const MAX = Number.MAX_VALUE;
    test.each<[what: string, volumes: number[], sum: number, avg: number]>([
      ['a sum beyond all floats is infinite, a mean is not', [MAX, MAX, 1], Infinity, (MAX / 3) * 2],
      ['the same downwards', [-MAX, -MAX], -Infinity, -MAX],
      ['those that cancel each other out leave the small ones', [1e300, -1e300, 5, 1], 6, 1.5],
      ['one alone is itself', [MAX], MAX, MAX],
      ['squares beyond all floats hinder nothing', [1e200, -3e200], -2e200, -1e200],
      [
        'huge ones are summed exactly',
        [2 ** 1000, 2 ** 1000, 2 ** 900],
        2 ** 1001 + 2 ** 900,
        (2 ** 1001 + 2 ** 900) / 3,
      ],
      ['tiny ones keep their sum', [5e-324, 5e-324], 1e-323, 5e-324],
    ])('%s', async (what, volumes, sum, avg) => {
      for (const volume of volumes) await storeSample(db, what, { volume, at: after(1) });
      await storeSample(db, `beside ${what}`, { volume: 3, at: after(1) });
      const rows = await ask({ meter: what }, { meter: `beside ${what}` });
      const [min, max] = [Math.min(...volumes), Math.max(...volumes)];
      expect(rows).toEqual([
        { queryIndex: 0, period: 0, count: volumes.length, min, max, avg, sum },
        { queryIndex: 1, period: 0, count: 1, min: 3, max: 3, avg: 3, sum: 3 },
      ]);
    });
  });

  test.each([
    { by: 'resource', query: { resourceId: 'r1' }, sums: [10, 50] },
    { by: 'project', query: { projectId: 'q' }, sums: [50] },
    { by: 'scope', query: { project: 'q' }, sums: [50] },
    {
      by: 'scope, and by nothing that a condition on another project says',
      query: { project: 'p', projectId: 'q' },
      sums: [],
    },
    { by: 'scope and the same project', query: { project: 'q', projectId: 'q' }, sums: [50] },
    { by: 'scope and resource', query: { project: 'p', resourceId: 'r1' }, sums: [10] },
    { by: 'a scope that no sample has', query: { project: '' }, sums: [] },
    { by: 'project and resource', query: { projectId: 'p', resourceId: 'r1' }, sums: [10] },
    { by: 'user', query: { userId: 'nobody' }, sums: [] },
    { by: 'source', query: { source: 'test' }, sums: [40, 50] },
    { by: 'nested metadata', query: { metadata: { 'metering.stack': 's1' } }, sums: [10] },
    { by: 'metadata with a dot in its key', query: { metadata: { 'dotted.key': 'd' } }, sums: [10] },
    { by: 'a number and a boolean in metadata', query: { metadata: { port: '80', up: 'true' } }, sums: [10] },
    { by: 'metadata that no sample has', query: { metadata: { 'metering.stack': 's1', missing: 'x' } }, sums: [] },
  ])('narrow by $by', async ({ query, sums }) => {
    expect((await ask({ meter: 'cpu', ...query })).map(({ sum }) => sum)).toEqual(sums);
  });

  test('are not read for a project and for all projects by one statement, in any order', async () => {
    const scoped = { meter: 'cpu', project: 'p' };
    const message = 'a statement has queries of one project and queries of all projects';
    await expect(ask({ meter: 'cpu' }, scoped)).rejects.toThrow(message);
    await expect(ask(scoped, { meter: 'cpu' })).rejects.toThrow(message);
  });
}

describe('statistics on PGlite', () => {
  statistics(embeddedDatabase);
});
describeWithPostgres('statistics on PostgreSQL', () => {
  statistics(serverDatabase);
});
