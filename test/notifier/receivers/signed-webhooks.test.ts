import { randomUUID } from 'node:crypto';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { signingSecretOf } from '../../../src/alarm/receiver/signing-secret.js';
import { silentLogger, type LogFields } from '../../../src/logger.js';
import type { Delivery } from '../../../src/notifier/receivers/receiver.js';
import { webhookSignature } from '../../../src/notifier/receivers/webhook/signature.js';
import { createWebhookReceiver, type Webhook } from '../../../src/notifier/receivers/webhook/webhook.js';
import { createWebhookSettingsReader } from '../../../src/notifier/webhook-settings.js';
import type { Database } from '../../../src/storage/database.js';
import { createReceiverStore } from '../../../src/storage/receivers/receiver-store.js';
import { createSigningSecretStore } from '../../../src/storage/receivers/signing-secret-store.js';
import { createWebhookSettingsStore } from '../../../src/storage/receivers/webhook-settings-store.js';
import type { Sealer } from '../../../src/storage/secrets/sealed.js';
import { makeCertificates } from '../../support/certificates.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { egressWith } from '../../support/egress.js';
import { FakeClock } from '../../support/fake-clock.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { TEST_SEALER, WITHOUT_KEY } from '../../support/sealer.js';
import { describeWithPostgres } from '../../support/servers.js';
import { verifies } from '../../support/signed-webhooks.js';

const BODY = '{"alarm_name": "cpu höher", "reason_data": {"most_recent": 95.0}}';
const [OLD, NEW] = [signingSecretOf(Buffer.alloc(24, 1)), signingSecretOf(Buffer.alloc(64, 2))];
const ALL = { all: true } as const;
const SECOND_MS = 1_000;
const RULES = { overlapMs: 86_400_000, most: 2 };

