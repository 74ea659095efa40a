import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { Secret } from '../../src/config/secret.js';
import type { AppError } from '../../src/errors.js';
import { createKeystoneSession } from '../../src/keystone/session.js';
import { createTrusts, type KeystoneTrusts } from '../../src/keystone/trusts.js';
import { silentLogger } from '../../src/logger.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { startKeystoneDouble, type KeystoneDouble, type KeystoneReply } from '../support/keystone-double.js';
import { PATIENCE_MS } from '../support/patience.js';

const TRUSTOR = { userId: 'u1', projectId: 'p1', roleNames: ['member'], token: 'token-of-u1' };
const MADE = (id: string): KeystoneReply => ({ status: 201, body: { trust: { id } } });

let keystone: KeystoneDouble;
let clock: FakeClock;
let trusts: KeystoneTrusts;
/** Answers to the requests for a trust, in their order. Each is given when the test resolves it. */
let answers: ((reply: KeystoneReply) => void)[];

beforeEach(async () => {
  keystone = await startKeystoneDouble();
  clock = new FakeClock();
  answers = [];
  keystone.override = ({ method, target }) =>
    method === 'POST' && target === '/OS-TRUST/trusts' ? new Promise((resolve) => answers.push(resolve)) : undefined;
  const login = {
    kind: 'password',
    username: 'tocsin',
    password: new Secret('s'),
    userDomainName: 'Default',
    projectName: 'service',
    projectDomainName: 'Default',
  } as const;
  const settings = {
    authUrl: keystone.url,
    timeoutMs: PATIENCE_MS,
    deadlineMs: 6 * PATIENCE_MS,
    login,
    interface: 'public',
  } as const;
  trusts = createTrusts(createKeystoneSession(settings, { clock, log: silentLogger }));
});
afterEach(() => keystone.close());

const asked = (times: number): Promise<void> => eventually(() => expect(answers).toHaveLength(times));

describe('a request for a trust', () => {
  test('that is answered in time is sent once', async () => {
    const spares: unknown[] = [];
    const made = trusts.create(TRUSTOR, (id) => spares.push(id));
    await asked(1);
    answers[0]?.(MADE('t1'));
    expect(await made).toBe('t1');
    await clock.advance(10 * PATIENCE_MS);
    expect([answers.length, spares]).toEqual([1, []]);
  });

  test('that is slow is sent again; the first answer counts, and the trust of a later one is spare', async () => {
    const spares: unknown[] = [];
    const made = trusts.create(TRUSTOR, (id) => spares.push(id));
    await asked(1);
    await clock.advance(PATIENCE_MS);
    await asked(2);
    answers[1]?.(MADE('t2'));
    expect(await made).toBe('t2');
    answers[0]?.(MADE('t1'));
    await eventually(() => expect(spares).toEqual(['t1']));
  });

  test('that breaks off after it was sent again may have left a trust', async () => {
    const spares: unknown[] = [];
    const made = trusts.create(TRUSTOR, (id) => spares.push(id));
    await asked(1);
    await clock.advance(PATIENCE_MS);
    await asked(2);
    answers[0]?.('break off');
    await clock.advance(PATIENCE_MS);
    await asked(3);
    answers[2]?.(MADE('t3'));
    expect(await made).toBe('t3');
    answers[1]?.({ status: 500 });
    await eventually(() => expect(spares).toEqual([undefined, undefined]));
  });

  test('is sent three times at most', async () => {
    const made = trusts.create(TRUSTOR, () => undefined);
    await asked(1);
    await clock.advance(PATIENCE_MS);
    await asked(2);
    await clock.advance(PATIENCE_MS);
    await asked(3);
    await clock.advance(5 * PATIENCE_MS);
    expect(answers).toHaveLength(3);
    answers[0]?.(MADE('t1'));
    expect(await made).toBe('t1');
  });

  test('that Keystone fails at once is not sent again', async () => {
    const made = trusts.create(TRUSTOR, () => undefined);
    await asked(1);
    answers[0]?.({ status: 500 });
    await expect(made).rejects.toMatchObject({ code: 'unavailable' });
    expect(answers).toHaveLength(1);
  });

  const HEAT = /without redelegation.*reauthentication_auth_method = trusts and allow_trusts_redelegation = true/;
  test.each([
    [401, HEAT],
    [403, HEAT],
    [404, /comes from a trust without impersonation/],
    [409, /comes from a trust that expires/],
  ])('that Keystone refuses with %i names the status, the usual cause and the remedy', async (status, cause) => {
    const made = trusts.create(TRUSTOR, () => undefined);
    await asked(1);
    answers[0]?.({ status, body: { error: { message: 'no trust 4711' } } });
    const refused = await made.catch((thrown: unknown) => thrown as AppError);
    const { code, message } = refused as AppError;
    const start = `trust+ actions need a trust, and Keystone refused to create one with this token (HTTP ${status}).`;
    expect([code, message]).toEqual(['invalid_request', expect.stringContaining(start)]);
    expect(message).toMatch(cause);
    expect(message).not.toContain('4711');
  });
});
