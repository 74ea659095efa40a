import { beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MOST_SILENCES } from '../../src/storage/silences/silence-store.js';
import { ADMIN, MEMBER, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { NOON, SILENCE_BODY, silencesRig } from '../support/silences-rig.js';
import { storeManySilences } from '../support/stored-silences.js';

type Json = Record<string, unknown>;

const LATER = new Date(NOON.getTime() + 60_000);

describe('silences of several projects, and long lists, on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('silences of several projects, and long lists, on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const { database, api: theApi, setClock, post, get, send, make, pages, idsIn } = silencesRig(open);
  let db: Database;
  let api: TestApi;
  beforeAll(() => {
    [db, api] = [database(), theApi()];
  });

  describe('a silence of several projects', () => {
    const BOTH = { project_ids: ['p2', 'p1', 'p1'] };
    const OPS = { ...ADMIN, 'x-project-id': 'ops' };
    const OTHER = { ...MEMBER, 'x-project-id': 'p3' };

    test('is shown to an admin with all of them, and to a member with their own only', async () => {
      const id = await make(BOTH, OPS);
      expect((await send('GET', id, OPS)).json()).toMatchObject({ project_ids: ['p1', 'p2'], may_change: true });
      for (const [as, project] of [
        [MEMBER, 'p1'],
        [STRANGER, 'p2'],
      ] as const) {
        expect((await send('GET', id, as)).json()).toMatchObject({ project_ids: [project], may_change: false });
        expect((await get('/v1/silences', as)).json()).toMatchObject({ silences: [{ id, project_ids: [project] }] });
        expect((await send('PUT', id, as, SILENCE_BODY)).status).toBe(403);
        expect((await send('DELETE', id, as)).status).toBe(403);
      }
      expect((await send('GET', id, OTHER)).status).toBe(404);
      expect(await idsIn('', OTHER)).toEqual([]);
    });

    test('is listed by each of them and by their alarms, among the silences of one project and of all', async () => {
      const alarm = await api.create(thresholdBody({ name: 'web-1' }), MEMBER);
      const own = await make();
      const both = await make(BOTH, OPS);
      const all = await make({ all_projects: true }, OPS);
      await make({ project_ids: ['p2', 'p3'] }, OPS);
      for (const search of ['', `?alarm_id=${alarm}`, '?status=active', '?project_id=p1'])
        expect((await idsIn(search)).sort()).toEqual([own, both, all].sort());
      expect((await idsIn('?project_id=p1', OPS)).sort()).toEqual([own, both, all].sort());
    });

    test('stays with them, in any order, and is changed and ended by admins', async () => {
      const id = await make(BOTH, OPS);
      expect((await send('PUT', id, OPS, { ...SILENCE_BODY, project_ids: ['p1'] })).status).toBe(400);
      const replaced = await send('PUT', id, OPS, { ...SILENCE_BODY, ...BOTH, reason: 'two updates' });
      expect(replaced.json()).toMatchObject({ project_ids: ['p1', 'p2'], reason: 'two updates' });
      expect((await send('DELETE', id, OPS)).status).toBe(204);
      expect((await send('GET', id)).json()).toMatchObject({ status: 'ended', project_ids: ['p1'] });
    });

    test('previews the alarms of all of them', async () => {
      for (const as of [MEMBER, STRANGER, OTHER]) await api.create(thresholdBody({ name: 'web-1' }), as);
      const answer = await api.ask('POST', '/v1/silences/preview', { as: OPS, body: { ...SILENCE_BODY, ...BOTH } });
      const { count, alarms } = answer.json<{ count: number; alarms: Json[] }>();
      expect([count, alarms.map(({ project_id }) => project_id)]).toEqual([2, ['p1', 'p2']]);
    });

    test('names at least one project, and none together with all of them', async () => {
      for (const fields of [{ project_ids: [] }, { ...BOTH, all_projects: true }, { project_ids: 'p1' }])
        expect((await post({ ...SILENCE_BODY, ...fields }, OPS)).status).toBe(400);
    });

    test('is counted with others of several projects: they do not count towards the limit of a project', async () => {
      await storeManySilences(db, { projects: ['p1', 'p2'], count: MOST_SILENCES, isOver: false, at: NOON });
      const refused = await post({ ...SILENCE_BODY, ...BOTH }, OPS);
      expect([refused.status, refused.fault]).toEqual([
        403,
        `There are ${MOST_SILENCES} active and planned silences of several projects, which is the limit: ` +
          'end one, or wait for its end',
      ]);
      expect((await post(SILENCE_BODY)).status).toBe(201);
    });
  });

  test('a list without a match reads a bounded number of silences, and goes on with its cursor', async () => {
    const alarm = await api.create(thresholdBody({ name: 'web-1' }), MEMBER);
    const id = await make();
    await send('DELETE', id);
    setClock(LATER);
    await storeManySilences(db, { projects: ['p1'], count: 3_500, isOver: true, at: LATER });
    const found = await pages(`status=ended&alarm_id=${alarm}`);
    expect(found.map(({ silences }) => silences.map((one) => one.id))).toEqual([[], [id]]);
  });

  test('a list of silences that are not over has them on one page, however many do not match', async () => {
    const alarm = await api.create(thresholdBody({ name: 'web-1' }), MEMBER);
    const id = await make();
    setClock(LATER);
    for (const projects of [['p1'], ['*'], ['p1', 'p2']])
      await storeManySilences(db, { projects, count: MOST_SILENCES - 1, isOver: false, at: LATER });
    expect((await pages(`alarm_id=${alarm}`)).map(({ silences }) => silences.map((one) => one.id))).toEqual([[id]]);
  });
}
