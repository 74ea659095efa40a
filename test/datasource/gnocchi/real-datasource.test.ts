import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';

import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import { createGnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { probeGnocchi } from '../../../src/datasource/gnocchi/queries/requester.js';
import { eventually } from '../../support/eventually.js';
import { ADMIN_TOKEN } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWith } from '../../support/servers.js';
import { AGGREGATES, ofMetrics, ofResource, ofSearch, startGnocchiRig, type GnocchiRig } from './gnocchi-rig.js';

describeWith(['postgres', 'gnocchi'], 'the datasource of a real Gnocchi', () => {
  let rig: GnocchiRig;

  beforeAll(async () => {
    rig = await startGnocchiRig();
  });
  afterAll(() => rig.stop());

  test('answers with the rows of one metric of one resource, from the minute in which the window begins', async () => {
    const [answer] = await rig.answersTo(ofResource(rig.resources['a']!.id));
    const rows = await rig.gnocchi.ask(
      'GET',
      `/v1/metric/${rig.resources['a']!.metrics!['cpu']}/` +
        `measures?granularity=60&start=2026-01-01T12:00:30&stop=2026-01-01T12:10:30`,
    );
    const points = (rows.body as [string, number, number][]).map(([at, , value]) => ({
      at: Date.parse(at),
      values: { value },
    }));
    expect(points.length).toBeGreaterThan(4);
    expect(answer).toEqual({ kind: 'series', series: [points] });
  });

  describe('gives the reason why there is no answer', () => {
    const unused = randomUUID();
    const id = (name: string): string => rig.resources[name]!.id;
    const cpu = (name: string): string => rig.resources[name]!.metrics!['cpu']!;
    const failed = 'alarm statistics retrieval failed: ';
    test.each<[string, () => GnocchiQuery, () => [kind: string, reason: unknown]]>([
      [
        'a resource that does not exist',
        () => ofResource(unused),
        () => ['absent', `resource ${unused} does not exists`],
      ],
      ['an id that no resource can have', () => ofResource('a/b'), () => ['absent', 'resource a/b does not exists']],
      [
        'a name of no resource',
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
        () => ofMetrics([cpu('a'), unused]),
        () => ['absent', `aggregation mean does not exist for at least one metrics in ['${cpu('a')}', '${unused}']`],
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
          `${failed}{'cause': 'Invalid metric references', 'reason': 'badly formed hexadecimal UUID ` +
            `string', 'detail': [['${cpu('a')}', 'mean'], ['x', 'mean']]} (HTTP 400)`,
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
      expect(await rig.answersTo(query())).toEqual([{ kind, reason }]);
    });
  });

  test(
    'finds a resource by the name that its creator gave it, ' + 'and metrics whose names look like patterns',
    async () => {
      const [named, starred, plain] = await rig.answersTo(
        ofResource('instance-7'),
        ofResource(rig.resources['starred']!.id, { metric: 'cpu*' }),
        ofResource(rig.resources['named']!.id),
      );
      expect(named).toEqual(plain);
      for (const answer of [named, starred])
        expect(answer).toMatchObject({ kind: 'series', series: [{ length: expect.any(Number) }] });
    },
  );

  test('shows a project what it created and what was measured for it, and nothing else', async () => {
    const seen = async (project: string): Promise<string[]> => {
      const names = ['a', 'p1', 'measured for p1', 'pX1'];
      const resources = await rig.answersTo(...names.map((name) => ofResource(rig.resources[name]!.id, { project })));
      const metrics = await rig.answersTo(
        ...names.map((name) => ofMetrics([rig.resources[name]!.metrics!['cpu']!], { project })),
      );
      expect(metrics.map(({ kind }) => kind)).toEqual(resources.map(({ kind }) => kind));
      return names.filter((_, index) => resources[index]!.kind === 'series');
    };
    expect(await seen('p_1')).toEqual(['p1', 'measured for p1']);
    expect(await seen('pX1')).toEqual(['pX1']);
    expect(await seen('admin-project')).toEqual(['a']);
    expect(await seen('')).toEqual([]);
    const hidden = rig.resources['max']!;
    expect(
      await rig.answersTo(
        ofResource(hidden.id, { project: 'p_1' }),
        ofMetrics([hidden.metrics!['cpu']!], { project: 'p_1' }),
      ),
    ).toEqual([
      { kind: 'absent', reason: `resource ${hidden.id} does not exists` },
      {
        kind: 'absent',
        reason: `aggregation mean does not exist for at least one metrics in ['${hidden.metrics!['cpu']}']`,
      },
    ]);
  });

  test.each([...AGGREGATES, ...AGGREGATES.map((method) => `rate:${method}`)])(
    'aggregates metrics by %s as Gnocchi does',
    async (method) => {
      const stored = method.replace('rate:', '');
      await fc.assert(
        fc.asyncProperty(fc.subarray(['a', 'b', 'c', 'd', 'named', 'p1'], { minLength: 1 }), async (names) => {
          const ids = names.map((name) => rig.resources[name]!.metrics!['cpu']!);
          const [answer] = await rig.answersTo(ofMetrics(ids, { method }));
          const expected = await rig.aggregates(['aggregate', method, ['metric', ...ids.map((id) => [id, stored])]]);
          expect(answer).toEqual({ kind: 'series', series: [expected] });
        }),
        { numRuns: 6 },
      );
    },
  );

  describe('with measures that are NaN or infinite', () => {
    const at = (minute: number): number => Date.parse('2026-01-01T12:00:00Z') + minute * 60_000;
    const odd: { one: string[]; other: string[] } = { one: [], other: [] };

    /**
     * Creates one metric each of two resources of one group. Each text is a list of values, one a minute from 12:02;
     * `·` is a minute without a value.
     */
    async function measured(texts: { one: string; other: string }): Promise<void> {
      const body: Record<string, object[]> = {};
      for (const name of ['one', 'other'] as const) {
        const { id, metrics } = await rig.create(`odd ${name}`, '/v1/resource/instance', {
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
      await rig.gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
      await eventually(async () => {
        const rows = odd.one.length > 0 && (await rig.answersTo(ofMetrics([odd.one[1]!]), ofMetrics([odd.other[1]!])));
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

    test('answers with all rows of each metric, in a shared request too', async () => {
      const a = rig.resources['a']!;
      const alone = await rig.answersTo(ofMetrics([a.metrics!['cpu']!]));
      const together = await rig.answersTo(
        ofMetrics([a.metrics!['cpu']!]),
        ofMetrics([odd.one[1]!]),
        ofResource(odd.one[0]!),
        ofResource(odd.other[0]!),
      );
      const one = { kind: 'series', series: [pointsOf('nan inf -inf · 5 1e308')] };
      const other = { kind: 'series', series: [pointsOf('nan -inf -inf 7 nan 1e308')] };
      expect(together).toEqual([...alone, one, one, other]);
    });

    // One measure a minute has no deviation.
    const methods = AGGREGATES.filter((method) => method !== 'std');
    test.each([...methods, ...methods.map((method) => `rate:${method}`)])(
      'aggregates them by %s as Gnocchi does, and finds them by a search, alone and merged',
      async (method) => {
        const searches = ['odd', 's1'].map((group) => ofSearch({ '=': { server_group: group } }, { method }));
        const [here] = await rig.answersTo(ofMetrics([odd.one[1]!, odd.other[1]!], { method }));
        const [there] = await rig.answersTo(searches[0]!);
        const [among] = await rig.answersTo(...searches);
        const numbers = (answer: BackendAnswer | undefined) =>
          answer?.kind === 'series' && answer.series[0]!.map(({ at: when, values }) => [when, values['value'] ?? NaN]);
        expect(numbers(here)).toEqual(numbers(there));
        expect(numbers(among)).toEqual(numbers(there));
        expect(numbers(there)).toHaveLength(method.startsWith('rate') ? 5 : 6);
      },
    );

    test('gives an infinite sum', async () => {
      const [sum] = await rig.answersTo(ofSearch({ '=': { server_group: 'odd' } }, { method: 'sum' }));
      expect(sum).toEqual({ kind: 'series', series: [pointsOf('0 nan -inf 7 5 inf')] });
    });
  });

  test('resolves its probe, and rejects the probe of an unavailable Gnocchi', async () => {
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    const auth = { kind: 'token', tokens } as const;
    await expect(
      probeGnocchi(createGnocchiClient({ url: rig.gnocchi.url, auth, timeoutMs: PATIENCE_MS })),
    ).resolves.toBeUndefined();
    const dead = createGnocchiClient({ url: 'http://127.0.0.1:1', auth, timeoutMs: PATIENCE_MS });
    await expect(probeGnocchi(dead)).rejects.toThrow('connection refused');
  });

  test('counts resources with points, which this Gnocchi cannot do', async () => {
    const ids = ['a', 'b'].map((name) => rig.resources[name]!.metrics!['cpu']!);
    const [byId, bySearch, other] = await rig.answersTo(
      ofMetrics(ids, { method: 'count' }),
      ofSearch({ '=': { server_group: 's1' } }, { method: 'count' }),
      ofSearch({ '=': { server_group: 's2' } }, { method: 'count' }),
    );
    const present = { at: Date.parse('2026-01-01T12:05:00Z'), values: { value: 2 } };
    expect(byId).toEqual({ kind: 'series', series: [expect.arrayContaining([present])] });
    expect(bySearch).toEqual(byId);
    expect(other).toMatchObject({ kind: 'series', series: [{ length: expect.any(Number) }] });
  });

  test('gives merged searches the same answers as alone', async () => {
    const searches = ['s1', 's2', 's3'].map((group) => ({
      and: [{ '=': { server_group: group } }, { '=': { ended_at: null } }],
    }));
    const before = rig.requests();
    const together = await rig.answersTo(...searches.map((search) => ofSearch(search)));
    expect(rig.requests() - before).toBe(1);
    for (const [index, search] of searches.slice(0, 2).entries()) {
      const expected = await rig.aggregates(['aggregate', 'mean', ['metric', 'cpu', 'mean']], search);
      expect(together[index]).toEqual({ kind: 'series', series: [expected] });
    }
    expect(together[2]).toEqual({ kind: 'absent', reason: 'metric cpu does not exists' });
  });

  test('gives each query the same answer as alone, whatever other queries there are', async () => {
    const names = ['a', 'b', 'c', 'max', 'slow', 'bare', 'named', 'p1', 'measured for p1', 'pX1', 'nobody'];
    const project = fc.constantFrom(null, null, 'p_1', 'admin-project', '');
    const method = fc.constantFrom('mean', 'mean', 'max', 'rate:mean', 'last');
    const id = (name: string): string => rig.resources[name]?.id ?? '67e55044-10b1-426f-9247-bb680e5fe0c8';
    const metric = (name: string): string =>
      rig.resources[name]?.metrics?.['cpu'] ?? '67e55044-10b1-426f-9247-bb680e5fe0c8';
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
        for (const one of queries) alone.push((await rig.answersTo(one))[0]!);
        expect(await rig.answersTo(...queries)).toEqual(alone);
      }),
      { numRuns: 25 },
    );
  });
});
