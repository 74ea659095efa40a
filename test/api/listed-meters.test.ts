import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';

interface ListedMeters {
  meters: { name: string; resources: number; is_complete: boolean; [field: string]: unknown }[];
  next: string | null;
}
interface ListedResources {
  resources: { resource_id: string; meters: string[]; [field: string]: unknown }[];
  next: string | null;
}

describe('lists of meters in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('lists of meters in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
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

  /** Of p1: cpu of r1, r2 and r3, disk of r1 by another user, memory of r2. Of p2: cpu of r1, and net of s1. */
  async function someMeters(): Promise<void> {
    const rows = [
      ['cpu', 'r1', 'u1', '%', 1, MEMBER],
      ['cpu', 'r2', 'u1', '%', 3, MEMBER],
      ['cpu', 'r3', 'u9', 'ratio', 4, MEMBER],
      ['disk', 'r1', 'u9', 'B', 2, MEMBER],
      ['memory', 'r2', 'u1', 'MB', 2, MEMBER],
      ['cpu', 'r1', 'u2', '%', 5, STRANGER],
      ['net', 's1', 'u2', 'B/s', 1, STRANGER],
    ] as const;
    for (const [meter, resource_id, user_id, counter_unit, minute, as] of rows) {
      const timestamp = `2026-01-01T12:0${minute}:00Z`;
      const body = [{ counter_type: 'gauge', counter_unit, counter_volume: 1, resource_id, user_id, timestamp }];
      expect((await api.ask('POST', `/v2/meters/${meter}`, { as, body })).status).toBe(201);
    }
  }

  const get = async <Answer>(path: string, as: Caller = READER): Promise<Answer> => {
    const answer = await api.ask('GET', path, { as });
    expect([answer.status, answer.status === 200 ? '' : answer.text]).toEqual([200, '']);
    return answer.json<Answer>();
  };
  const metersOf = async (search: string, as?: Caller): Promise<string> => {
    const { meters } = await get<ListedMeters>(`/v1/meters?${search}`, as);
    return meters.map(({ name, resources }) => `${name}:${resources}`).join(' ');
  };
  const resourcesOf = async (search: string, as?: Caller): Promise<string> => {
    const { resources } = await get<ListedResources>(`/v1/resources?${search}`, as);
    return resources.map(({ resource_id, meters }) => `${resource_id}:${meters.join()}`).join(' ');
  };

  test('GET /v1/meters shows each meter once, with type and unit of its newest sample', async () => {
    await someMeters();
    expect(await get('/v1/meters?name=cpu')).toEqual({
      meters: [
        {
          name: 'cpu',
          type: 'gauge',
          unit: 'ratio',
          resources: 3,
          is_complete: true,
          last_sample_at: '2026-01-01T12:04:00Z',
        },
      ],
      next: null,
    });
  });

  test.each([
    ['', 'cpu:3 disk:1 memory:1'],
    ['name=disk', 'disk:1'],
    ['name=dis', ''],
    ['name=cpu&search=CP', 'cpu:3'],
    ['name=cpu&search=mem', ''],
    ['search=M', 'memory:1'],
    ['search=CPU', 'cpu:3'],
    ['search=z', ''],
    ['user_id=u1', 'cpu:2 memory:1'],
    ['user_id=u9', 'cpu:1 disk:1'],
    ['user_id=u9&search=d', 'disk:1'],
    ['user_id=u2', ''],
    ['resource_id=r1', 'cpu:1 disk:1'],
    ['resource_id=r1&user_id=u9', 'disk:1'],
    ['resource_id=r2&search=mem', 'memory:1'],
    ['resource_id=r2&name=cpu', 'cpu:1'],
    ['resource_id=s1', ''],
    ['project_id=p1', 'cpu:3 disk:1 memory:1'],
  ])('GET /v1/meters?%s lists [%s], also page by page', async (search, expected) => {
    await someMeters();
    expect(await metersOf(search)).toBe(expected);
    const pages: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const cursor = next && `&cursor=${next}`;
      const page: ListedMeters = await get(`/v1/meters?${search}&limit=1${cursor}`);
      expect(page.meters.length).toBeLessThanOrEqual(1);
      pages.push(...page.meters.map(({ name, resources }) => `${name}:${resources}`));
      next = page.next;
    }
    expect(pages.join(' ')).toBe(expected);
  });

  test('GET /v1/resources shows each resource once, with its meters and its newest sample', async () => {
    await someMeters();
    expect(await get('/v1/resources?search=R1')).toEqual({
      resources: [
        {
          resource_id: 'r1',
          project_id: 'p1',
          user_id: 'u9',
          source: 'openstack',
          meters: ['cpu', 'disk'],
          meter_count: 2,
          is_complete: true,
          last_sample_at: '2026-01-01T12:02:00Z',
        },
      ],
      next: null,
    });
  });

  test.each([
    ['', 'r1:cpu,disk r2:cpu,memory r3:cpu'],
    ['search=3', 'r3:cpu'],
    ['search=z', ''],
    ['meter=cpu', 'r1:cpu r2:cpu r3:cpu'],
    ['meter=cpu&search=R2', 'r2:cpu'],
    ['meter=net', ''],
    ['user_id=u1', 'r1:cpu r2:cpu,memory'],
    ['user_id=u1&meter=memory', 'r2:memory'],
    ['project_id=p1', 'r1:cpu,disk r2:cpu,memory r3:cpu'],
  ])('GET /v1/resources?%s lists [%s], also page by page', async (search, expected) => {
    await someMeters();
    expect(await resourcesOf(search)).toBe(expected);
    const pages: string[] = [];
    for (let next: string | null = ''; next !== null;) {
      const cursor = next && `&cursor=${next}`;
      const page: ListedResources = await get(`/v1/resources?${search}&limit=1${cursor}`);
      expect(page.resources.length).toBeLessThanOrEqual(1);
      pages.push(...page.resources.map(({ resource_id, meters }) => `${resource_id}:${meters.join()}`));
      next = page.next;
    }
    expect(pages.join(' ')).toBe(expected);
  });

  test('another project sees only its own meters and resources; admins see those of all, or of one', async () => {
    await someMeters();
    expect(await metersOf('', STRANGER)).toBe('cpu:1 net:1');
    expect(await resourcesOf('', STRANGER)).toBe('r1:cpu s1:net');
    expect(await metersOf('', ADMIN)).toBe('cpu:4 disk:1 memory:1 net:1');
    expect(await metersOf('resource_id=r1', ADMIN)).toBe('cpu:2 disk:1');
    expect(await metersOf('project_id=p2&user_id=u2', ADMIN)).toBe('cpu:1 net:1');
    expect(await resourcesOf('', ADMIN)).toBe('r1:cpu,disk r1:cpu r2:cpu,memory r3:cpu s1:net');
    expect(await resourcesOf('meter=cpu', ADMIN)).toBe('r1:cpu r1:cpu r2:cpu r3:cpu');
    const { next } = await get<ListedResources>('/v1/resources?limit=1', ADMIN);
    expect(await resourcesOf(`limit=1&cursor=${next}`, ADMIN)).toBe('r1:cpu');
    expect(await resourcesOf(`cursor=${next}`, STRANGER)).toBe('s1:net');
  });

  test('samples without a project are listed for admins', async () => {
    const body = [{ counter_type: 'gauge', counter_unit: '', counter_volume: 1, resource_id: 'r1' }];
    await api.ask('POST', '/v2/meters/cpu', { as: { 'x-user-id': 'root', 'x-roles': 'admin' }, body });
    const { resources } = await get<ListedResources>('/v1/resources', ADMIN);
    expect(resources).toMatchObject([{ resource_id: 'r1', project_id: null }]);
    expect(await metersOf('')).toBe('');
  });

  test('at most 1,000 resources of a meter are counted', async () => {
    await db.query(
      `insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at,
         last_sample_at, resource_metadata)
       select 'cpu', 'r' || n, 'p1', 's', 'gauge', '%', '2026-01-01', '2026-01-01', '{}'
         from generate_series(1, 1001) n`,
    );
    const { meters } = await get<ListedMeters>('/v1/meters');
    expect(meters).toMatchObject([{ resources: 1_000, is_complete: false }]);
    await db.query("delete from meter_resources where resource_id = 'r7'");
    expect((await get<ListedMeters>('/v1/meters')).meters).toMatchObject([{ resources: 1_000, is_complete: true }]);
  });

  test('a resource with thousands of meters has a page of its own, and no resource is lost', async () => {
    await db.query(
      `insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at,
         last_sample_at, resource_metadata)
       select 'm' || n, resource, 'p1', 's', 'gauge', '%', '2026-01-01', '2026-01-01', '{}'
         from (values ('a', 1), ('b', 6000), ('c', 2)) r(resource, meters), generate_series(1, r.meters) n`,
    );
    const counts: unknown[] = [];
    for (let next: string | null = ''; next !== null;) {
      const page: ListedResources = await get(`/v1/resources${next && `?cursor=${next}`}`);
      counts.push(...page.resources.map((one) => [one.resource_id, one.is_complete, one.meters.length]));
      next = page.next;
    }
    expect(counts).toEqual([
      ['a', true, 1],
      ['b', false, 20],
      ['c', true, 2],
    ]);
  });

  test.each([
    ['search=last', "null, 'r' || n from generate_series(1, 6000) n union all select 'u1', 'z-last'"],
    ['user_id=u1', "'u2', 'r' || n from generate_series(1, 6000) n union all select 'u1', 'z-last'"],
  ])('GET /v1/resources?%s reads a bounded number of rows that do not match', async (search, rows) => {
    await db.query(
      `insert into meter_resources (user_id, resource_id, meter, project_id, source, type, unit, first_sample_at,
         last_sample_at, resource_metadata)
       select owned.*, 'cpu', 'p1', 's', 'gauge', '%', '2026-01-01', '2026-01-01', '{}' from (select ${rows}) owned`,
    );
    const first = await get<ListedResources>(`/v1/resources?${search}`);
    expect(first).toEqual({ resources: [], next: expect.any(String) });
    const second = await get<ListedResources>(`/v1/resources?${search}&cursor=${first.next}`);
    expect(second).toMatchObject({ resources: [{ resource_id: 'z-last', meter_count: 1 }], next: null });
  });

  test('at most 10,000 meters of a resource are listed, which says that they are incomplete', async () => {
    await db.query(
      `insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at,
         last_sample_at, resource_metadata)
       select 'm' || n, 'r1', 'p1', 's', 'gauge', '%', '2026-01-01', '2026-01-01', '{}'
         from generate_series(1, 10001) n`,
    );
    const list = async (): Promise<ListedMeters['meters']> =>
      (await get<ListedMeters>('/v1/meters?resource_id=r1&search=m77')).meters.slice(0, 1);
    expect(await list()).toMatchObject([{ name: 'm77', is_complete: false }]);
    await db.query("delete from meter_resources where meter = 'm5'");
    expect(await list()).toMatchObject([{ name: 'm77', is_complete: true }]);
  });

  test.each([
    ['/v1/meters?limit=101', 'limit'],
    ['/v1/meters?cursor=x', 'cursor'],
    ['/v1/resources?limit=x', 'limit'],
    ['/v1/resources?cursor=x', 'cursor'],
    [`/v1/meters?search=${'x'.repeat(256)}`, 'search'],
    [`/v1/resources?meter=${'x'.repeat(256)}`, 'meter'],
  ])('GET %s is refused, and the error names %s', async (path, field) => {
    const answer = await api.ask('GET', path, { as: MEMBER });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(`field/attribute ${field}.`)]);
  });

  test.each(['/v1/meters', '/v1/resources'])('GET %s refuses a user of all projects', async (path) => {
    const answer = await api.ask('GET', `${path}?user_id=u1`, { as: ADMIN });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('It needs project_id')]);
  });
}
