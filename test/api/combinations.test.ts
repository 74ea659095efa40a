import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  type Caller,
  combinationBody,
  MEMBER,
  startApi,
  STRANGER,
  type TestApi,
  thresholdBody,
} from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';

/** The embedded database runs one transaction after the other, so rounds differ less there. */
const ROUNDS = { embedded: 5, server: 20 };

function suite(open: () => Promise<Database>, rounds: number): void {
  let db: Database;
  let api: TestApi;

  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
  });
  beforeEach(() => empty(db));
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  const alarm = (as: Caller = MEMBER): Promise<string> => api.create(thresholdBody(), as);
  const combine = (ids: readonly string[], as: Caller = MEMBER): Promise<string> =>
    api.create(combinationBody(ids), as);
  const put = async (
    id: string,
    ids: readonly string[],
    as: Caller = MEMBER,
  ): Promise<[number, string | undefined]> => {
    const { status, fault } = await api.ask('PUT', `/v2/alarms/${id}`, { as, body: combinationBody(ids) });
    return [status, fault];
  };
  const post = async (ids: readonly string[], as: Caller = MEMBER): Promise<[number, string | undefined]> => {
    const { status, fault } = await api.ask('POST', '/v2/alarms', { as, body: combinationBody(ids) });
    return [status, fault];
  };

  test('members that are not there, foreign, or deleted are refused', async () => {
    const [own, foreign, gone] = [await alarm(), await alarm(STRANGER), await alarm()];
    await api.ask('DELETE', `/v2/alarms/${gone}`, { as: MEMBER });
    for (const id of ['nope', foreign, gone])
      expect(await post([own, id])).toEqual([404, `Alarm ${id} not found in project p1`]);
    expect(await post([own, 'nope'], ADMIN)).toEqual([404, 'Alarm nope not found']);
    expect((await post([own, foreign], ADMIN))[0]).toBe(201);
    const onBehalf = { as: ADMIN, body: combinationBody([own, foreign], { project_id: 'p1' }) };
    expect((await api.ask('POST', '/v2/alarms', onBehalf)).fault).toBe(`Alarm ${foreign} not found in project p1`);
    expect((await api.ask('GET', '/v2/alarms', { as: MEMBER })).json<unknown[]>()).toHaveLength(1);
  });

  test('fewer than two different members are refused', async () => {
    const own = await alarm();
    const fault = 'Alarm combination rule should contain at least two different alarm ids.';
    for (const ids of [[], [own], [own, own]]) expect(await post(ids)).toEqual([400, fault]);
  });

  test('a combination that contains itself is refused', async () => {
    const [a, b] = [await alarm(), await alarm()];
    expect(await put(a, [a, b])).toEqual([400, `Cannot specify alarm ${a} itself in combination rule`]);
  });

  test('circles of two and of three are refused, and name their way', async () => {
    const [x, y] = [await alarm(), await alarm()];
    const one = await combine([x, y]);
    const two = await combine([one, x]);
    const three = await combine([two, x]);
    const fault = 'Alarm combination rule would make a circle: ';
    expect(await put(one, [two, x])).toEqual([400, `${fault}${one} -> ${two} -> ${one}`]);
    expect(await put(one, [x, three])).toEqual([400, `${fault}${one} -> ${three} -> ${two} -> ${one}`]);
    expect((await put(three, [one, x]))[0]).toBe(200);
  });

  test('a circle that a replacement opened may be closed the other way round', async () => {
    const [x, y] = [await alarm(), await alarm()];
    const one = await combine([x, y]);
    const two = await combine([one, x]);
    expect((await put(two, [x, y]))[0]).toBe(200);
    expect((await put(one, [two, x]))[0]).toBe(200);
  });

  test('a member may be deleted', async () => {
    const [x, y] = [await alarm(), await alarm()];
    const one = await combine([x, y]);
    expect((await api.ask('DELETE', `/v2/alarms/${x}`, { as: MEMBER })).status).toBe(204);
    expect((await api.ask('GET', `/v2/alarms/${one}`, { as: MEMBER })).status).toBe(200);
  });

  test('of two replacements at once that would close a circle exactly one succeeds', async () => {
    const [x, y] = [await alarm(), await alarm()];
    const [one, two] = [await combine([x, y]), await combine([x, y])];
    for (let round = 0; round < rounds; round += 1) {
      const answers = await Promise.all([put(one, [two, x]), put(two, [one, x])]);
      expect(answers.map(([status]) => status).sort()).toEqual([200, 400]);
      await Promise.all([put(one, [x, y]), put(two, [x, y])]);
    }
  });

  test(
    'of two replacements at once without a project in common, which ' +
      'would close a circle over four, exactly one succeeds',
    async () => {
      const projects = ['p1', 'p2', 'p3', 'p4'];
      const leaf = await Promise.all(projects.map((project_id) => api.create(thresholdBody({ project_id }), ADMIN)));
      const ring = await Promise.all(projects.map((project_id) => api.create(thresholdBody({ project_id }), ADMIN)));
      // An admin of the alarm's project may combine all alarms; an admin of another project only those its owner sees.
      const adminOf = (at: number): Caller => ({ ...ADMIN, 'x-project-id': projects[at] ?? '' });
      const membersOf = (at: number): string[] => [ring[(at + 1) % ring.length] ?? '', leaf[at] ?? ''];
      for (let round = 0; round < rounds; round += 1) {
        // Two are there already; the two that are left have no project in common.
        for (const at of [0, 2]) expect((await put(ring[at] ?? '', membersOf(at), adminOf(at)))[0]).toBe(200);
        const answers = await Promise.all([1, 3].map((at) => put(ring[at] ?? '', membersOf(at), adminOf(at))));
        const statuses = answers.map(([status]) => status);
        // 409: the other connected it with a further project at the same moment, and the client is to try again.
        for (const [n, at] of [1, 3].entries())
          if (statuses[n] === 409) [statuses[n]] = await put(ring[at] ?? '', membersOf(at), adminOf(at));
        expect(statuses.sort()).toEqual([200, 400]);
        for (const [at, id] of ring.entries()) expect((await put(id, leaf, adminOf(at)))[0]).toBe(200);
      }
    },
  );
}

describe('combinations on the embedded database', () => suite(embeddedDatabase, ROUNDS.embedded));
describeWithPostgres('combinations on PostgreSQL', () => suite(serverDatabase, ROUNDS.server));
