import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Database } from '../../src/storage/database.js';
import type { SampleFilter } from '../../src/storage/meters/sample-filter.js';
import { createSampleStore, type Sample, type SampleStore } from '../../src/storage/meters/sample-store.js';
import type { Scope } from '../../src/storage/scope.js';
import {
  createStatisticsStore,
  type GroupField,
  type StatisticsQuery,
  type StatisticsStore,
} from '../../src/storage/meters/statistics-store.js';
import { NOON } from '../support/builders.js';
import { empty } from '../support/databases.js';
import { allOf } from '../support/pages.js';

const ALL: Scope = { all: true };
const second = (n: number): Date => new Date(NOON.getTime() + n * 1000);

export function aSample(given: Partial<Sample> = {}): Sample {
  return {
    messageId: 'm1',
    meter: 'cpu',
    type: 'gauge',
    unit: '%',
    volume: 50,
    resourceId: 'r1',
    projectId: 'p1',
    userId: 'u1',
    source: 'openstack',
    timestamp: NOON,
    recordedAt: NOON,
    resourceMetadata: {},
    ...given,
  };
}

async function* oneByOne(batches: readonly Sample[][]): AsyncIterable<readonly Sample[]> {
  for (const batch of batches) yield await Promise.resolve(batch);
}

/** The behaviour of samples that every database must have. */
export function sampleStoreContract(open: () => Promise<Database>): void {
  let db: Database;
  let samples: SampleStore;
  let figures: StatisticsStore;

  beforeAll(async () => {
    db = await open();
    samples = createSampleStore(db);
    figures = createStatisticsStore(db);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  /** Stores batches of samples, one after the other. */
  const append = (...batches: readonly Sample[][]): Promise<void> => samples.append(oneByOne(batches));
  const volumes = async (filter: SampleFilter, scope: Scope = ALL): Promise<number[]> =>
    (await allOf(samples.list(scope, 'cpu', filter))).map(({ volume }) => volume);

  describe('samples', () => {
    test('are read back as they were written, newest first', async () => {
      const first = aSample({ messageId: 'm1', userId: null, resourceMetadata: { a: { b: 'é "q" \\ {1}' }, n: 1.5 } });
      const last = aSample({ messageId: 'm2', projectId: null, timestamp: second(0.25), volume: -1.5e-7 });
      await append([first, last]);
      expect(await allOf(samples.list(ALL, 'cpu', {}))).toEqual([last, first]);
    });

    test('ten thousand are stored with one call', async () => {
      const many = Array.from({ length: 10_000 }, (_, n) =>
        aSample({ messageId: `m${n}`, resourceId: `r${n % 50}`, volume: n }),
      );
      await append(many);
      const { rows } = await db.query<{ count: number }>('select count(*) as count from samples');
      expect(rows).toEqual([{ count: 10_000 }]);
      expect(await allOf(samples.meters(ALL, {}))).toHaveLength(50);
    });

    test('none is stored when one cannot be', async () => {
      const bad = aSample({ messageId: 'm2', resourceMetadata: { text: '\u0000' } });
      await expect(append([aSample(), bad])).rejects.toThrow();
      expect(await allOf(samples.list(ALL, 'cpu', {}))).toEqual([]);
      expect(await allOf(samples.meters(ALL, {}))).toEqual([]);
    });

    test('PostgreSQL stores all batches of samples or none, the embedded database those before a bad one', async () => {
      const bad = aSample({ messageId: 'm2', resourceMetadata: { text: '\u0000' } });
      await expect(append([aSample()], [bad])).rejects.toThrow();
      expect(await allOf(samples.list(ALL, 'cpu', {}))).toEqual(db.kind === 'postgres' ? [] : [aSample()]);
      expect(await allOf(samples.meters(ALL, {}))).toHaveLength(db.kind === 'postgres' ? 0 : 1);
    });

    test('of several batches give one resource with its whole span', async () => {
      const batch = (from: number, resource: string): Sample[] =>
        [from, from + 1].map((n) => aSample({ resourceId: resource, timestamp: second(n), messageId: `m${n}` }));
      await append(batch(3, 'r1'), batch(1, 'r1'), batch(5, 'r2'));
      expect(await allOf(samples.list(ALL, 'cpu', {}))).toHaveLength(6);
      expect(await allOf(samples.resources(ALL, {}))).toMatchObject([
        { resourceId: 'r1', firstSampleAt: second(1), lastSampleAt: second(4) },
        { resourceId: 'r2', firstSampleAt: second(5), lastSampleAt: second(6) },
      ]);
    });

    test('an empty list stores nothing', async () => {
      await append([]);
      expect(await allOf(samples.list(ALL, 'cpu', {}))).toEqual([]);
    });

    test('writers of the same resources in different orders do not deadlock', async () => {
      const resources = Array.from({ length: 40 }, (_, n) => `r${n}`);
      const batch = (names: string[]): Sample[] => names.map((resourceId) => aSample({ resourceId }));
      await Promise.all(
        [1, 2, 3, 4].flatMap(() => [
          append(batch(resources)),
          append(batch([...resources].reverse())),
          append(batch(resources.slice(20)), batch(resources.slice(0, 20))),
        ]),
      );
      expect(await allOf(samples.resources(ALL, {}))).toHaveLength(40);
    });

    test.each<{ filter: SampleFilter; expected: number[] }>([
      { filter: {}, expected: [3, 2, 1] },
      { filter: { resourceId: 'r2' }, expected: [2] },
      { filter: { userId: 'u9' }, expected: [3] },
      { filter: { projectId: 'p2' }, expected: [3] },
      { filter: { source: 'mine', messageId: 'm2' }, expected: [2] },
      { filter: { metadata: [{ path: 'flavor.name', value: 'small' }] }, expected: [1] },
      { filter: { metadata: [{ path: 'cores', value: '4' }] }, expected: [2] },
      { filter: { metadata: [{ path: 'spot', value: 'true' }] }, expected: [3] },
      {
        filter: {
          timestamps: [
            { op: 'gt', at: second(1) },
            { op: 'le', at: second(2) },
          ],
        },
        expected: [2],
      },
      { filter: { timestamps: [{ op: 'eq', at: second(3) }] }, expected: [3] },
    ])('the filter $filter finds the volumes $expected', async ({ filter, expected }) => {
      await append([
        aSample({ volume: 1, timestamp: second(1), resourceMetadata: { flavor: { name: 'small' } } }),
        aSample({
          volume: 2,
          timestamp: second(2),
          messageId: 'm2',
          resourceId: 'r2',
          source: 'mine',
          resourceMetadata: { cores: 4 },
        }),
        aSample({ volume: 3, timestamp: second(3), projectId: 'p2', userId: 'u9', resourceMetadata: { spot: true } }),
      ]);
      expect(await volumes(filter)).toEqual(expected);
    });

    test(
      'of other projects, and without a project, are not in a ' + 'project’s scope, with or without a filter',
      async () => {
        await append([
          aSample({ volume: 1 }),
          aSample({ volume: 2, projectId: 'p2' }),
          aSample({ volume: 3, projectId: null }),
        ]);
        expect(await volumes({}, { projectId: 'p1' })).toEqual([1]);
        expect(await volumes({ projectId: 'p2' }, { projectId: 'p1' })).toEqual([]);
        expect(await allOf(samples.meters({ projectId: 'p2' }, {}))).toMatchObject([{ projectId: 'p2' }]);
        expect(await allOf(samples.resources({ projectId: 'p2' }, {}))).toMatchObject([{ projectId: 'p2' }]);
        const asked = { meter: 'cpu', filter: {}, periodS: 0, groupBy: [] };
        expect(await allOf(figures.statistics({ projectId: 'p1' }, asked))).toMatchObject([{ count: 1, sum: 1 }]);
      },
    );
  });

  describe('meters and resources', () => {
    test('a resource has its meters, its span and the data of its latest sample', async () => {
      await append([aSample({ timestamp: second(5), resourceMetadata: { state: 'new' }, userId: 'u2' })]);
      await append([aSample({ timestamp: second(1), resourceMetadata: { state: 'old' } })]);
      await append([aSample({ meter: 'memory', unit: 'MB', type: 'cumulative', timestamp: second(2) })]);
      expect(await allOf(samples.resources(ALL, {}))).toEqual([
        {
          resourceId: 'r1',
          projectId: 'p1',
          userId: 'u2',
          source: 'openstack',
          firstSampleAt: second(1),
          lastSampleAt: second(5),
          metadata: { state: 'new' },
          meters: ['cpu', 'memory'],
        },
      ]);
      expect(await allOf(samples.meters(ALL, {}))).toMatchObject([
        { name: 'cpu', type: 'gauge', unit: '%' },
        { name: 'memory', type: 'cumulative', unit: 'MB' },
      ]);
    });
  });

  describe('statistics', () => {
    const ask = (asked: Partial<StatisticsQuery>) =>
      allOf(figures.statistics(ALL, { meter: 'cpu', filter: {}, periodS: 0, groupBy: [], ...asked }));

    test('sum up everything without a period', async () => {
      await append([2, 4, 4, 4, 5, 5, 7, 9].map((volume, n) => aSample({ volume, timestamp: second(n) })));
      expect(await ask({})).toEqual([
        {
          group: {},
          unit: '%',
          count: 8,
          min: 2,
          max: 9,
          avg: 5,
          sum: 40,
          stddev: 2,
          firstAt: second(0),
          lastAt: second(7),
          periodStart: second(0),
          periodEnd: second(7),
        },
      ]);
    });

    test(
      'of volumes whose sum overflows do not fail: the sum is ' + 'infinite, and mean and deviation are finite',
      async () => {
        const volumes = [Number.MAX_VALUE, Number.MAX_VALUE, 0, 0];
        await append(volumes.map((volume, n) => aSample({ volume, timestamp: second(n) })));
        const half = Number.MAX_VALUE / 2;
        expect(await ask({})).toMatchObject([
          { count: 4, max: Number.MAX_VALUE, sum: Infinity, avg: half, stddev: half },
        ]);
        await append([1, 3].map((volume) => aSample({ meter: 'small', volume, timestamp: second(1) })));
        expect(await ask({ meter: 'small' })).toMatchObject([{ sum: 4, avg: 2, stddev: 1 }]);
      },
    );

    test('of no samples are empty', async () => {
      expect(await ask({})).toEqual([]);
      expect(await ask({ periodS: 60 })).toEqual([]);
    });

    test('periods are half-open, aligned to the first sample, and empty ones are absent', async () => {
      await append([0, 9.999, 10, 35].map((at) => aSample({ timestamp: second(at) })));
      expect(
        (await ask({ periodS: 10 })).map(({ count, periodStart, periodEnd }) => ({ count, periodStart, periodEnd })),
      ).toEqual([
        { count: 2, periodStart: second(0), periodEnd: second(10) },
        { count: 1, periodStart: second(10), periodEnd: second(20) },
        { count: 1, periodStart: second(30), periodEnd: second(40) },
      ]);
    });

    test('periods are aligned to the requested start', async () => {
      await append([3, 12].map((at) => aSample({ timestamp: second(at) })));
      const found = await ask({ periodS: 10, alignedTo: second(-5) });
      expect(found.map(({ periodStart }) => periodStart)).toEqual([second(-5), second(5)]);
    });

    test('groups are told apart in every period', async () => {
      await append([
        aSample({ resourceId: 'r1', volume: 1 }),
        aSample({ resourceId: 'r2', volume: 2 }),
        aSample({ resourceId: 'r1', volume: 3, timestamp: second(15), projectId: null }),
      ]);
      const found = await ask({ periodS: 10, groupBy: ['resource_id', 'project_id'] });
      expect(found.map(({ group, sum }) => ({ group, sum }))).toEqual([
        { group: { resource_id: 'r1', project_id: 'p1' }, sum: 1 },
        { group: { resource_id: 'r2', project_id: 'p1' }, sum: 2 },
        { group: { resource_id: 'r1', project_id: null }, sum: 3 },
      ]);
    });

    test('do not depend on how many samples a statement reads', async () => {
      const volume = fc.oneof(
        { weight: 5, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 1e150, -1e150, 1e100) },
      );
      const samples = fc.array(fc.record({ volume, at: fc.nat(30), resource: fc.nat(2), unit: fc.nat(1) }), {
        minLength: 1,
        maxLength: 25,
      });
      const asked = fc.record({
        periodS: fc.constantFrom(0, 7),
        groupBy: fc.subarray<GroupField>(['resource_id', 'source']),
      });
      const inSlices = createStatisticsStore(db, { sliceRows: 3 });
      await fc.assert(
        fc.asyncProperty(samples, asked, async (given, { periodS, groupBy }) => {
          await empty(db);
          const all = given.map((each) =>
            aSample({
              volume: each.volume,
              timestamp: second(each.at),
              resourceId: `r${each.resource}`,
              unit: `u${each.unit}`,
            }),
          );
          await append(all);
          const query = { meter: 'cpu', filter: {}, periodS, groupBy };
          const whole = await allOf(figures.statistics(ALL, query));
          const parts = await allOf(inSlices.statistics(ALL, query));
          expect(parts.map(({ sum, avg, stddev, ...exact }) => exact)).toEqual(
            whole.map(({ sum, avg, stddev, ...exact }) => exact),
          );
          for (const [index, part] of parts.entries()) {
            for (const figure of ['sum', 'avg', 'stddev'] as const) {
              const expected = whole[index]?.[figure] ?? NaN;
              const scale = Math.max(1, ...given.map((each) => Math.abs(each.volume)));
              expect(Math.abs(part[figure] / scale - expected / scale)).toBeLessThan(1e-6);
            }
          }
        }),
        { numRuns: 40 },
      );
    });

    test('with too many results are refused before the first one', async () => {
      await append([0, 10, 20].map((at) => aSample({ timestamp: second(at) })));
      const query = { meter: 'cpu', filter: {}, periodS: 10, groupBy: [] };
      const most = (maxResults: number) => allOf(createStatisticsStore(db, { maxResults }).statistics(ALL, query));
      expect(await most(3)).toHaveLength(3);
      await expect(most(2)).rejects.toMatchObject({ code: 'invalid_request' });
    });
  });
}
