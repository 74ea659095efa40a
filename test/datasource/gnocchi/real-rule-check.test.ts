import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import type { BackendAnswer, GnocchiQuery } from '../../../src/alarm/series.js';
import { alarmTypes, typeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import { createSystemClock } from '../../../src/clock.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { createGnocchiClient, type GnocchiClient } from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../../src/datasource/gnocchi/gnocchi.js';
import { createGnocchiRuleCheck } from '../../../src/datasource/gnocchi/rule-check.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../../support/gnocchi.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { describeWith } from '../../support/servers.js';

/**
 * The methods of the metric with data, and the rate of each. No percentiles: Debian's Gnocchi fails to compute them
 * with Debian's numpy.
 */
const KEPT = ['mean', 'sum', 'last', 'max', 'min', 'std', 'median', 'first', 'count'];
const CONDITION = { comparison_operator: 'gt', threshold: 1, granularity: 60, evaluation_periods: 2 };

/** Resources with data, resources whose metric has none, and no resources. */
const PLACES = ['data', 'empty', 'nothing'] as const;
type Place = (typeof PLACES)[number];

describeWith(['postgres', 'gnocchi'], 'every rule that a real Gnocchi can answer', () => {
  let gnocchi: RealGnocchi;
  let client: GnocchiClient;
  let datasource: Datasource<GnocchiQuery>;
  let methods: string[];
  const resources: Record<Place, string> = { data: randomUUID(), empty: randomUUID(), nothing: randomUUID() };
  const metrics: Record<Place, string> = { data: '', empty: '', nothing: randomUUID() };

  beforeAll(async () => {
    gnocchi = await startGnocchi({ tokens: true });
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    client = createGnocchiClient({ url: gnocchi.url, auth: { kind: 'token', tokens }, timeoutMs: PATIENCE_MS });
    datasource = createGnocchiDatasource({
      client,
      observer: { succeeded: () => undefined, failed: () => undefined },
      clock: createSystemClock(),
      creator: () => Promise.resolve('admin-user:admin-project'),
      externalOwner: () => Promise.resolve(null),
    });
    const known = await client.capabilities();
    methods = known.kind === 'answer' ? known.value : [];
    await make('/v1/resource_type', {
      name: 'instance',
      attributes: { place: { type: 'string', required: false, max_length: 255 } },
    });
    const aggregation_methods = [...KEPT, ...KEPT.map((method) => `rate:${method}`)].filter((method) =>
      methods.includes(method),
    );
    await make('/v1/archive_policy', { name: 'all', aggregation_methods, definition: [{ granularity: '60s' }] });
    for (const place of ['data', 'empty'] as const) {
      const body = { id: resources[place], place, metrics: { cpu: { archive_policy_name: 'all' } } };
      metrics[place] = ((await make('/v1/resource/instance', body)) as { metrics: { cpu: string } }).metrics.cpu;
    }
    await measure();
  });
  afterAll(async () => {
    datasource.close?.();
    await gnocchi.stop();
  });

  async function make(path: string, body: object): Promise<unknown> {
    const answer = await gnocchi.ask('POST', path, { body, user: ADMIN_TOKEN });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Within the last minutes, so that both the check and an evaluation find them. */
  async function measure(): Promise<void> {
    const body = [1, 2, 3, 4, 5].map((minute) => ({
      timestamp: new Date(Date.now() - minute * 60_000).toISOString(),
      value: minute,
    }));
    await gnocchi.ask('POST', `/v1/metric/${metrics.data}/measures`, { body, user: ADMIN_TOKEN });
    await gnocchi.process([metrics.data]);
  }

  function rulesOf(method: string, place: Place): AlarmRule[] {
    const common = { ...CONDITION, aggregation_method: method };
    const search = { ...common, metric: 'cpu', query: `{"=": {"place": "${place}"}}`, resource_type: 'instance' };
    const leaf = { ...search, type: 'gnocchi_aggregation_by_resources_threshold' };
    return [
      alarmTypes.gnocchi_resources_threshold.schema.parse({
        ...common,
        metric: 'cpu',
        resource_id: resources[place],
        resource_type: 'instance',
      }),
      alarmTypes.gnocchi_aggregation_by_metrics_threshold.schema.parse({ ...common, metrics: [metrics[place]] }),
      alarmTypes.gnocchi_aggregation_by_resources_threshold.schema.parse(search),
      alarmTypes.composite.schema.parse({ or: [leaf] }),
    ];
  }

  async function check(rule: AlarmRule): Promise<string> {
    const checked = createGnocchiRuleCheck({ gnocchi: client, clock: createSystemClock() })(rule, { isAdmin: true });
    return checked.then(
      (reason) => reason ?? 'accepted',
      () => 'refused',
    );
  }

  async function evaluated(rule: AlarmRule): Promise<BackendAnswer> {
    const [need] = typeOf(rule).seriesNeeded(rule, NO_OPTIONS);
    const { granularityS, periods, lagS, key, query } = need!;
    const queries = [{ key, query: query as GnocchiQuery }];
    const context = { now: new Date(), signal: new AbortController().signal };
    return (await datasource.answers({ granularityS, periods, lagS, queries }, context)).get(key)!;
  }

  describe.each(PLACES)('can be created: %s', (place) => {
    test('with each method of Gnocchi, and a refused method could not be answered', async () => {
      expect(methods.length).toBeGreaterThan(100);
      const few = methods.filter((method) => !/pct$/.test(method) || /^(?:rate:)?95pct$/.test(method));
      expect(few).toEqual(
        expect.arrayContaining([...KEPT, ...KEPT.map((method) => `rate:${method}`), '95pct', 'rate:95pct']),
      );
      let tried = 0;
      for (const method of few) {
        for (const rule of rulesOf(method, place)) {
          const [checked, { kind }] = [await check(rule), await evaluated(rule)];
          const isRight = checked === 'accepted' || (checked === 'refused' && kind === 'refused');
          expect([method, rule.type, checked, kind, isRight]).toEqual([method, rule.type, checked, kind, true]);
          expect([method, rule.type, kind]).not.toEqual([method, rule.type, 'outage']);
          tried += 1;
        }
      }
      expect(tried).toBe(few.length * 4);
    });

    test.each(['count', 'rate:count'])('as a %s over resources', async (method) => {
      for (const rule of rulesOf(method, place))
        expect([rule.type, await check(rule)]).toEqual([rule.type, 'accepted']);
    });
  });
});
