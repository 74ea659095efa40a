import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { parseApiKey } from '../../src/api/identity/api-key-form.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type Asked, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

const PATH = '/v1/api-keys';
const NO_PROJECT: Caller = { 'x-user-id': 'root', 'x-roles': 'admin' };

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

interface Made {
  id: string;
  key: string;
}

async function make(body: unknown, as: Caller): Promise<Made> {
  const answer = await api.ask('POST', PATH, { as, body });
  expect(answer.status).toBe(201);
  return answer.json<Made & Record<string, unknown>>();
}
const idsSeenBy = async (as: Caller, query = ''): Promise<string[]> =>
  (await api.ask('GET', PATH + query, { as })).json<Made[]>().map(({ id }) => id);

test('POST /v1/api-keys shows the key, and no later answer does', async () => {
  const answer = await api.ask('POST', PATH, { as: MEMBER, body: { description: 'autoscaler', expires_in: 60 } });
  const { key, ...rest } = answer.json<Made & Record<string, unknown>>();
  expect(parseApiKey(key)?.id).toBe(rest.id);
  expect(rest).toEqual({
    id: rest.id,
    project_id: 'p1',
    user_id: 'u1',
    role: 'member',
    all_projects: false,
    description: 'autoscaler',
    created_by: 'u1',
    created_at: '2026-01-01T12:00:00Z',
    expires_at: '2026-01-01T12:01:00Z',
    revoked_at: null,
    last_used_at: null,
  });
  const list = await api.ask('GET', PATH, { as: MEMBER });
  expect(list.json()).toEqual([rest]);
  const { rows } = await db.query<{ secret_hash: string }>('select * from api_keys');
  for (const text of [list.text, JSON.stringify(rows)]) expect(text).not.toContain(key.slice(-43));
  expect(rows[0]?.secret_hash).toBe(parseApiKey(key)?.secretHash);
});

test('without a body it is a member’s key for the own project, for 90 days', async () => {
  const answer = await api.ask('POST', PATH, { as: MEMBER });
  expect(answer.json()).toMatchObject({ project_id: 'p1', role: 'member', expires_at: '2026-04-01T12:00:00Z' });
  const listed = (await api.ask('GET', PATH, { as: MEMBER })).json<Record<string, unknown>[]>();
  expect(listed).toMatchObject([{ expires_at: '2026-04-01T12:00:00Z' }]);
});

describe('a key never has more rights than its creator', () => {
  test.each<[string, Caller, Asked['body'], number]>([
    ['a reader: no key', READER, { role: 'reader' }, 403],
    ['a member: a reader’s', MEMBER, { role: 'reader' }, 201],
    ['a member: not an admin’s', MEMBER, { role: 'admin' }, 403],
    ['a member: not one for all projects', MEMBER, { all_projects: true, role: 'admin' }, 403],
    ['a member: not for another project', MEMBER, { project_id: 'p2' }, 404],
    ['a member: not for another user', MEMBER, { user_id: 'u2' }, 403],
    ['a member: own project and user, by name', MEMBER, { project_id: 'p1', user_id: 'u1' }, 201],
    ['an admin: an admin’s', ADMIN, { role: 'admin' }, 201],
    ['an admin: for all projects', ADMIN, { role: 'admin', all_projects: true }, 201],
    ['an admin: for another project and user', ADMIN, { project_id: 'p2', user_id: 'u2' }, 201],
    ['an admin: for all projects, but of a member', ADMIN, { all_projects: true }, 400],
    ['an admin without a project: has to name one', NO_PROJECT, {}, 400],
  ])('%s', async (_, as, body, status) => {
    const answer = await api.ask('POST', PATH, { as, body });
    expect(answer.status).toBe(status);
    const { rows } = await db.query('select id from api_keys');
    expect(rows).toHaveLength(status === 201 ? 1 : 0);
  });
});

test.each([
  [{ role: 'owner' }, "Invalid input for field/attribute role. Value: 'owner'."],
  [{ expires_in: 0 }, "Invalid input for field/attribute expires_in. Value: '0'."],
  [{ expires_in: null }, "Value: 'None'. Keys made through the API end; leave expires_in out for auth.key_lifetime"],
  [{ expires_in: 'soon' }, "Invalid input for field/attribute expires_in. Value: 'soon'."],
  [{ description: 'x'.repeat(256) }, 'Invalid input for field/attribute description.'],
  [{ secret: 'mine' }, 'Unknown attribute for argument data: secret'],
  [[], 'Invalid input for field/attribute data.'],
])('%j is refused, by name', async (body, fault) => {
  const answer = await api.ask('POST', PATH, { as: MEMBER, body });
  expect(answer.status).toBe(400);
  expect(answer.fault).toContain(fault);
});

describe('keys of others, and of more power, are not there', () => {
  let ids: Record<'own' | 'admins' | 'all' | 'foreign', string>;
  beforeEach(async () => {
    ids = {
      own: (await make({}, MEMBER)).id,
      admins: (await make({ role: 'admin', project_id: 'p1' }, ADMIN)).id,
      all: (await make({ role: 'admin', project_id: 'p1', all_projects: true }, ADMIN)).id,
      foreign: (await make({}, STRANGER)).id,
    };
  });

  test('in lists', async () => {
    expect(await idsSeenBy(MEMBER)).toEqual([ids.own]);
    expect(await idsSeenBy(MEMBER, '?project_id=p1')).toEqual([ids.own]);
    expect(await idsSeenBy(STRANGER)).toEqual([ids.foreign]);
    expect(new Set(await idsSeenBy(ADMIN))).toEqual(new Set(Object.values(ids)));
    expect(await idsSeenBy(ADMIN, '?project_id=p2')).toEqual([ids.foreign]);
    expect((await api.ask('GET', PATH, { as: READER })).status).toBe(403);
    expect((await api.ask('GET', `${PATH}?project_id=p2`, { as: MEMBER })).status).toBe(404);
    expect((await api.ask('GET', `${PATH}?marker=${ids.foreign}`, { as: MEMBER })).status).toBe(400);
  });

  test('to be revoked', async () => {
    const revoke = async (id: string, as: Caller): Promise<number> =>
      (await api.ask('DELETE', `${PATH}/${id}`, { as })).status;
    for (const id of [ids.admins, ids.all, ids.foreign, 'never']) expect(await revoke(id, MEMBER)).toBe(404);
    expect(await revoke(ids.own, READER)).toBe(403);
    expect(await revoke(ids.own, MEMBER)).toBe(204);
    expect(await revoke(ids.own, MEMBER)).toBe(204);
    for (const id of [ids.admins, ids.all, ids.foreign]) expect(await revoke(id, ADMIN)).toBe(204);
  });
});

test('a list goes on behind its marker', async () => {
  for (let made = 0; made < 3; made += 1) await make({}, MEMBER);
  const [first, ...others] = await idsSeenBy(MEMBER);
  expect(await idsSeenBy(MEMBER, '?limit=1')).toEqual([first]);
  expect(await idsSeenBy(MEMBER, `?marker=${first}`)).toEqual(others);
  expect((await api.ask('GET', `${PATH}?limit=1001`, { as: MEMBER })).status).toBe(400);
});
