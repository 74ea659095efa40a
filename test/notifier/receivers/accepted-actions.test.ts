import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { validateHeaderValue } from 'node:http';

import { withoutTrust } from '../../../src/alarm/action-text.js';
import { parseAction } from '../../../src/alarm/action.js';
import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import type { DeliveryOutcome } from '../../../src/notifier/receivers/receiver.js';
import { createReceivers, type Receivers } from '../../../src/notifier/receivers/registry.js';
import { webRequestOf } from '../../../src/notifier/receivers/webhook/web-request.js';
import { NO_CLOUD } from '../../support/notifier-rig.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { A_BODY } from '../../support/stored-notifications.js';
import { egressWith } from '../../support/egress.js';
import { UNSIGNED } from '../../support/webhook-settings.js';

/** What the API accepts as an action, a receiver can send: it never ends as `internal` or `invalid`. */

let server: Receiver;
let receivers: Receivers;
beforeAll(async () => {
  server = await startReceiver();
  receivers = createReceivers({
    clock: createSystemClock(),
    log: silentLogger,
    connectTimeoutMs: PATIENCE_MS,
    attemptTimeoutMs: PATIENCE_MS,
    maxSocketsPerHost: 4,
    queueRedisUrl: undefined,
    queuePrefix: 'test',
    version: '0',
    egress: egressWith(),
    settingsOf: UNSIGNED,
    headersToLoopback: true,
    cloud: NO_CLOUD,
  });
});
afterAll(async () => {
  await receivers.close();
  await server.close();
});

function isAccepted(action: string): boolean {
  try {
    parseAction(action);
    return true;
  } catch {
    return false;
  }
}

async function outcomeOf(action: string): Promise<DeliveryOutcome> {
  const delivery = {
    id: 'n',
    alarmId: 'a',
    projectId: 'p',
    sequence: 1,
    kind: 'transition' as const,
    transitionTime: new Date(0),
    action,
    body: A_BODY,
    attempt: 1,
  };
  return (await receivers.deliver(delivery, new AbortController().signal)).outcome;
}

/** Characters and texts at which parsers of URLs differ. */
const ODD = [
  '%',
  '%zz',
  '%4',
  '%ff',
  '%41',
  '%00',
  '%0d%0a',
  ' ',
  '\t',
  '\n',
  '\r',
  '\0',
  '\\',
  '"',
  '<',
  '>',
  '^',
  '`',
  '{',
  '|',
  '}',
];
const ODDER = [
  ':',
  ';',
  ',',
  '@',
  '/',
  '//',
  '..',
  '?',
  '#',
  '&',
  '=',
  '+',
  '~',
  '*',
  "'",
  'ü',
  '。',
  '\u{1f600}',
  '\ud800',
  '\udc00',
  '\ufffd',
];
const piece = fc.oneof(
  fc.constantFrom(...ODD, ...ODDER),
  fc.string({ maxLength: 4 }),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const text = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(''));
const host = fc.oneof(
  fc.constantFrom(
    'h',
    'H.example',
    'unix',
    'unix:80',
    '[::1]',
    '[::1]:0',
    '127.1',
    '0x7f.1',
    'h:',
    'h:0',
    'h:65536',
    'h.',
    'xn--a',
    'a_b',
  ),
  text,
);
const userInfo = fc.oneof(
  fc.constant(''),
  text.map((info) => `${info}@`),
  fc.tuple(text, text).map(([user, word]) => `${user}:${word}@`),
);

describe('every action that is accepted', () => {
  test('for a webhook makes a request', () => {
    let accepted = 0;
    const scheme = fc.constantFrom('http', 'https', 'HTTP', 'trust+http', 'Trust+HTTPS');
    fc.assert(
      fc.property(scheme, userInfo, host, text, (...[name, info, address, rest]) => {
        const action = `${name}://${info}${address}${rest === '' ? '' : `/${rest}`}`;
        if (!isAccepted(action)) return;
        accepted += 1;
        const request = webRequestOf(withoutTrust(action));
        expect(request?.url.hostname).not.toBe('');
        expect(request?.target).toMatch(/^\/[\x21-\x7e]*$|^\/?\?[\x21-\x7e]*$/);
        const { authorization } = request?.headers ?? {};
        if (authorization !== undefined) validateHeaderValue('authorization', authorization);
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(300);
  });

  test('for a receiver that answers is delivered', async () => {
    const { host: address } = new URL(server.url);
    await fc.assert(
      fc.asyncProperty(userInfo, text, async (info, rest) => {
        const action = `http://${info}${address}/${rest}`;
        if (!isAccepted(action) || new URL(action).host !== address) return;
        expect(await outcomeOf(action)).toEqual({ kind: 'delivered', httpStatus: 204 });
      }),
      { numRuns: 200 },
    );
  });

  test('for a host called unix is sent to that host', async () => {
    expect(await outcomeOf('http://unix/run/x.sock:/path')).toMatchObject({
      kind: 'retry',
      error: expect.not.stringMatching(/internal/),
    });
  });

  test('of another kind is sent, or dead with the name of the missing option', async () => {
    const scheme = fc.constantFrom('zaqar', 'trust+zaqar', 'trust+heat', 'queue', 'log', 'test');
    const name = fc.constantFrom('topic', 'queue_name', 'ttl', 'subscriber', 'signature', 'paths', 'project_id');
    const value = fc.oneof(
      fc.constantFrom('x', '.', '..', '60', '-1', 'soon', '1.5', ''),
      text.map(encodeURIComponentSafely),
    );
    const query = fc
      .array(fc.tuple(name, value), { maxLength: 4 })
      .map((all) => all.map((pair) => pair.join('=')).join('&'));
    const authority = fc.constantFrom('', '//', '//jobs', '//jobs/', '//Jobs', '//jobs:80');
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(scheme, authority, query, async (kind, where, asked) => {
        const action = `${kind}:${where}?${asked}`;
        if (!isAccepted(action)) return;
        accepted += 1;
        const { kind: outcome, ...rest } = await outcomeOf(action);
        const allowed = kind === 'trust+heat' ? /^invalid$|not configured/ : /not configured/;
        if (outcome !== 'delivered') expect(rest).toMatchObject({ error: expect.stringMatching(allowed) });
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

function encodeURIComponentSafely(given: string): string {
  return encodeURIComponent(given.replace(/\p{Surrogate}/gu, '\ufffd'));
}
