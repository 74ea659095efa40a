import { expect, test } from '@jest/globals';

import { FailureCounter, limitFailures } from '../../../src/api/identity/failure-limiter.js';
import { ANONYMOUS, unauthenticated, type Authenticator } from '../../../src/api/identity/identity.js';
import { AppError } from '../../../src/errors.js';
import { FakeClock } from '../../support/fake-clock.js';

const SECOND = 1_000;
const LIMIT = 10;

/** Admits `good`, cannot judge `later`, refuses the rest. */
const authenticate: Authenticator = async ({ headers }) => {
  if (headers['x-auth-token'] === 'good') return ANONYMOUS;
  if (headers['x-auth-token'] === 'later') throw new AppError('unavailable', 'Keystone is not available');
  throw unauthenticated();
};

function limiter() {
  const clock = new FakeClock();
  const limited = limitFailures(authenticate, new FailureCounter({ clock, failuresPerMinute: LIMIT }));
  /** `ok`, or the code of the error. */
  const present = (headers: Record<string, string>, remoteAddress = '192.0.2.1'): Promise<string> =>
    limited({ headers, method: 'GET', path: '/', origin: 'http://h', remoteAddress }).then(
      () => 'ok',
      (thrown: unknown) => {
        const { code, retryAfterS } = thrown as AppError;
        return retryAfterS === undefined ? code : `${code} ${retryAfterS}`;
      },
    );
  const fail = async (times: number, remoteAddress?: string): Promise<void> => {
    for (let time = 0; time < times; time += 1) {
      expect(await present({ 'x-auth-token': `wrong-${time}` }, remoteAddress)).toBe('unauthenticated');
    }
  };
  return { clock, present, fail };
}

const GOOD = { 'x-auth-token': 'good' };

const WRONG = { 'x-auth-token': 'wrong' };

test('an address that fails too often is told to wait, until a minute after its first failure', async () => {
  const { clock, present, fail } = limiter();
  await fail(1);
  await clock.advance(20 * SECOND);
  await fail(LIMIT - 1);
  expect(await present(WRONG)).toBe('too_many_requests 40');
  expect(await present({ 'x-api-key': 'wrong' })).toBe('too_many_requests 40');
  await clock.advance(40 * SECOND - 1);
  expect(await present(WRONG)).toBe('too_many_requests 1');
  await clock.advance(1);
  await fail(LIMIT);
  expect(await present(WRONG)).toBe('too_many_requests 60');
});

test('a valid credential passes all the same, and does not undo the failures', async () => {
  const { present, fail } = limiter();
  await fail(LIMIT);
  expect(await present(WRONG)).toBe('too_many_requests 60');
  expect(await present(GOOD)).toBe('ok');
  expect(await present(WRONG)).toBe('too_many_requests 60');
});

test('other addresses are not told to wait', async () => {
  const { present, fail } = limiter();
  await fail(LIMIT, '192.0.2.1');
  expect(await present(WRONG, '192.0.2.2')).toBe('unauthenticated');
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1', 'too_many_requests 60'],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', 'too_many_requests 60'],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', 'unauthenticated'],
])('what %s did counts for %s: %s', async (first, second, expected) => {
  const { present, fail } = limiter();
  await fail(LIMIT, first);
  expect(await present(WRONG, second)).toBe(expected);
});

test('no credential is no attempt, and neither is one that could not be judged', async () => {
  const { present } = limiter();
  for (let time = 0; time < 2 * LIMIT; time += 1) {
    expect(await present({})).toBe('unauthenticated');
    expect(await present({ 'x-auth-token': 'later' })).toBe('unavailable');
  }
  expect(await present(WRONG)).toBe('unauthenticated');
});

test('no more than ten thousand addresses are remembered; the one silent for longest is forgotten', async () => {
  const { present, fail } = limiter();
  await fail(LIMIT, '192.0.2.1');
  await fail(LIMIT, '192.0.2.2');
  const other = (index: number): string => `10.0.${Math.floor(index / 250)}.${index % 250}`;
  for (let index = 0; index < 9_998; index += 1) await present(WRONG, other(index));
  expect(await present(WRONG, '192.0.2.1')).toBe('too_many_requests 60');
  await present(WRONG, '10.9.9.9');
  expect(await present(WRONG, '192.0.2.2')).toBe('unauthenticated');
  expect(await present(WRONG, '192.0.2.1')).toBe('too_many_requests 60');
});
