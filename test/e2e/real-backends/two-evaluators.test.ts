import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { eventually } from '../../support/eventually.js';
import { describeWith, freshPostgresUrl, redisUrl } from '../../support/servers.js';
import { startService, type ServiceProcess } from '../../support/service-process.js';
import { callOnEach, startAlarmService, toldTransitions, type AlarmService } from './alarm-service.js';
import { createResource, measure, startBackends, waveOf, writeWave, type Backends } from './backends.js';

/** Of each of two kinds. */
const ALARMS = 20;
/**
 * Longer than interval + lease + two heartbeats + 2 s, within which a take-over must have happened: so no change may be
 * overlooked.
 */
const PHASE_S = 8;
const LEAD_S = 4;
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
    await eventually(() => evaluators.forEach((one) => expect(one.log()).toContain('"partitions taken"')));
    const resource = await createResource(gnocchi, { id: randomUUID() });
    const condition = (n: number): object => ({ comparison_operator: 'gt', threshold: 50 + n / 100 });
    const ids = new Map<string, string>();
    for (let n = 0; n < ALARMS; n += 1) {
      const rules = {
        gnocchi: {
          type: 'gnocchi_resources_threshold',
          gnocchi_resources_threshold_rule: {
            ...condition(n),
            metric: 'cpu',
            resource_id: resource.id,
            resource_type: 'generic',
            aggregation_method: 'mean',
            granularity: 1,
          },
          // Two questions for all of these, one for each of the others.
          tocsin: { ingestion_lag: n % 2 },
        },
        prometheus: { type: 'prometheus', prometheus_rule: { ...condition(n), query: `max(load) + ${n}` } },
      };
      for (const [kind, rule] of Object.entries(rules)) {
        const name = `${kind}-${n}`;
        ids.set(name, await api.create({ name, ...callOnEach(`${receiver.url}/${name}`), ...rule }));
      }
    }
    const startMs = (Math.ceil(Date.now() / 1000) + LEAD_S) * 1000;
    const wave = waveOf(startMs, [
      [10, PHASE_S],
      [90, PHASE_S],
      [10, 120],
    ]);
    await writeWave(prometheus, 'load', wave);
    await measure(gnocchi, new Map([[resource.metric, wave]]));

    // As soon as the first has heard of the change that all hear of.
    const first = ids.get('prometheus-0')!;
    await eventually(async () => expect((await api.alarm(first)).state).toBe('alarm'));
    await evaluators[0]!.kill();

    await eventually(async () => {
      for (const id of ids.values())
        expect((await api.transitions(id)).map(({ to }) => to)).toEqual(['ok', 'alarm', 'ok']);
    });
    for (const [name, id] of ids) {
      const told = (await api.transitions(id)).map(({ from, to, reason }) => ({ from, to, reason }));
      await eventually(() => expect(toldTransitions(receiver.requests, `/${name}`)).toEqual(told));
    }
    // Both had a part in it; the one left has it all now.
    for (const evaluator of evaluators) expect(evaluator.log()).toContain('"alarm changed state"');
    expect(evaluators[1]!.log()).toMatch(/"held":256,[^\n]*"partitions taken"[^\n]*\n[^]*"alarm changed state"/);
    expect(evaluators[1]!.log()).not.toMatch(/"level":"(warn|error)"/);
  });
});
