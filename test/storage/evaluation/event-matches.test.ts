import { expect, test } from '@jest/globals';

import { createMatcherCache } from '../../../src/storage/evaluation/event-matches.js';

test('matchers that were kept are found again in each pass over more rules than fit into the cache', () => {
  const matcherOf = createMatcherCache();
  const rules = Array.from({ length: 15_000 }, (_, number) =>
    JSON.stringify({ event_type: `compute.${number}.${'x'.repeat(400)}`, query: [] }),
  );
  const first = rules.map(matcherOf);
  const again = rules.filter((rule, index) => matcherOf(rule) === first[index]);
  expect(again.length).toBeGreaterThan(5_000);
  expect(again.length).toBeLessThan(rules.length);
});
