import { expect, test } from '@jest/globals';

import { Mutex } from '../../src/async/mutex.js';

test('A mutex runs work one at a time and in its order, and a failure stops no later work', async () => {
  const mutex = new Mutex();
  const events: string[] = [];
  const work = (name: string, fails = false) =>
    mutex.runExclusive(async () => {
      events.push(`${name} begins`);
      await Promise.resolve();
      events.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    });
  const results = await Promise.allSettled([work('a'), work('b', true), work('c')]);
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : String(result.reason)))).toEqual([
    'a',
    'Error: b',
    'c',
  ]);
  expect(events).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
});
