import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { eventually } from '../../support/eventually.js';
import { describeWith, freshPostgresUrl, redisUrl } from '../../support/servers.js';
import { startService, type ServiceProcess } from '../../support/service-process.js';
import { callOnEach, linesOf, startAlarmService, toldTransitions, type AlarmService } from './alarm-service.js';
import { createResource, measure, startBackends, waveOf, writeWave, type Backends, type Wave } from './backends.js';

/** Of each of two kinds. */
const ALARMS = 20;
/** The values do not change by themselves: each change waits for the alarms to follow the one before it. */
const DATA_LAST_S = 1_800;
/** What a slow machine may log, truthfully. */
const SLOW = /^Tocsin is behind|lease|partitions/;
const SETTINGS = {
  EVALUATOR_INTERVAL: '1s',
  EVALUATOR_LEASE: '1500ms',
  EVALUATOR_HEARTBEAT: '300ms',
  NOTIFIER_POLICY: 'every',
};

describeWith(['postgres', 'redis', 'gnocchi', 'prometheus'], 'alarms on real backends, with two evaluators', () => {
  const started: (() => Promise<unknown>)[] = [];
  let backends: Backends;
  let api: AlarmService;
  const evaluators: ServiceProcess[] = [];

  beforeAll(async () => {
    backends = await startBackends();
    started.push(() => backends.stop());
    const settings = {
      ...SETTINGS,
      ...backends.settings,
      DATABASE_URL: await freshPostgresUrl(),
      REDIS_URL: redisUrl(),
      REDIS_PREFIX: `backends-${randomUUID()}`,
    };
    api = await startAlarmService({ ...settings, ROLES: 'api,notifier' });
    started.push(() => api.stop());
    evaluators.push(
      startService({ ...settings, ROLES: 'evaluator' }),
      startService({ ...settings, ROLES: 'evaluator' }),
    );
    for (const evaluator of evaluators) started.push(() => evaluator.stop());
  });

  afterAll(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  test('make each transition once although one evaluator is killed just when all change', async () => {
    const { gnocchi, prometheus, receiver } = backends;
    const lasting = (value: number): Wave => waveOf(Math.floor(Date.now() / 1000) * 1000, [[value, DATA_LAST_S]]);
    /** Adds to what Prometheus has. */
    const add = (value: number): Promise<void> =>
      writeWave(prometheus, 'load', lasting(value), { added: String(value) });
    /** The largest of Gnocchi's resources counts. */
    const put = async (id: string, value: number): Promise<void> =>
      measure(gnocchi, new Map([[(await createResource(gnocchi, { id })).metric, lasting(value)]]));
    const [low, high] = [randomUUID(), randomUUID()];

    await eventually(() => evaluators.forEach((one) => expect(one.log()).toContain('"partitions taken"')));
    const ids = new Map<string, string>();
    for (let n = 0; n < ALARMS; n += 1) {
      for (const [kind, rule] of Object.entries(rulesOf(n, [low, high]))) {
        const name = `${kind}-${n}`;
        ids.set(name, await api.create({ name, ...callOnEach(`${receiver.url}/${name}`), ...rule }));
      }
    }
    const states = (): Promise<string[]> =>
      Promise.all([...ids.values()].map(async (id) => (await api.alarm(id)).state));
    const all = (state: string): Promise<void> =>
      eventually(async () => expect(await states()).toEqual([...ids].map(() => state)));

    await Promise.all([add(10), put(low, 10)]);
    await all('ok');
    const changed = Promise.all([add(80), put(high, 90)]);
    await eventually(async () => expect(await states()).toContain('alarm'));
    await evaluators[0]!.kill();
    await changed;
    await all('alarm');
    await Promise.all([add(-80), gnocchi.ask('DELETE', `/v1/resource/generic/${high}`)]);
    await all('ok');

    for (const [name, id] of ids) {
      const told = (await api.transitions(id)).map(({ from, to, reason }) => ({ from, to, reason }));
      expect(told.map(({ to }) => to)).toEqual(['ok', 'alarm', 'ok']);
      await eventually(() => expect(toldTransitions(receiver.requests, `/${name}`)).toEqual(told));
    }
    // Both had a part in it; the one left has it all now.
    for (const evaluator of evaluators) expect(evaluator.log()).toContain('"alarm changed state"');
    expect(evaluators[1]!.log()).toMatch(/"held":256,[^\n]*"partitions taken"[^\n]*\n[^]*"alarm changed state"/);
    const lines = linesOf(evaluators[1]!).filter(({ level }) => level === 'warn' || level === 'error');
    expect(lines.filter(({ message }) => !SLOW.test(message))).toEqual([]);
  });
});

/** An alarm of each kind. Those of Gnocchi need two queries, those of Prometheus one each. */
function rulesOf(n: number, resources: readonly string[]): Record<string, object> {
  const condition = { comparison_operator: 'gt', threshold: 50 + n / 100 };
  return {
    gnocchi: {
      type: 'gnocchi_aggregation_by_resources_threshold',
      gnocchi_aggregation_by_resources_threshold_rule: {
        ...condition,
        metric: 'cpu',
        resource_type: 'generic',
        query: JSON.stringify({ in: { id: resources } }),
        aggregation_method: 'max',
        granularity: 1,
      },
      tocsin: { ingestion_lag: n % 2 },
    },
    prometheus: { type: 'prometheus', prometheus_rule: { ...condition, query: `sum(load) + ${n}` } },
  };
}
