import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type Answered, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';

const T0 = Date.parse('2026-01-01T12:00:00Z');
/** A moment so many seconds after the first sample, as the API writes it. */
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString().slice(0, 19);

function sample(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    counter_type: 'gauge',
    counter_unit: '%',
    counter_volume: 1,
    resource_id: 'r1',
    timestamp: at(0),
    ...fields,
  };
}

/** r1: 1, 5, 9; r2: 3, 7. */
const SERIES = [
  sample({ counter_volume: 1, timestamp: at(0) }),
  sample({
    counter_volume: 3,
    timestamp: at(30),
    resource_id: 'r2',
    resource_metadata: { size: { gb: 4 }, zone: 'a' },
  }),
  sample({ counter_volume: 5, timestamp: at(60) }),
  sample({ counter_volume: 7, timestamp: at(90), resource_id: 'r2' }),
  sample({ counter_volume: 9, timestamp: at(150), source: 'lab' }),
];

function suite(open: () => Promise<Database>): void {
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

  const post = (body: unknown, meter = 'cpu'): Promise<Answered> =>
    api.ask('POST', `/v2/meters/${encodeURIComponent(meter)}`, { as: MEMBER, body });
  const get = (path: string): Promise<Answered> => api.ask('GET', path, { as: MEMBER });
  const volumes = async (query: string): Promise<unknown[]> =>
    (await get(`/v2/meters/cpu${query}`))
      .json<{ counter_volume: number }[]>()
      .map(({ counter_volume }) => counter_volume);

  test('a sample is answered as it was posted, with defaults for missing fields', async () => {
    const posted = await post([sample({ counter_name: 'cpu', resource_metadata: { zone: 'a' } })]);
    expect(posted.status).toBe(201);
    const now = api.clock.now().toISOString().slice(0, 19);
    expect(posted.text).toMatch(
      new RegExp(
        '^\\[\\{"source": "openstack", "counter_name": "cpu", "counter_type": ' +
          '"gauge", "counter_unit": "%", "counter_volume": 1\\.0, ' +
          `"user_id": "u1", "project_id": "p1", "resource_id": "r1", "timestamp": ` +
          `"${at(0)}", "recorded_at": "${now}", ` +
          '"resource_metadata": \\{"zone": "a"\\}, "message_id": "[0-9a-f-]{36}"\\}\\]$',
      ),
    );
    expect((await get('/v2/meters/cpu')).text).toBe(posted.text);
  });

  test('ten thousand samples are stored by one request', async () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      sample({ counter_volume: index, resource_id: `r${index % 50}`, timestamp: at(index) }),
    );
    expect((await post(many)).status).toBe(201);
    const [all] = (await get('/v2/meters/cpu/statistics')).json<{ count: number; sum: number }[]>();
    expect([all?.count, all?.sum]).toEqual([10_000, 49_995_000]);
    expect((await get('/v2/meters')).json<unknown[]>()).toHaveLength(50);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ counter_volume: 'x' }, "samples[2].counter_volume. Value: 'x'. could not convert string to float: 'x'"],
    [{ counter_volume: undefined }, "samples[2].counter_volume. Value: 'None'. Mandatory field missing."],
    [{ counter_volume: '1e999' }, "samples[2].counter_volume. Value: '1e999'. Value should be a finite number"],
    [
      { counter_volume: 1e101 },
      "samples[2].counter_volume. Value: '1e+101'. Value should be between -1e+100 and 1e+100",
    ],
    [
      { counter_type: 'meter' },
      "samples[2].counter_type. Value: 'meter'. Value should be one of: gauge, delta, cumulative",
    ],
    [{ resource_id: undefined }, "samples[2].resource_id. Value: 'None'. Mandatory field missing."],
    [{ timestamp: 'soon' }, "samples[2].timestamp. Value: 'soon'. Unknown string format: soon"],
    [
      { counter_name: 'memory' },
      "samples[2].counter_name. Value: 'memory'. should be cpu, the meter that is posted to",
    ],
    [
      { resource_metadata: [] },
      "samples[2].resource_metadata. Value: '[]'. Wrong type. Expected an object, got a list",
    ],
  ])('a bad sample %j is named by its place and field, and nothing is stored', async (fields, fault) => {
    const answer = await post([sample(), sample(), sample(fields), sample({ counter_volume: 'y' })]);
    expect([answer.fault, answer.status]).toEqual([`Invalid input for field/attribute ${fault}`, 400]);
    expect((await get('/v2/meters/cpu')).text).toBe('[]');
    expect((await get('/v2/meters')).text).toBe('[]');
  });

  test('an unknown field of a sample is named by its place', async () => {
    const answer = await post([sample(), sample({ zz: 1 })]);
    expect([answer.status, answer.fault]).toEqual([400, 'Unknown attribute for argument samples[1]: zz']);
  });

  test('an empty list stores nothing, a single sample needs no list', async () => {
    expect([(await post([])).status, (await post(sample())).status]).toEqual([201, 201]);
    expect(await volumes('')).toEqual([1]);
  });

  describe('of five samples', () => {
    beforeEach(async () => {
      expect((await post(SERIES)).status).toBe(201);
    });

    test.each<[string, number[]]>([
      ['', [9, 7, 5, 3, 1]],
      ['?limit=2', [9, 7]],
      ['?q.field=resource_id&q.value=r2', [7, 3]],
      ['?q.field=resource&q.value=none', []],
      ['?q.field=source&q.value=lab', [9]],
      ['?q.field=user&q.value=u1', [9, 7, 5, 3, 1]],
      ['?q.field=metadata.zone&q.value=a', [3]],
      ['?q.field=resource_metadata.size.gb&q.value=4', [3]],
      [`?q.field=timestamp&q.op=ge&q.value=${at(60)}`, [9, 7, 5]],
      [`?q.field=timestamp&q.op=gt&q.value=${at(60)}&q.field=timestamp&q.op=lt&q.value=${at(150)}`, [7]],
      [`?q.field=timestamp&q.value=${at(30)}`, [3]],
    ])('the list%s holds %j', async (query, expected) => {
      expect(await volumes(query)).toEqual(expected);
    });

    test('the statistics are those computed by hand', async () => {
      expect((await get('/v2/meters/cpu/statistics')).text).toBe(
        `[{"avg": 5.0, "count": 5, "duration": 150.0, "duration_start": "${at(0)}", "duration_end": "${at(150)}", ` +
          '"groupby": null, "max": 9.0, "min": 1.0, "stddev": ' +
          '2.8284271247461903, "sum": 25.0, "unit": "%", "period": 0, ' +
          `"period_start": "${at(0)}", "period_end": "${at(150)}"}]`,
      );
    });

    const figures = (
      [count, min, max, avg, sum, stddev]: number[],
      [from, to]: number[],
      [start, end]: number[],
    ): Record<string, unknown> => ({
      ...{ count, min, max, avg, sum, stddev, duration: (to ?? 0) - (from ?? 0) },
      ...{
        duration_start: at(from ?? 0),
        duration_end: at(to ?? 0),
        period_start: at(start ?? 0),
        period_end: at(end ?? 0),
      },
    });

    test('the statistics of periods leave out those without samples', async () => {
      expect((await get('/v2/meters/cpu/statistics?period=60')).json()).toMatchObject([
        figures([2, 1, 3, 2, 4, 1], [0, 30], [0, 60]),
        figures([2, 5, 7, 6, 12, 1], [60, 90], [60, 120]),
        figures([1, 9, 9, 9, 9, 0], [150, 150], [120, 180]),
      ]);
      expect((await get('/v2/meters/cpu/statistics?period=40')).json()).toMatchObject([
        figures([2, 1, 3, 2, 4, 1], [0, 30], [0, 40]),
        figures([1, 5, 5, 5, 5, 0], [60, 60], [40, 80]),
        figures([1, 7, 7, 7, 7, 0], [90, 90], [80, 120]),
        figures([1, 9, 9, 9, 9, 0], [150, 150], [120, 160]),
      ]);
    });

    test('periods begin at the start of the query', async () => {
      const query = `period=60&q.field=timestamp&q.op=ge&q.value=${at(-30)}`;
      expect((await get(`/v2/meters/cpu/statistics?${query}`)).json()).toMatchObject([
        figures([1, 1, 1, 1, 1, 0], [0, 0], [-30, 30]),
        figures([2, 3, 5, 4, 8, 1], [30, 60], [30, 90]),
        figures([1, 7, 7, 7, 7, 0], [90, 90], [90, 150]),
        figures([1, 9, 9, 9, 9, 0], [150, 150], [150, 210]),
      ]);
    });

    test('groups are apart, and in periods too', async () => {
      expect((await get('/v2/meters/cpu/statistics?groupby=resource_id')).json()).toMatchObject([
        {
          groupby: { resource_id: 'r1' },
          count: 3,
          min: 1,
          max: 9,
          avg: 5,
          sum: 15,
          stddev: expect.closeTo(Math.sqrt(32 / 3), 10),
        },
        { groupby: { resource_id: 'r2' }, count: 2, min: 3, max: 7, avg: 5, sum: 10, stddev: 2 },
      ]);
      expect(
        (await get('/v2/meters/cpu/statistics?groupby=resource_id&groupby=source&period=120')).json(),
      ).toMatchObject([
        { groupby: { resource_id: 'r1', source: 'openstack' }, count: 2, period_start: at(0) },
        { groupby: { resource_id: 'r2', source: 'openstack' }, count: 2, period_start: at(0) },
        { groupby: { resource_id: 'r1', source: 'lab' }, count: 1, period_start: at(120) },
      ]);
    });

    test('statistics of nothing are none', async () => {
      expect((await get('/v2/meters/none/statistics?period=60&groupby=source')).text).toBe('[]');
    });

    test('meters and resources are listed with all their fields', async () => {
      await post([sample({ counter_type: 'delta', counter_unit: 'B', timestamp: at(10) })], 'disk/io');
      expect((await get('/v2/meters?q.field=resource_id&q.value=r1')).text).toBe(
        '[{"name": "cpu", "type": "gauge", "unit": "%", "resource_id": "r1", ' +
          '"project_id": "p1", "user_id": "u1", "source": "lab", ' +
          `"meter_id": "${Buffer.from('r1+cpu').toString('base64')}"}, ` +
          '{"name": "disk/io", "type": "delta", "unit": "B", ' +
          '"resource_id": "r1", "project_id": "p1", "user_id": "u1", ' +
          `"source": "openstack", "meter_id": "${Buffer.from('r1+disk/io').toString('base64')}"}]`,
      );
      const link = (rel: string, path: string): object => ({ href: api.url + path, rel });
      expect((await get('/v2/resources/r1')).json()).toEqual({
        resource_id: 'r1',
        project_id: 'p1',
        user_id: 'u1',
        source: 'lab',
        first_sample_timestamp: at(0),
        last_sample_timestamp: at(150),
        metadata: {},
        links: [
          link('self', '/v2/resources/r1'),
          link('cpu', '/v2/meters/cpu?q.field=resource_id&q.value=r1'),
          link('disk/io', '/v2/meters/disk%2Fio?q.field=resource_id&q.value=r1'),
        ],
      });
      expect((await get('/v2/resources')).json()).toMatchObject([{ resource_id: 'r1' }, { resource_id: 'r2' }]);
      const absent = await get('/v2/resources/none');
      expect([absent.status, absent.fault]).toEqual([404, 'Resource none not found']);
      expect((await get('/v2/meters/disk%2Fio')).json<unknown[]>()).toHaveLength(1);
    });
  });

  test('a late sample neither hides the newest nor moves the end back', async () => {
    await post([sample({ timestamp: at(100), counter_unit: 'new' })]);
    await post([sample({ timestamp: at(50), counter_unit: 'old' })]);
    expect((await get('/v2/resources/r1')).json()).toMatchObject({
      first_sample_timestamp: at(50),
      last_sample_timestamp: at(100),
    });
    expect((await get('/v2/meters')).json()).toMatchObject([{ unit: 'new' }]);
  });

  test('the largest volumes can be summed up', async () => {
    await post([
      sample({ counter_volume: 1e100 }),
      sample({ counter_volume: -1e100 }),
      sample({ counter_volume: 1e100 }),
    ]);
    expect((await get('/v2/meters/cpu/statistics')).json()).toMatchObject([{ count: 3, max: 1e100, min: -1e100 }]);
  });

  test.each([
    ['/v2/meters/cpu?limit=10001', "Invalid input for field/attribute limit. Value: '10001'. at most 10000"],
    ['/v2/meters/cpu?q.field=zz&q.value=1', 'Unknown argument: "zz": unrecognized field in query'],
    [
      '/v2/meters/cpu?q.field=user&q.op=gt&q.value=1',
      "Invalid input for field/attribute op. Value: 'gt'. unimplemented operator for user",
    ],
    [
      '/v2/meters/cpu?q.field=timestamp&q.value=x',
      "Invalid input for field/attribute timestamp. Value: 'x'. invalid timestamp format",
    ],
    [
      '/v2/meters/cpu/statistics?period=x',
      "Invalid input for field/attribute period. Value: 'x'. invalid literal for int() with base 10: 'x'",
    ],
    [
      '/v2/meters/cpu/statistics?period=-1',
      "Invalid input for field/attribute period. Value: '-1'. invalid literal for int() with base 10: '-1'",
    ],
    [
      '/v2/meters/cpu/statistics?groupby=zz',
      "Invalid input for field/attribute groupby. Value: 'zz'. Value should " +
        'be one of: resource_id, project_id, user_id, source',
    ],
    ['/v2/meters?q.field=metadata.x&q.value=1', 'Unknown argument: "metadata": not valid for this resource'],
  ])('GET %s is refused', async (path, fault) => {
    const answer = await get(path);
    expect([answer.status, answer.fault]).toEqual([400, fault]);
  });
}

describe('meters on the embedded database', () => suite(embeddedDatabase));
describeWithPostgres('meters on PostgreSQL', () => suite(serverDatabase));
