import { beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { createWebhookSettingsStore } from '../../src/storage/receivers/webhook-settings-store.js';
import { rotateSecrets } from '../../src/storage/secrets/rotate-secrets.js';
import { createSealer } from '../../src/storage/secrets/sealed.js';
import { ADMIN, MEMBER, startApi, STRANGER, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { NOON, ORIGIN, receiversRig } from '../support/receivers-rig.js';
import { TEST_KEY, TEST_SEALER, WITHOUT_KEY } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';

const HEADERS = { Authorization: 'Bearer t0ken-of-gateway', 'X-Team': 'web' };

describe('headers of receivers on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('headers of receivers on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const { database, api: theApi, send, make, show, makeSecret } = receiversRig(open);
  let db: Database;
  let api: TestApi;
  beforeAll(() => {
    [db, api] = [database(), theApi()];
  });

  const headersSent = async (sealer = TEST_SEALER): Promise<unknown> =>
    (await createWebhookSettingsStore(db, sealer).ofOrigin('p1', ORIGIN, NOON)).headers;

  test('are shown by name only, stay when a change does not name them, and go with {}', async () => {
    const id = await make({ headers: HEADERS });
    const names = async (): Promise<unknown> => (await show(id)).header_names;
    expect(await names()).toEqual(['Authorization', 'X-Team']);
    const answers = [await send('GET', ''), await send('GET', `/${id}`), await send('PUT', `/${id}`, MEMBER, {})];
    expect(answers.map(({ text }) => text).join()).not.toContain('t0ken');
    expect(await names()).toEqual(['Authorization', 'X-Team']);
    await send('PUT', `/${id}`, MEMBER, { headers: { 'X-Team': 'shop' } });
    expect(await names()).toEqual(['X-Team']);
    await send('PUT', `/${id}`, MEMBER, { headers: {} });
    expect(await names()).toEqual([]);
    const { rows } = await db.query<{ all: string }>('select r::text as all from receivers r');
    expect(rows.map(({ all }) => all).join()).not.toContain('t0ken');
  });

  test('are sealed in the database', async () => {
    await make({ headers: HEADERS });
    const { rows } = await db.query<{ headers: string }>('select headers from receivers');
    expect(rows[0]?.headers).toMatch(/^s1\./);
  });

  test.each([
    ['http://hooks.example.com', 400],
    ['http://127.0.0.1:8080', 201],
    ['http://localhost:8080', 201],
    ['http://[::1]:8080', 201],
    ['http://10.0.0.7', 400],
    ['*', 400],
    ['https://10.0.0.7', 201],
  ])('for the origin %s are answered %i', async (origin, status) => {
    const answer = await send('POST', '', MEMBER, { origin, headers: HEADERS });
    expect([answer.status, answer.text.includes('t0ken')]).toEqual([status, false]);
    expect(answer.headers['tocsin-field']).toBe(status === 201 ? undefined : '/headers');
  });

  test.each([
    ...['Host', 'content-type', 'Content-Length', 'Content-Foo', 'Transfer-Encoding', 'Connection', 'keep-alive'],
    ...['TE', 'Trailer', 'upgrade', 'Proxy-Authorization', 'proxy-anything', 'Cookie', 'X-Auth-Token', 'Expect'],
    ...['X_Auth_Token', 'X_Forwarded-For', 'Webhook_Signature', 'tocsin_sequence', 'Content_Length'],
    ...['Metadata', 'metadata-flavor', 'X-aws-ec2-metadata-token', 'X-Forwarded-For', 'Forwarded', 'User-Agent'],
    ...['webhook-id', 'WEBHOOK-SIGNATURE', 'webhook-x', 'tocsin-sequence', 'Tocsin-X', 'X-OpenStack-Request-ID'],
  ])('the header %s is refused', async (name) => {
    const refused = await send('POST', '', MEMBER, { origin: ORIGIN, headers: { 'X-Ok': 'a', [name]: 't0ken' } });
    expect([refused.status, refused.headers['tocsin-field'], refused.fault]).toEqual([
      400,
      `/headers/${name}`,
      `Invalid input for field/attribute ${name}. Receivers cannot have this header.`,
    ]);
  });

  test.each<[string, unknown]>([
    ['a name with a space', { 'X Team': 't0ken' }],
    ['a name with a colon', { 'X-Team:': 't0ken' }],
    ['a name with a line break', { 'X-Team\r\nX-Auth-Token': 't0ken' }],
    ['a name that is not ASCII', { 'X-Téam': 't0ken' }],
    ['the name __proto__', { ['__proto__']: 't0ken' }],
    ['an empty name', { '': 't0ken' }],
    ['a value with CR', { 'X-Team': 't0ken\r' }],
    ['a value with LF', { 'X-Team': 't0ken\nX-Auth-Token: a' }],
    ['a value with NUL', { 'X-Team': 't0ken\u0000' }],
    ['a value that is not ASCII', { 'X-Team': 't0kén' }],
    ['a value that begins with a space', { 'X-Team': ' t0ken' }],
    ['an empty value', { 'X-Team': '' }],
    ['a number as value', { 'X-Team': 7 }],
    ['the same name twice', { 'X-Team': 't0ken', 'x-team': 't0ken' }],
    ['11 headers', Object.fromEntries(Array.from({ length: 11 }, (_, n) => [`X-${n}`, 't0ken']))],
    ['more than 4 KiB', { 'X-Team': 't0ken'.repeat(820) }],
    ['a name of more than 4 KiB', { [`webhook-${'x'.repeat(4_096)}`]: 't0ken' }],
    ['an object as value', { 'X-Team': { toString: 't0ken' } }],
    ['a list', [['X-Team', 't0ken']]],
    ['a text', 'X-Team: t0ken'],
  ])('with %s are refused, and the refusal repeats no value', async (_, headers) => {
    const refused = await send('POST', '', MEMBER, { origin: ORIGIN, headers });
    expect([refused.status, refused.headers['tocsin-field']]).toEqual([400, expect.stringMatching(/^\/headers/)]);
    expect(refused.text).not.toContain('t0k');
  });

  test('of ten names, of 4 KiB, and with tabs and spaces within values are accepted', async () => {
    const ten = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`X-${n}`, 'a\tb c']));
    await make({ headers: ten });
    await make({ origin: 'https://other.example.com', headers: { 'X-Team': 'a'.repeat(4_096 - 6) } });
  });

  test('are refused without a key that seals them', async () => {
    const without = await startApi(db, { sealer: WITHOUT_KEY });
    try {
      const body = { origin: ORIGIN, headers: HEADERS };
      const refused = await without.ask('POST', '/v1/receivers', { as: MEMBER, body });
      expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining('secrets.key')]);
      expect((await without.ask('POST', '/v1/receivers', { as: MEMBER, body: { origin: ORIGIN } })).status).toBe(201);
    } finally {
      await without.close();
    }
  });

  test('stay when signing secrets are made and ended, and when all secrets are sealed with a new key', async () => {
    const id = await make();
    expect((await send('PUT', `/${id}`, MEMBER, { headers: HEADERS })).status).toBe(200);
    const { id: secret } = await makeSecret(id);
    await send('DELETE', `/${id}/secrets/${secret}`);
    expect(await headersSent()).toEqual(HEADERS);
    const keys = { current: Buffer.alloc(32, 8), previous: [TEST_KEY] };
    expect(await rotateSecrets(db, createSealer(keys))).toMatchObject({ receivers: 1 });
    expect(await headersSent(createSealer({ ...keys, previous: [] }))).toEqual(HEADERS);
    expect((await show(id)).header_names).toEqual(Object.keys(HEADERS));
  });

  test('are neither shown to another project nor changed by it', async () => {
    const id = await make({ headers: HEADERS });
    const answers = [
      await send('GET', `/${id}`, STRANGER),
      await send('PUT', `/${id}`, STRANGER, { headers: {} }),
      await send('DELETE', `/${id}`, STRANGER),
    ];
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect((await send('GET', '', STRANGER)).json()).toEqual({ receivers: [], next: null });
    expect(await headersSent()).toEqual(HEADERS);
  });

  test('are named in the audit trail when they change, without names and values of their own', async () => {
    const id = await make({ headers: HEADERS });
    await send('PUT', `/${id}`, MEMBER, { headers: { 'X-Team': 't0ken' } });
    const trail = await api.ask('GET', '/v1/audit?project_id=p1', { as: ADMIN });
    const [last] = trail.json<Record<string, unknown>[]>();
    expect([last?.['action'], last?.['changed']]).toEqual(['receiver.update', ['headers']]);
    expect(trail.text).not.toMatch(/t0ken|X-Team/);
  });
}
