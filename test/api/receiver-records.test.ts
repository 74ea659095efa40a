import { beforeAll, describe, expect, test } from '@jest/globals';

import { signingSecretOf } from '../../src/alarm/receiver/signing-secret.js';
import { MOST_RECEIVERS } from '../../src/storage/receivers/receiver-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { NOON, ORIGIN, receiversRig, type ShownReceiver } from '../support/receivers-rig.js';
import { WITHOUT_KEY } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';

const HOUR_MS = 3_600_000;
const OWN = signingSecretOf(Buffer.alloc(24, 9));
const later = (hours: number): Date => new Date(NOON.getTime() + hours * HOUR_MS);

describe('/v1/receivers on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('/v1/receivers on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const { database, api: theApi, setClock, send, make, show, makeSecret } = receiversRig(open);
  let db: Database;
  let api: TestApi;
  beforeAll(() => {
    [db, api] = [database(), theApi()];
  });

  const fill = (count: number): Promise<unknown> =>
    db.query(
      `insert into receivers (id, project_id, origin, name, description, created_at)
       select 'f' || n, 'p1', 'https://h' || n || '.example', '', '', $1 from generate_series(1, $2::int) n`,
      [NOON, count],
    );

  test('a receiver is shown as it was made, with its origin as parsed', async () => {
    const made = await send('POST', '', MEMBER, { origin: 'HTTPS://Hooks.Example.com.:443/', name: 'scaler' });
    const expected = {
      id: expect.any(String),
      project_id: 'p1',
      origin: ORIGIN,
      name: 'scaler',
      description: '',
      header_names: [],
      secrets: [],
      created_at: '2026-01-01T12:00:00Z',
    };
    expect([made.status, made.json()]).toEqual([201, expected]);
    const { id } = made.json<ShownReceiver>();
    expect((await send('GET', `/${id}`)).json()).toEqual(expected);
    expect((await send('GET', '')).json()).toEqual({ receivers: [expected], next: null });
  });

  test('a project has one receiver of an origin, in any spelling; another project has its own', async () => {
    await make();
    const again = await send('POST', '', MEMBER, { origin: 'https://HOOKS.example.com:443' });
    expect([again.status, again.fault, again.headers['tocsin-field']]).toEqual([
      409,
      `The project has a receiver ${ORIGIN} already`,
      '/origin',
    ]);
    await make({}, STRANGER);
    await make({ origin: 'http://hooks.example.com' });
    await make({ origin: 'https://hooks.example.com:8443' });
  });

  test('an origin with a path or a user is refused, and the refusal does not repeat the password', async () => {
    const refused = await send('POST', '', MEMBER, { origin: 'https://u:pass-word@hooks.example.com' });
    expect([refused.status, refused.headers['tocsin-field']]).toEqual([400, '/origin']);
    expect(refused.text).not.toContain('pass-word');
    expect((await send('POST', '', MEMBER, { origin: `${ORIGIN}/hook` })).status).toBe(400);
  });

  test('a project has one record for all of its receivers, beside those of single origins', async () => {
    const id = await make({ origin: '*' });
    expect(await show(id)).toMatchObject({ origin: '*' });
    expect((await send('POST', '', MEMBER, { origin: '*' })).status).toBe(409);
    await make();
  });

  test('a list goes on with its cursor, newest first, and has only receivers of the project', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      setClock(new Date(NOON.getTime() + Math.floor(n / 2) * 1_000));
      ids.push(await make({ origin: `https://h${n}.example.com` }));
    }
    await make({}, STRANGER);
    const found: string[] = [];
    interface Page {
      receivers: ShownReceiver[];
      next: string | null;
    }
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = (await send('GET', `?limit=2${cursor && `&cursor=${cursor}`}`)).json<Page>();
      expect(page.receivers.length).toBeLessThanOrEqual(2);
      found.push(...page.receivers.map(({ id }) => id));
      cursor = page.next;
    }
    expect([...found].sort()).toEqual([...ids].sort());
    expect([found[0], new Set(found.slice(1, 3)), new Set(found.slice(3))]).toEqual([
      ids[4],
      new Set(ids.slice(2, 4)),
      new Set(ids.slice(0, 2)),
    ]);
  });

  test('admins see the receivers of all projects, or of one, and make them for others', async () => {
    const [own, foreign] = [await make(), await make({}, STRANGER)];
    const idsIn = async (search: string): Promise<string[]> =>
      (await send('GET', search, ADMIN)).json<{ receivers: ShownReceiver[] }>().receivers.map(({ id }) => id);
    expect((await idsIn('')).sort()).toEqual([own, foreign].sort());
    expect(await idsIn('?project_id=p2')).toEqual([foreign]);
    const made = await send('POST', '', ADMIN, { origin: 'https://other.example.com', project_id: 'p2' });
    expect(made.json()).toMatchObject({ project_id: 'p2' });
    for (const [method, path, body] of [
      ['GET', '?project_id=p2', undefined],
      ['POST', '', { origin: 'https://x.example.com', project_id: 'p2' }],
    ] as const)
      expect((await send(method, path, MEMBER, body)).status).toBe(404);
  });

  test('a receiver of another project is not there, and readers see none', async () => {
    const id = await make();
    const { id: secret } = await makeSecret(id);
    const requests = [
      ['GET', `/${id}`],
      ['PUT', `/${id}`, {}],
      ['DELETE', `/${id}`],
      ['POST', `/${id}/secrets`, {}],
      ['DELETE', `/${id}/secrets/${secret}`],
    ] as const;
    for (const [method, path, body] of requests) {
      expect([method, (await send(method, path, STRANGER, body)).status]).toEqual([method, 404]);
      expect([method, (await send(method, path, READER, body)).status]).toEqual([method, 403]);
    }
    expect((await show(id)).secrets).toHaveLength(1);
  });

  test(`a project has at most ${MOST_RECEIVERS} receivers, also when many are made at once`, async () => {
    await fill(MOST_RECEIVERS - 3);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) => send('POST', '', MEMBER, { origin: `https://new${n}.example.com` })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 201, 403, 403, 403, 403, 403]);
    expect(answers.find(({ status }) => status === 403)?.fault).toBe(
      `The project has ${MOST_RECEIVERS} receivers, which is the limit: delete one`,
    );
    await make({}, STRANGER);
    await send('DELETE', '/f1');
    await make();
  });

  describe('versions', () => {
    test('a change goes through with the version that was read, and with no other', async () => {
      const id = await make();
      const { headers } = await send('GET', `/${id}`);
      const put = (ifMatch: string, name: string) =>
        api.ask('PUT', `/v1/receivers/${id}`, { as: MEMBER, body: { name }, headers: { 'if-match': ifMatch } });
      const first = await put(headers.etag ?? '', 'mine');
      expect([first.status, first.json()]).toEqual([200, expect.objectContaining({ name: 'mine', origin: ORIGIN })]);
      expect(first.headers.etag).not.toBe(headers.etag);
      const second = await put(headers.etag ?? '', 'theirs');
      expect(second.status).toBe(412);
      const removal = { as: MEMBER, headers: { 'if-match': headers.etag ?? '' } };
      expect((await api.ask('DELETE', `/v1/receivers/${id}`, removal)).status).toBe(412);
      expect(await show(id)).toMatchObject({ name: 'mine' });
    });

    test('a new secret, and the end of one, are a new version', async () => {
      const id = await make();
      const tag = async (): Promise<string | undefined> => (await send('GET', `/${id}`)).headers.etag;
      const before = await tag();
      const { id: secret } = await makeSecret(id);
      const between = await tag();
      await send('DELETE', `/${id}/secrets/${secret}`);
      expect(new Set([before, between, await tag()]).size).toBe(3);
    });
  });

  describe('signing secrets', () => {
    test('a secret is shown when it is made, and never again', async () => {
      const id = await make();
      const made = await makeSecret(id);
      expect(made).toEqual({
        id: expect.any(String),
        secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
        created_at: '2026-01-01T12:00:00Z',
        ends_at: null,
      });
      const other = await makeSecret(await make({ origin: 'https://other.example.com' }));
      expect(other.secret).not.toBe(made.secret);
      const { secret, ...shown } = made;
      expect(await show(id)).toMatchObject({ secrets: [shown] });
      for (const path of ['', `/${id}`]) expect((await send('GET', path)).text).not.toContain(secret.slice(6, 30));
      const { rows } = await db.query<{ all: string }>('select s::text as all from signing_secrets s');
      expect(rows.map(({ all }) => all).join()).not.toContain(secret.slice(6, 30));
    });

    test('a client may bring a secret of its own', async () => {
      expect(await makeSecret(await make(), { secret: OWN })).toMatchObject({ secret: OWN });
    });

    test.each<unknown>([OWN.slice(0, -4), 'whsec_', OWN.replace('whsec_', ''), `${OWN}\n`, 7, { whsec: OWN }, [OWN]])(
      'another value is refused, and the refusal does not repeat it: %j',
      async (secret) => {
        const refused = await send('POST', `/${await make()}/secrets`, MEMBER, { secret });
        expect([refused.status, refused.headers['tocsin-field'], refused.fault]).toEqual([
          400,
          '/secret',
          'Invalid input for field/attribute secret. It should be whsec_ and 24 to 64 bytes as base64 with padding; ' +
            'leave it out for a new one.',
        ]);
      },
    );

    test('the former secret signs along for a day', async () => {
      const id = await make();
      const first = await makeSecret(id);
      setClock(later(1));
      const second = await makeSecret(id);
      const endsAt = later(25).toISOString().replace('.000Z', 'Z');
      expect((await show(id)).secrets.map((one) => [one.id, one.ends_at])).toEqual([
        [second.id, null],
        [first.id, endsAt],
      ]);
      setClock(later(25));
      expect((await show(id)).secrets.map((one) => one.id)).toEqual([second.id]);
    });

    test('a third secret is refused until one has ended', async () => {
      const id = await make();
      const first = await makeSecret(id);
      const second = await makeSecret(id);
      const refused = await send('POST', `/${id}/secrets`);
      expect([refused.status, refused.fault]).toEqual([
        409,
        'There are 2 signing secrets, which is the limit (signing.max_secrets): end one first',
      ]);
      expect((await send('DELETE', `/${id}/secrets/${first.id}`)).status).toBe(204);
      expect((await show(id)).secrets.map((one) => one.id)).toEqual([second.id]);
      await makeSecret(id);
      setClock(later(24));
      await makeSecret(id);
    });

    test('of secrets that are made at once no more are stored than may sign', async () => {
      const id = await make();
      const answers = await Promise.all(Array.from({ length: 5 }, () => send('POST', `/${id}/secrets`)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409]);
      const { secrets } = await show(id);
      expect(secrets.map((one) => one.ends_at === null)).toEqual([true, false]);
    });

    test('the end of the current secret does not prolong the former one, and another can be made', async () => {
      const id = await make();
      const first = await makeSecret(id);
      const second = await makeSecret(id);
      const [, former] = (await show(id)).secrets;
      expect((await send('DELETE', `/${id}/secrets/${second.id}`)).status).toBe(204);
      expect((await show(id)).secrets).toEqual([former]);
      expect([former?.id, former?.ends_at]).toEqual([first.id, expect.any(String)]);
      setClock(later(1));
      const third = await makeSecret(id);
      expect((await show(id)).secrets).toEqual([expect.objectContaining({ id: third.id, ends_at: null }), former]);
      expect((await send('DELETE', `/${id}/secrets/${third.id}`)).status).toBe(204);
      setClock(later(24));
      expect((await show(id)).secrets).toEqual([]);
    });

    test('a secret that has ended, or is of another receiver, is not there', async () => {
      const [id, other] = [await make(), await make({ origin: 'https://other.example.com' })];
      const { id: secret } = await makeSecret(id);
      expect((await send('DELETE', `/${other}/secrets/${secret}`)).status).toBe(404);
      await makeSecret(id);
      setClock(later(24));
      expect((await send('DELETE', `/${id}/secrets/${secret}`)).status).toBe(404);
    });

    test('are deleted with their receiver', async () => {
      const id = await make();
      await makeSecret(id);
      expect((await send('DELETE', `/${id}`)).status).toBe(204);
      expect((await send('GET', `/${id}`)).status).toBe(404);
      expect((await db.query('select id from signing_secrets')).rows).toEqual([]);
    });

    test('are refused without a key that seals them, with the setting to set', async () => {
      const without = await startApi(db, { sealer: WITHOUT_KEY });
      try {
        const path = `/v1/receivers/${await make()}/secrets`;
        const refused = await without.ask('POST', path, { as: MEMBER, body: { secret: OWN } });
        expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining('secrets.key')]);
        expect(refused.text).not.toContain(OWN.slice(6));
      } finally {
        await without.close();
      }
    });
  });

  test('the audit trail has each change, and no secret', async () => {
    const id = await make();
    const { id: secretId, secret } = await makeSecret(id);
    await send('PUT', `/${id}`, MEMBER, { name: 'other' });
    await send('DELETE', `/${id}/secrets/${secretId}`);
    await send('DELETE', `/${id}`, STRANGER);
    await send('DELETE', `/${id}`);
    const trail = await api.ask('GET', '/v1/audit?project_id=p1', { as: ADMIN });
    const entries = trail.json<Record<string, unknown>[]>();
    expect(
      entries.map(({ action, object_id, outcome, changed }) => [action, object_id, outcome, changed]).reverse(),
    ).toEqual([
      ['receiver.create', id, 'done', null],
      ['signing_secret.create', secretId, 'done', null],
      ['receiver.update', id, 'done', ['name']],
      ['signing_secret.end', secretId, 'done', null],
      ['receiver.delete', id, 'done', null],
    ]);
    expect(trail.text).not.toContain(secret.slice(6, 30));
  });
}
