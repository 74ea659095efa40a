import { afterEach, describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../../src/clock.js';
import { PatternMatcher } from '../../../src/storage/queries/pattern-matcher.js';

/** No fixed text for the engine to look for first: each character costs a step for most of its instructions. */
const SLOW = '(?i)(\\pL.{0,30}){6}\\d{20}zz';
const LONG = 'a1'.repeat(500_000);

const pattern = (source: string) => ({
  source,
  test: (): never => {
    throw new Error('tested in the thread of the service');
  },
});

describe('PatternMatcher', () => {
  let matcher: PatternMatcher | undefined;
  afterEach(() => matcher?.close());

  test('tests texts in their order, outside of the thread of the service', async () => {
    matcher = new PatternMatcher({ clock: createSystemClock(), ownerOf: () => 'p1' });
    const truths = await matcher.testTexts(pattern('b+$'), ['abb', 'ba', '', 'b']);
    expect(truths).toEqual([true, false, false, true]);
  });

  test('ends tests that take too long, lets other work run meanwhile, and tests the next texts', async () => {
    let begin!: (expire: () => void) => void;
    const begun = new Promise<() => void>((resolve) => (begin = resolve));
    const clock = { sleep: () => new Promise<void>((expire) => begin(expire)) };
    matcher = new PatternMatcher({ clock, ownerOf: () => 'p1' });
    const slow = matcher.testTexts(pattern(SLOW), [LONG]);
    const refused = expect(slow).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('too long'),
    });
    (await begun)();
    await refused;
    expect(await matcher.testTexts(pattern('^a'), ['a'])).toEqual([true]);
  });
});
