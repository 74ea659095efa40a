import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';

import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import { createSystemClock } from '../../../src/clock.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { probeGnocchi } from '../../../src/datasource/gnocchi/queries/requester.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { eventually } from '../../support/eventually.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { describeWith } from '../../support/servers.js';

const NOW = new Date('2026-01-01T12:10:30Z');
const PERIODS = 10;
const CREATOR = 'admin-user:admin-project';
const SERVICE = 'service-user:service-project:admin';
const AGGREGATES = ['mean', 'median', 'std', 'min', 'max', 'sum'];
const STORED = [...AGGREGATES, 'count', 'last', 'rate:mean'];

interface Made {
  id: string;
  metrics?: Record<string, string>;
}

describeWith(['postgres', 'gnocchi'], 'alarms of a real Gnocchi', () => {
  let gnocchi: RealGnocchi;
  let datasource: Datasource<GnocchiQuery>;
  let requests = 0;
  const made: Record<string, Made> = {};

  async function create(name: string, path: string, body: object, user = ADMIN_TOKEN): Promise<Made> {
    const answer = await gnocchi.ask('POST', path, { body, user });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return (made[name] = answer.body as Made);
  }

  async function ask(...queries: GnocchiQuery[]): Promise<BackendAnswer[]> {
    const keyed = queries.map((query, index) => ({ key: `${index} ${JSON.stringify(query)}`, query }));
    const asking = {
      now: NOW,
      signal: new AbortController().signal,
      trace: { sent: () => (requests += 1), dropped: () => undefined },
    };
    const answers = await datasource.answers({ granularityS: 60, periods: PERIODS, lagS: 0, queries: keyed }, asking);
    return keyed.map(({ key }) => answers.get(key)!);
  }

  function ofResource(
    resourceId: string,
    rest: Partial<Extract<GnocchiQuery, { kind: 'resource' }>> = {},
  ): GnocchiQuery {
    return { kind: 'resource', resourceId, metric: 'cpu', method: 'mean', project: null, ...rest };
  }

  function ofMetrics(
    metrics: readonly string[],
    rest: Partial<Extract<GnocchiQuery, { kind: 'metrics' }>> = {},
  ): GnocchiQuery {
    return { kind: 'metrics', metrics, method: 'mean', project: null, ...rest };
  }

  function ofSearch(search: object, rest: Partial<Extract<GnocchiQuery, { kind: 'resources' }>> = {}): GnocchiQuery {
    return {
      kind: 'resources',
      search: JSON.stringify(search),
      resourceType: 'instance',
      metric: 'cpu',
      method: 'mean',
      ...rest,
    };
  }

  beforeAll(async () => {
    gnocchi = await startGnocchi({ metricd: true, tokens: true });
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    datasource = createGnocchiDatasource({
      client: createGnocchiClient({ url: gnocchi.url, auth: { kind: 'token', tokens }, timeoutMs: 30_000 }),
      observer: { succeeded: () => undefined, failed: () => undefined },
      clock: createSystemClock(),
      creator: () => Promise.resolve(CREATOR),
      externalOwner: () => Promise.resolve('service-project'),
    });
    const text = { type: 'string', required: false, max_length: 255 };
    await create('', '/v1/resource_type', { name: 'instance', attributes: { server_group: text } });
    const definition = [{ granularity: '60s' }];
    await create('', '/v1/archive_policy', { name: 'all', aggregation_methods: STORED, definition });
    await create('', '/v1/archive_policy', { name: 'max', aggregation_methods: ['max'], definition });
    await create('', '/v1/archive_policy', {
      name: 'slow',
      aggregation_methods: ['mean'],
      definition: [{ granularity: '300s' }],
    });
    const cpu = { cpu: { archive_policy_name: 'all' } };
    for (const name of ['a', 'b', 'c', 'd']) {
      await create(name, '/v1/resource/instance', {
        id: randomUUID(),
        server_group: name < 'c' ? 's1' : 's2',
        metrics: cpu,
      });
    }
    const starred = { 'cpu*': { archive_policy_name: 'all' }, cpu_: { archive_policy_name: 'all' } };
    await create('starred', '/v1/resource/generic', { id: randomUUID(), metrics: starred });
    await create('max', '/v1/resource/generic', { id: randomUUID(), metrics: { cpu: { archive_policy_name: 'max' } } });
    await create('slow', '/v1/resource/generic', {
      id: randomUUID(),
      metrics: { cpu: { archive_policy_name: 'slow' } },
    });
    await create('bare', '/v1/resource/generic', { id: randomUUID() });
    await create('named', '/v1/resource/generic', { id: 'instance-7', metrics: cpu });
    const ofP1 = { id: randomUUID(), project_id: 'p_1', metrics: cpu };
    await create('p1', '/v1/resource/generic', ofP1, 'u:p_1:member');
    await create('measured for p1', '/v1/resource/generic', { ...ofP1, id: randomUUID() }, SERVICE);
    await create('pX1', '/v1/resource/generic', { id: randomUUID(), metrics: cpu }, 'u:pX1:member');
    await measure();
  });

  /** A value a minute from 12:00, each for some metrics only. */
  async function measure(): Promise<void> {
    const body: Record<string, object[]> = {};
    const names = Object.entries(made).filter(([, { metrics }]) => metrics !== undefined);
    for (const [index, [, { metrics }]] of names.entries()) {
      for (const id of Object.values(metrics ?? {})) {
        body[id] = Array.from({ length: 11 }, (_, minute) => minute)
          .filter((minute) => (minute * 7 + index * 3) % 4 !== 0)
          .map((minute) => ({
            timestamp: `2026-01-01T12:${String(minute).padStart(2, '0')}:07`,
            value: (minute * 1.7 + index) ** 2 / 3,
          }));
      }
    }
    await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
    await eventually(async () => {
      const status = await gnocchi.ask('GET', '/v1/status?details=false');
      expect(status.body).toMatchObject({ storage: { summary: { measures: 0 } } });
      for (const id of Object.keys(body)) {
        if (id === made['max']!.metrics!['cpu']) continue;
        const rows = await gnocchi.ask('GET', `/v1/metric/${id}/measures?aggregation=mean`);
        expect(rows.body).not.toEqual([]);
      }
    });
  }

  afterAll(async () => {
    datasource.close?.();
    await gnocchi.stop();
  });

  /** What Gnocchi itself says, with the window of the alarms. */
  async function truth(operations: unknown, search?: object): Promise<unknown> {
    const window = 'granularity=60&needed_overlap=0&start=2026-01-01T12:00:30&stop=2026-01-01T12:10:30';
    const body = { operations, ...(search && { search, resource_type: 'instance' }) };
    const answer = await gnocchi.ask('POST', `/v1/aggregates?${window}`, { body });
    const { measures } = answer.body as { measures: { aggregated: [string, number, number][] } };
    return measures.aggregated.map(([at, , value]) => ({
      at: Date.parse(at),
      values: { value: expect.closeTo(value, 9) },
    }));
  }

  test('are told the rows of one metric of one resource, from the minute in which the window begins', async () => {
    const [answer] = await ask(ofResource(made['a']!.id));
    const rows = await gnocchi.ask(
      'GET',
      `/v1/metric/${made['a']!.metrics!['cpu']}/measures?granularity=60&start=2026-01-01T12:00:30&stop=2026-01-01T12:10:30`,
    );
    const points = (rows.body as [string, number, number][]).map(([at, , value]) => ({
      at: Date.parse(at),
      values: { value },
    }));
    expect(points.length).toBeGreaterThan(4);
    expect(answer).toEqual({ kind: 'series', series: [points] });
  });

  describe('are told why there is no answer', () => {
    const nobodys = randomUUID();
    const id = (name: string): string => made[name]!.id;
    const cpu = (name: string): string => made[name]!.metrics!['cpu']!;
    const failed = 'alarm statistics retrieval failed: ';
    test.each<[string, () => GnocchiQuery, () => [kind: string, reason: unknown]]>([
      [
        'a resource that does not exist',
        () => ofResource(nobodys),
        () => ['absent', `resource ${nobodys} does not exists`],
      ],
      ['an id that no resource can have', () => ofResource('a/b'), () => ['absent', 'resource a/b does not exists']],
      [
        'a name that nobody gave',
        () => ofResource('instance-8'),
        () => ['absent', 'resource instance-8 does not exists'],
      ],
      [
        'a resource without metrics',
        () => ofResource(id('bare')),
        () => ['absent', `metric cpu for resource ${id('bare')} does not exists`],
      ],
      [
        'a metric that the resource has not',
        () => ofResource(id('a'), { metric: 'c*' }),
        () => ['absent', `metric c* for resource ${id('a')} does not exists`],
      ],
      [
        'a method that the metric has not',
        () => ofResource(id('max')),
        () => ['refused', `aggregation mean does not exist for metric cpu of resource ${id('max')}`],
      ],
      [
        'a granularity that the metric has not',
        () => ofResource(id('slow')),
        () => ['refused', `aggregation mean does not exist for metric cpu of resource ${id('slow')}`],
      ],
      [
        'metrics of which one does not exist',
        () => ofMetrics([cpu('a'), nobodys]),
        () => ['absent', `aggregation mean does not exist for at least one metrics in ['${cpu('a')}', '${nobodys}']`],
      ],
      [
        'metrics of which one has not the method',
        () => ofMetrics([cpu('a'), cpu('max')]),
        () => [
          'refused',
          `aggregation mean does not exist for at least one metrics in ['${cpu('a')}', '${cpu('max')}']`,
        ],
      ],
      [
        'metrics of which one has not the granularity',
        () => ofMetrics([cpu('a'), cpu('slow')]),
        () => [
          'refused',
          expect.stringMatching(`^${failed}.*Granularities are missing.*${cpu('slow')}.*\\(HTTP 400\\)$`),
        ],
      ],
      [
        'ids of metrics that are none',
        () => ofMetrics([cpu('a'), 'x']),
        () => [
          'refused',
          `${failed}{'cause': 'Invalid metric references', 'reason': 'badly formed hexadecimal UUID string', 'detail': [['${cpu('a')}', 'mean'], ['x', 'mean']]} (HTTP 400)`,
        ],
      ],
      [
        'a method for which there is no operation',
        () => ofMetrics([cpu('a')], { method: 'last' }),
        () => [
          'refused',
          expect.stringMatching(`^${failed}{'cause': 'Invalid input', .*'detail': \\['operations'\\]} \\(HTTP 400\\)$`),
        ],
      ],
      [
        'a metric that nothing has',
        () => ofSearch({}, { metric: 'none' }),
        () => ['absent', 'metric none does not exists'],
      ],
      [
        'a method that something found has not',
        () => ofSearch({}, { resourceType: 'generic' }),
        () => ['refused', 'aggregation mean does not exist for at least one metric of the query'],
      ],
      [
        'a type of resources that there is not',
        () => ofSearch({}, { resourceType: 'none' }),
        () => ['refused', `${failed}{'cause': 'Resource type does not exist', 'detail': 'none'} (HTTP 400)`],
      ],
    ])('for %s', async (_, query, expected) => {
      const [kind, reason] = expected();
      expect(await ask(query())).toEqual([{ kind, reason }]);
    });
  });

  test('have names for resources that are theirs alone, and metrics whose names look like patterns', async () => {
    const [named, starred, plain] = await ask(
      ofResource('instance-7'),
      ofResource(made['starred']!.id, { metric: 'cpu*' }),
      ofResource(made['named']!.id),
    );
    expect(named).toEqual(plain);
    for (const answer of [named, starred])
      expect(answer).toMatchObject({ kind: 'series', series: [{ length: expect.any(Number) }] });
  });

  test('of a project see what it created and what was measured for it, and nothing else', async () => {
    const seen = async (project: string): Promise<string[]> => {
      const names = ['a', 'p1', 'measured for p1', 'pX1'];
      const resources = await ask(...names.map((name) => ofResource(made[name]!.id, { project })));
      const metrics = await ask(...names.map((name) => ofMetrics([made[name]!.metrics!['cpu']!], { project })));
      expect(metrics.map(({ kind }) => kind)).toEqual(resources.map(({ kind }) => kind));
      return names.filter((_, index) => resources[index]!.kind === 'series');
    };
    expect(await seen('p_1')).toEqual(['p1', 'measured for p1']);
    expect(await seen('pX1')).toEqual(['pX1']);
    expect(await seen('admin-project')).toEqual(['a']);
    expect(await seen('')).toEqual([]);
    const hidden = made['max']!;
    expect(
      await ask(ofResource(hidden.id, { project: 'p_1' }), ofMetrics([hidden.metrics!['cpu']!], { project: 'p_1' })),
    ).toEqual([
      { kind: 'absent', reason: `resource ${hidden.id} does not exists` },
      {
        kind: 'absent',
        reason: `aggregation mean does not exist for at least one metrics in ['${hidden.metrics!['cpu']}']`,
      },
    ]);
  });

  test.each([...AGGREGATES, ...AGGREGATES.map((method) => `rate:${method}`)])(
    'aggregate metrics by %s as Gnocchi does',
    async (method) => {
      const stored = method.replace('rate:', '');
      await fc.assert(
        fc.asyncProperty(fc.subarray(['a', 'b', 'c', 'd', 'named', 'p1'], { minLength: 1 }), async (names) => {
          const ids = names.map((name) => made[name]!.metrics!['cpu']!);
          const [answer] = await ask(ofMetrics(ids, { method }));
          const expected = await truth(['aggregate', method, ['metric', ...ids.map((id) => [id, stored])]]);
          expect(answer).toEqual({ kind: 'series', series: [expected] });
        }),
        { numRuns: 6 },
      );
    },
  );

  describe('with measures that are NaN or infinite', () => {
    const at = (minute: number): number => Date.parse('2026-01-01T12:00:00Z') + minute * 60_000;
    const odd: { one: string[]; other: string[] } = { one: [], other: [] };

    /** One metric each of two resources of one group; a text a minute from 12:02, where there is one. */
    async function measured(texts: { one: string; other: string }): Promise<void> {
      const body: Record<string, object[]> = {};
      for (const name of ['one', 'other'] as const) {
        const { id, metrics } = await create(`odd ${name}`, '/v1/resource/instance', {
          id: randomUUID(),
          server_group: 'odd',
          metrics: { cpu: { archive_policy_name: 'all' } },
        });
        odd[name] = [id, metrics!['cpu']!];
        const values = texts[name].split(' ');
        body[metrics!['cpu']!] = values.flatMap((value, minute) =>
          value === '·' ? [] : [{ timestamp: new Date(at(minute + 2) + 7_000).toISOString().slice(0, 19), value }],
        );
      }
      await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
      await eventually(async () => {
        const rows = odd.one.length > 0 && (await ask(ofMetrics([odd.one[1]!]), ofMetrics([odd.other[1]!])));
        expect(rows).toMatchObject([{ series: [{ length: 5 }] }, { series: [{ length: 6 }] }]);
      });
    }

    beforeAll(() => measured({ one: 'nan inf -inf · 5 1e308', other: 'nan -inf -inf 7 nan 1e308' }));

    function pointsOf(values: string, from = 2): object[] {
      const written = values.split(' ').map((value, index) => ({ at: at(from + index), value }));
      const point = ({ at: when, value }: { at: number; value: string }) => ({
        at: when,
        values: value === 'nan' ? {} : { value: Number(value.replace('inf', 'Infinity')) },
      });
      return written.filter(({ value }) => value !== '·').map(point);
    }

    test('metrics asked together have their own rows, all of them', async () => {
      const a = made['a']!;
      const alone = await ask(ofMetrics([a.metrics!['cpu']!]));
      const together = await ask(
        ofMetrics([a.metrics!['cpu']!]),
        ofMetrics([odd.one[1]!]),
        ofResource(odd.one[0]!),
        ofResource(odd.other[0]!),
      );
      const one = { kind: 'series', series: [pointsOf('nan inf -inf · 5 1e308')] };
      const other = { kind: 'series', series: [pointsOf('nan -inf -inf 7 nan 1e308')] };
      expect(together).toEqual([...alone, one, one, other]);
    });

    // Of one measure a minute there is no deviation.
    const methods = AGGREGATES.filter((method) => method !== 'std');
    test.each([...methods, ...methods.map((method) => `rate:${method}`)])(
      'are aggregated by %s here as there, and found by a search, alone and among others',
      async (method) => {
        const searches = ['odd', 's1'].map((group) => ofSearch({ '=': { server_group: group } }, { method }));
        const [here] = await ask(ofMetrics([odd.one[1]!, odd.other[1]!], { method }));
        const [there] = await ask(searches[0]!);
        const [among] = await ask(...searches);
        const numbers = (answer: BackendAnswer | undefined) =>
          answer?.kind === 'series' && answer.series[0]!.map(({ at: when, values }) => [when, values['value'] ?? NaN]);
        expect(numbers(here)).toEqual(numbers(there));
        expect(numbers(among)).toEqual(numbers(there));
        expect(numbers(there)).toHaveLength(method.startsWith('rate') ? 5 : 6);
      },
    );

    test('give an infinite sum', async () => {
      const [sum] = await ask(ofSearch({ '=': { server_group: 'odd' } }, { method: 'sum' }));
      expect(sum).toEqual({ kind: 'series', series: [pointsOf('0 nan -inf 7 5 inf')] });
    });
  });

  test('are not the only ones that it can be asked: what is nobody’s question it answers too', async () => {
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    const auth = { kind: 'token', tokens } as const;
    await expect(
      probeGnocchi(createGnocchiClient({ url: gnocchi.url, auth, timeoutMs: 30_000 })),
    ).resolves.toBeUndefined();
    const dead = createGnocchiClient({ url: 'http://127.0.0.1:1', auth, timeoutMs: 30_000 });
    await expect(probeGnocchi(dead)).rejects.toThrow('connection refused');
  });

  test('count what has points, which this Gnocchi cannot do', async () => {
    const ids = ['a', 'b'].map((name) => made[name]!.metrics!['cpu']!);
    const [byId, bySearch, other] = await ask(
      ofMetrics(ids, { method: 'count' }),
      ofSearch({ '=': { server_group: 's1' } }, { method: 'count' }),
      ofSearch({ '=': { server_group: 's2' } }, { method: 'count' }),
    );
    const present = { at: Date.parse('2026-01-01T12:05:00Z'), values: { value: 2 } };
    expect(byId).toEqual({ kind: 'series', series: [expect.arrayContaining([present])] });
    expect(bySearch).toEqual(byId);
    expect(other).toMatchObject({ kind: 'series', series: [{ length: expect.any(Number) }] });
  });

  test('that search get the same together as alone', async () => {
    const searches = ['s1', 's2', 's3'].map((group) => ({
      and: [{ '=': { server_group: group } }, { '=': { ended_at: null } }],
    }));
    requests = 0;
    const together = await ask(...searches.map((search) => ofSearch(search)));
    expect(requests).toBe(1);
    for (const [index, search] of searches.slice(0, 2).entries()) {
      const expected = await truth(['aggregate', 'mean', ['metric', 'cpu', 'mean']], search);
      expect(together[index]).toEqual({ kind: 'series', series: [expected] });
    }
    expect(together[2]).toEqual({ kind: 'absent', reason: 'metric cpu does not exists' });
  });

  test('get the same together as alone, whatever else is asked', async () => {
    const names = ['a', 'b', 'c', 'max', 'slow', 'bare', 'named', 'p1', 'measured for p1', 'pX1', 'nobody'];
    const project = fc.constantFrom(null, null, 'p_1', 'admin-project', '');
    const method = fc.constantFrom('mean', 'mean', 'max', 'rate:mean', 'last');
    const id = (name: string): string => made[name]?.id ?? '67e55044-10b1-426f-9247-bb680e5fe0c8';
    const metric = (name: string): string => made[name]?.metrics?.['cpu'] ?? '67e55044-10b1-426f-9247-bb680e5fe0c8';
    const query: fc.Arbitrary<GnocchiQuery> = fc.oneof(
      fc
        .record({ name: fc.constantFrom(...names), method, project })
        .map(({ name, ...rest }) => ofResource(id(name), rest)),
      fc
        .record({ some: fc.subarray(names, { minLength: 1, maxLength: 3 }), method, project })
        .map(({ some, ...rest }) => ofMetrics(some.map(metric), rest)),
      fc
        .record({ group: fc.constantFrom('s1', 's2', 's3', ''), method })
        .map(({ group, ...rest }) => ofSearch({ '=': { server_group: group } }, rest)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(query, { minLength: 1, maxLength: 10 }), async (queries) => {
        const alone: BackendAnswer[] = [];
        for (const one of queries) alone.push((await ask(one))[0]!);
        expect(await ask(...queries)).toEqual(alone);
      }),
      { numRuns: 25 },
    );
  });
});