describe('a signature is that of Standard Webhooks', () => {
  test.each([
    {
      secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: '1614265330',
      body: '{"test": 2432232314}',
      expected: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    {
      secret: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
      id: 'msg_27UH4WbU6Z5A5EzD8u03UvzRbpk',
      timestamp: '1649367553',
      body: '{"email":"test@example.com","username":"test_user"}',
      expected: 'v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=',
    },
  ])('of $id', ({ secret, body, expected, ...signed }) => {
    expect(webhookSignature({ ...signed, body: Buffer.from(body) }, [secret])).toBe(expected);
  });
});

describe('signed webhooks with the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('signed webhooks with PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let clock: FakeClock;
  let server: Receiver;
  let webhook: Webhook;
  const errors: { message: string; fields: LogFields | undefined }[] = [];
  const reads = { projects: 0, ofOrigin: 0 };

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    errors.length = 0;
    Object.assign(reads, { projects: 0, ofOrigin: 0 });
    clock = new FakeClock();
    server = await startReceiver();
    webhook = sending();
  });
  afterEach(async () => {
    await webhook.close?.();
    await server.close();
  });
  afterAll(() => db.close());

  function sending(options: { sealer?: Sealer; headersToLoopback?: boolean; ca?: string } = {}): Webhook {
    const { sealer = TEST_SEALER, headersToLoopback = true, ca } = options;
    const store = createWebhookSettingsStore(db, sealer);
    const counted: typeof store = {
      projects: () => ((reads.projects += 1), store.projects()),
      ofOrigin: (...asked) => ((reads.ofOrigin += 1), store.ofOrigin(...asked)),
    };
    return createWebhookReceiver({
      clock,
      log: { ...silentLogger, error: (message, fields) => void errors.push({ message, fields }) },
      settingsOf: createWebhookSettingsReader({ store: counted, clock }),
      egress: egressWith(),
      connectTimeoutMs: PATIENCE_MS,
      attemptTimeoutMs: PATIENCE_MS,
      maxSocketsPerHost: 4,
      headersToLoopback,
      ca,
      version: '0',
    });
  }

  async function receiverOf(projectId: string, origin = server.url, headers = {}): Promise<string> {
    const id = randomUUID();
    const receiver = { id, projectId, origin, name: '', description: '', headers, createdAt: clock.now() };
    await createReceiverStore(db, TEST_SEALER).create(receiver);
    return id;
  }
  async function rotate(receiverId: string, secret: string): Promise<void> {
    const store = createSigningSecretStore(db, TEST_SEALER);
    await store.rotate(ALL, receiverId, { id: randomUUID(), secret, at: clock.now() }, RULES);
  }
  const delivery = (fields: Partial<Delivery> = {}): Delivery => ({
    id: 'n-1',
    kind: 'transition',
    alarmId: 'a',
    projectId: 'p',
    sequence: 7,
    transitionTime: clock.now(),
    action: `${server.url}/hook?a=b`,
    body: BODY,
    attempt: 1,
    ...fields,
  });
  const deliver = (fields: Partial<Delivery> = {}) => webhook.deliver(delivery(fields), new AbortController().signal);
  const last = () => server.requests.at(-1)!;
  const signaturesOf = (at = last()): string[] => String(at.headers['webhook-signature'] ?? '').split(' ');

  test('are not signed until there is a secret, and are within two seconds of its creation', async () => {
    const id = await receiverOf('p');
    await deliver();
    expect(last().headers).not.toHaveProperty('webhook-signature');
    await rotate(id, OLD);
    await clock.advance(2 * SECOND_MS);
    expect(await deliver()).toEqual({ kind: 'delivered', httpStatus: 204 });
    expect([verifies(last(), OLD), verifies(last(), NEW)]).toEqual([true, false]);
    expect(last().headers).toMatchObject({ 'webhook-id': 'msg_n-1', 'tocsin-sequence': '7' });
    expect(last().body).toBe(BODY);
  });

  test('are signed by both secrets after a rotation, the newest first, and by one after its end', async () => {
    const id = await receiverOf('p');
    await rotate(id, OLD);
    await clock.advance(SECOND_MS);
    await rotate(id, NEW);
    await deliver();
    expect([verifies(last(), OLD), verifies(last(), NEW)]).toEqual([true, true]);
    const [first = '', ...others] = signaturesOf();
    expect(others).toHaveLength(1);
    const alone = { ...last(), headers: { ...last().headers, 'webhook-signature': first } };
    expect([verifies(alone, OLD), verifies(alone, NEW)]).toEqual([false, true]);
    await clock.advance(RULES.overlapMs);
    await deliver();
    expect([verifies(last(), OLD), verifies(last(), NEW), signaturesOf()]).toEqual([false, true, [expect.any(String)]]);
  });

  test('have the time of the attempt: a retry has the same id and its own signature', async () => {
    await rotate(await receiverOf('p'), NEW);
    await deliver();
    await clock.advance(600 * SECOND_MS);
    await deliver({ attempt: 2 });
    const [first, second] = server.requests;
    expect(Number(second?.headers['webhook-timestamp']) - Number(first?.headers['webhook-timestamp'])).toBe(600);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(server.requests.map((one) => verifies(one, NEW))).toEqual([true, true]);
  });

  test('verify only with their body, their id and their time as sent', async () => {
    await rotate(await receiverOf('p'), NEW);
    await deliver();
    const { headers, body } = last();
    expect(verifies({ ...last(), body: `${body} ` }, NEW)).toBe(false);
    expect(verifies({ ...last(), headers: { ...headers, 'webhook-id': 'msg_n-2' } }, NEW)).toBe(false);
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(verifies({ ...last(), headers: { ...headers, 'webhook-timestamp': later } }, NEW)).toBe(false);
  });

  test.each([
    ['upper case', (url: string) => url.replace('127.0.0.1', 'LOCALHOST')],
    ['a user and a password', (url: string) => url.replace('//', '//u:p@').replace('127.0.0.1', 'localhost')],
    ['another path', (url: string) => `${url.replace('127.0.0.1', 'localhost')}/other`],
  ])('are signed for any action of the origin: %s', async (_, actionOf) => {
    await rotate(await receiverOf('p', server.url.replace('127.0.0.1', 'localhost')), NEW);
    await deliver({ action: actionOf(server.url) });
    expect(verifies(last(), NEW)).toBe(true);
  });

  test.each<[string, Partial<Delivery>]>([
    ['another project', { projectId: 'q' }],
    ['no project', { projectId: null }],
  ])('are not signed for an alarm of %s', async (_, fields) => {
    await rotate(await receiverOf('p'), NEW);
    await receiverOf('q', 'https://elsewhere.example.com');
    await deliver(fields);
    expect(last().headers).not.toHaveProperty('webhook-signature');
  });

  test('are not signed with the secret of another origin', async () => {
    await rotate(await receiverOf('p', server.url.replace('http:', 'https:')), NEW);
    await rotate(await receiverOf('p', 'http://127.0.0.1'), NEW);
    await deliver();
    expect(last().headers).not.toHaveProperty('webhook-signature');
  });

  test('are signed with the secret for all receivers, unless the origin has one of its own', async () => {
    const all = await receiverOf('p', '*');
    await rotate(all, OLD);
    const own = await receiverOf('p');
    await deliver();
    expect([verifies(last(), OLD), verifies(last(), NEW)]).toEqual([true, false]);
    await rotate(own, NEW);
    await clock.advance(2 * SECOND_MS);
    await deliver();
    expect([verifies(last(), OLD), verifies(last(), NEW)]).toEqual([false, true]);
    await deliver({ projectId: 'q' });
    expect(last().headers).not.toHaveProperty('webhook-signature');
  });

  test('are signed with a token of a trust, and for a test of an action', async () => {
    await rotate(await receiverOf('p'), NEW);
    await webhook.send(delivery(), { 'x-auth-token': 'token' }, new AbortController().signal);
    expect([last().headers['x-auth-token'], verifies(last(), NEW)]).toEqual(['token', true]);
    await deliver({ kind: 'test' });
    expect([last().headers['tocsin-test'], verifies(last(), NEW)]).toEqual(['true', true]);
  });

  describe('headers of a receiver', () => {
    const HEADERS = { Authorization: 'Bearer t0ken', 'X-Team': 'web' };

    test('are sent with each webhook to it, and with no other', async () => {
      await receiverOf('p', server.url, HEADERS);
      await deliver();
      expect(last().headers).toMatchObject({ authorization: 'Bearer t0ken', 'x-team': 'web' });
      await deliver({ projectId: 'q' });
      expect(last().headers).not.toHaveProperty('x-team');
      await deliver({ kind: 'test' });
      expect(last().headers).toMatchObject({ 'x-team': 'web', 'tocsin-test': 'true' });
    });

    test('give way to the user and the password of the action', async () => {
      await receiverOf('p', server.url, HEADERS);
      await deliver({ action: server.url.replace('//', '//u:p@') });
      expect(last().headers).toMatchObject({ authorization: `Basic ${btoa('u:p')}`, 'x-team': 'web' });
    });

    test('are not sent with the token of a trust', async () => {
      await rotate(await receiverOf('p', server.url, HEADERS), NEW);
      await webhook.send(delivery(), { 'x-auth-token': 'token' }, new AbortController().signal);
      expect(last().headers).not.toHaveProperty('x-team');
      expect(last().headers).not.toHaveProperty('authorization');
      expect(verifies(last(), NEW)).toBe(true);
    });

    test('are not sent without TLS unless the API has no authentication', async () => {
      await receiverOf('p', server.url, HEADERS);
      const strict = sending({ headersToLoopback: false });
      const outcome = await strict.deliver(delivery(), new AbortController().signal);
      expect([outcome, server.requests.length]).toEqual([{ kind: 'dead', error: 'blocked' }, 0]);
      await strict.close?.();
    });

    test('are sent over TLS in any case', async () => {
      const { ca, server: certificate } = makeCertificates();
      const secure = await startReceiver(undefined, certificate);
      const strict = sending({ headersToLoopback: false, ca });
      try {
        await receiverOf('p', secure.url, HEADERS);
        await strict.deliver(delivery({ action: secure.url }), new AbortController().signal);
        expect(secure.requests[0]?.headers).toMatchObject({ authorization: 'Bearer t0ken', 'x-team': 'web' });
      } finally {
        await strict.close?.();
        await secure.close();
      }
    });

    test('are never sent to where the receiver redirects', async () => {
      const redirecting = await startReceiver(
        (_, response) => void response.writeHead(307, { location: server.url }).end(),
      );
      await receiverOf('p', redirecting.url, HEADERS);
      await deliver({ action: redirecting.url });
      expect([redirecting.requests[0]?.headers['x-team'], server.requests]).toEqual(['web', []]);
      await redirecting.close();
    });

    test('replace no header of Tocsin', async () => {
      await receiverOf('p', server.url, {
        'Webhook-Id': 'x',
        'TOCSIN-Sequence': 'x',
        'Content-Type': 'x',
        'User-Agent': 'x',
      });
      await deliver();
      expect(last().headers).toMatchObject({ 'webhook-id': 'msg_n-1', 'tocsin-sequence': '7' });
      expect(last().headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'tocsin/0' });
    });

    test('are in no outcome, also if the receiver repeats them in its answer to a test', async () => {
      const echoing = await startReceiver(({ headers }, response) => {
        response.writeHead(500).end(JSON.stringify(headers));
      });
      await receiverOf('p', echoing.url, HEADERS);
      const outcome = await deliver({ action: echoing.url, kind: 'test' });
      expect([echoing.requests.length, outcome.kind]).toEqual([1, 'retry']);
      expect(JSON.stringify([outcome, errors])).not.toMatch(/t0ken|web/);
      await echoing.close();
    });

    test('stay with the webhook, or it is not sent: without their key it is tried again', async () => {
      await receiverOf('p', server.url, HEADERS);
      const without = sending({ sealer: WITHOUT_KEY });
      const outcome = await without.deliver(delivery(), new AbortController().signal);
      expect([outcome, server.requests.length]).toEqual([{ kind: 'retry', error: 'no_key' }, 0]);
      expect(JSON.stringify(errors)).not.toContain('t0ken');
      await without.close?.();
    });
  });

  test('are tried again, and never sent unsigned, while the key of the secret is not configured', async () => {
    await rotate(await receiverOf('p'), NEW);
    const without = sending({ sealer: WITHOUT_KEY });
    expect(await without.deliver(delivery(), new AbortController().signal)).toEqual({ kind: 'retry', error: 'no_key' });
    expect([server.requests.length, errors.map(({ message }) => message)]).toEqual([
      0,
      ['could not read the secrets or headers of a receiver; the attempt will be repeated'],
    ]);
    expect(JSON.stringify(errors[0]?.fields)).not.toContain(NEW.slice(6, 30));
    expect(await deliver()).toMatchObject({ kind: 'delivered' });
    await without.close?.();
  });

  test('cost one query in two seconds while no project has a receiver', async () => {
    const all = Array.from({ length: 40 }, (_, n) => deliver({ id: `n${n}`, projectId: `p${n}` }));
    expect((await Promise.all(all)).every(({ kind }) => kind === 'delivered')).toBe(true);
    await deliver();
    expect(reads).toEqual({ projects: 1, ofOrigin: 0 });
    await clock.advance(2 * SECOND_MS);
    await deliver();
    expect(reads).toEqual({ projects: 2, ofOrigin: 0 });
  });

  test('cost one more query in two seconds for each origin of a project with receivers', async () => {
    await rotate(await receiverOf('p'), NEW);
    await Promise.all(Array.from({ length: 40 }, (_, n) => deliver({ id: `n${n}` })));
    await deliver({ projectId: 'q' });
    expect(reads).toEqual({ projects: 1, ofOrigin: 1 });
    expect(server.requests.filter((one) => verifies(one, NEW))).toHaveLength(40);
  });

  test('are looked up by origin when more projects have receivers than one query names', async () => {
    await db.query(
      `insert into receivers (id, project_id, origin, name, description, created_at)
       select 'f' || n, 'many' || n, 'https://h.example', '', '', $1 from generate_series(1, 1001) n`,
      [clock.now()],
    );
    await rotate(await receiverOf('p'), NEW);
    expect(await createWebhookSettingsStore(db, TEST_SEALER).projects()).toBeUndefined();
    await deliver();
    expect(verifies(last(), NEW)).toBe(true);
  });
}
