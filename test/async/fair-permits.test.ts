import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { FairPermits, type PermitLimits } from '../../src/async/fair-permits.js';
import { FakeClock } from '../support/fake-clock.js';

interface Piece {
  owner: string;
  end: () => void;
}

/** Starts a piece of work for each owner named, and tells which have begun and which ended, in order. */
function started(limits: PermitLimits, owners: readonly string[]) {
  const permits = new FairPermits(limits);
  const begun: string[] = [];
  const running: Piece[] = [];
  const all = owners.map((owner, index) =>
    permits.run(owner, () => {
      begun.push(`${owner}${index}`);
      return new Promise<void>((end) => running.push({ owner, end }));
    }),
  );
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  const endFirst = async (): Promise<void> => {
    running.shift()?.end();
    await settled();
  };
  return { begun, running, all, settled, endFirst };
}

describe('work that waits for a permit', () => {
  test('owners take turns, however much work one of them has', async () => {
    const { begun, settled, endFirst } = started({ inAll: 1, perOwner: 1 }, ['a', 'a', 'a', 'b', 'a', 'c', 'b']);
    await settled();
    for (let count = 0; count < 6; count += 1) await endFirst();
    expect(begun).toEqual(['a0', 'a1', 'b3', 'c5', 'a2', 'b6', 'a4']);
  });

  test('one owner leaves permits for others', async () => {
    const { begun, settled } = started({ inAll: 4, perOwner: 2 }, ['a', 'a', 'a', 'a', 'b', 'c']);
    await settled();
    expect(begun).toEqual(['a0', 'a1', 'b4', 'c5']);
  });

  test('work that fails gives its permit back', async () => {
    const permits = new FairPermits({ inAll: 1, perOwner: 1 });
    await expect(permits.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await permits.run('a', () => Promise.resolve(1))).toBe(1);
  });

  test('all of it runs in the end, never more than allowed, and of each owner in order', async () => {
    const owner = fc.constantFrom('a', 'b', 'c');
    const limits = fc.record({ inAll: fc.integer({ min: 1, max: 4 }), perOwner: fc.integer({ min: 1, max: 3 }) });
    await fc.assert(
      fc.asyncProperty(limits, fc.array(owner, { maxLength: 20 }), async (allowed, owners) => {
        const { begun, running, all, settled, endFirst } = started(allowed, owners);
        await settled();
        while (running.length > 0) {
          expect(running.length).toBeLessThanOrEqual(allowed.inAll);
          for (const each of ['a', 'b', 'c'])
            expect(running.filter((piece) => piece.owner === each).length).toBeLessThanOrEqual(allowed.perOwner);
          await endFirst();
        }
        await Promise.all(all);
        for (const each of ['a', 'b', 'c']) {
          const order = begun.filter((piece) => piece.startsWith(each)).map((piece) => Number(piece.slice(1)));
          expect(order).toEqual([...order].sort((one, other) => one - other));
        }
        expect(begun).toHaveLength(owners.length);
      }),
      { numRuns: 50 },
    );
  });
});

/** Permits of a database with one connection, and how its work is told apart. */
function oneConnection() {
  const clock = new FakeClock();
  const permits = new FairPermits({ inAll: 1, perOwner: 1, rests: { clock, afterMs: 100 } });
  const begun: string[] = [];
  const work = (owner: string, ms: number): Promise<void> =>
    permits.run(owner, async () => {
      begun.push(owner);
      await clock.advance(ms);
    });
  return { clock, begun, work };
}

describe('an owner rests after long work', () => {
  test.each<[string, { otherMsBefore: number; tookMs: number; beginsAfterMs: number }]>([
    [
      'for as long as the work took, while another owner is active',
      { otherMsBefore: 50, tookMs: 140, beginsAfterMs: 140 },
    ],
    ['not after short work', { otherMsBefore: 50, tookMs: 99, beginsAfterMs: 0 }],
    ['not if no other owner has requested a permit lately', { otherMsBefore: 100, tookMs: 150, beginsAfterMs: 0 }],
  ])('%s', async (_, { otherMsBefore, tookMs, beginsAfterMs }) => {
    const { clock, begun, work } = oneConnection();
    await work('other', 0);
    await clock.advance(otherMsBefore);
    await work('busy', tookMs);
    const next = work('busy', 0);
    await clock.advance(Math.max(0, beginsAfterMs - 1));
    expect(begun).toEqual(beginsAfterMs > 0 ? ['other', 'busy'] : ['other', 'busy', 'busy']);
    await clock.advance(1);
    await next;
    expect(begun).toEqual(['other', 'busy', 'busy']);
  });

  test('for a second at most, in which another owner runs again', async () => {
    const { clock, begun, work } = oneConnection();
    const busy = work('busy', 5_000);
    const waiting = work('other', 0);
    const next = work('busy', 0);
    await Promise.all([busy, waiting]);
    await work('other', 0);
    await clock.advance(999);
    expect(begun).toEqual(['busy', 'other', 'other']);
    await clock.advance(1);
    await next;
    expect(begun).toEqual(['busy', 'other', 'other', 'busy']);
  });
});
