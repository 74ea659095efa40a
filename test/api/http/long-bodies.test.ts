import { expect, test } from '@jest/globals';

import { jsonValue } from '../../../src/api/http/request-body.js';

test.each([
  { what: 'a body of 8 KiB is read at once', bytes: 8 * 1024, slices: 0 },
  { what: 'a longer body waits for a time slice of its project', bytes: 8 * 1024 + 1, slices: 1 },
])('$what', async ({ bytes, slices }) => {
  let waited = 0;
  const text = JSON.stringify('x'.repeat(bytes - 2));
  const value = await jsonValue(Buffer.from(text), async () => void (waited += 1));
  expect(value).toHaveLength(bytes - 2);
  expect(waited).toBe(slices);
});
