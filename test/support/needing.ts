import { test } from '@jest/globals';

/** A test that needs something which may be absent: skipped then by name, with the reason in its title. CI counts that as a failure. */
export function testNeeding(missing: string | undefined, title: string, work: () => Promise<void> | void): void {
  // eslint-disable-next-line no-restricted-syntax -- the one place that skips, and it says why
  if (missing !== undefined) test.skip(`${title} [${missing}]`, work);
  else test(title, work);
}
