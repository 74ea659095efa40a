import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { startPrometheus, type RealPrometheus } from '../../support/prometheus.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { describeWith } from '../../support/servers.js';
import { callOnEach, startAlarmService, toldTransitions, type AlarmService, type Transition } from './alarm-service.js';
import { PROMETHEUS_FLAGS, waveOf, writeWave } from './backends.js';

const GRACE_MS = 12_000;
const INTERVAL_MS = 1_000;
const REASON = 'alarm statistics retrieval failed: the prometheus backend cannot be asked: connection refused';
const UP = 'tocsin_backend_up{datasource="prometheus",backend="default"}';
const FAILED = 'tocsin_backend_queries_total{datasource="prometheus",outcome="failed"}';
const ANSWERED = 'tocsin_backend_queries_total{datasource="prometheus",outcome="ok"}';

const VALUES = { steady_low: 10, steady_high: 90 };
/**
 * None of their alarms is in a partition of the others (m4 would be): a partition has one batch at a time, which ends
 * with its last alarm.
 */
const METERS = ['m1', 'm2', 'm3', 'm5', 'm6', 'm7'];
const CONDITION = { comparison_operator: 'gt', threshold: 50 };

function ruleOf(form: string, query: string): Record<string, unknown> {
  if (form === 'one moment') return { type: 'prometheus', prometheus_rule: { ...CONDITION, query } };
  if (form === 'a range') {
    return { type: 'prometheus', prometheus_rule: { ...CONDITION, query, evaluation_periods: 2, granularity: 1 } };
  }
  const leaf = { type: 'prometheus', ...CONDITION, query };
  return { type: 'composite', composite_rule: { and: [leaf, { or: [leaf, leaf] }] } };
}

describeWith(['prometheus'], 'alarms whose Prometheus fails', () => {
  const started: (() => Promise<unknown>)[] = [];
  let prometheus: RealPrometheus;
  let receiver: Receiver;
  let service: AlarmService;
  /** Alarms by their ids, with the state that the data give them. */
  const states = new Map<string, string>();

  beforeAll(async () => {
    receiver = await startReceiver();
    started.push(() => receiver.close());
    prometheus = await startPrometheus({ flags: PROMETHEUS_FLAGS });
    started.push(() => prometheus.stop());
    for (const [metric, value] of Object.entries(VALUES)) {
      await writeWave(prometheus, metric, waveOf(Date.now() - 5_000, [[value, 300]]));
    }
    service = await startAlarmService({
      PROMETHEUS_URL: prometheus.url,
      EVALUATOR_INTERVAL: `${INTERVAL_MS}ms`,
      EVALUATOR_BACKEND_GRACE: `${GRACE_MS}ms`,
    });
    started.push(() => service.stop());
    for (const form of ['one moment', 'a range', 'composite']) {
      for (const [metric, value] of Object.entries(VALUES)) {
        const name = `${form} ${metric}`;
        const actions = callOnEach(`${receiver.url}/${encodeURIComponent(name)}`);
        states.set(await service.create({ name, ...actions, ...ruleOf(form, metric) }), value > 50 ? 'alarm' : 'ok');
      }
    }
    await untilStates(states);
  });

  afterAll(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  async function untilStates(wanted: ReadonlyMap<string, string>): Promise<void> {
    await eventually(async () => {
      const found = await Promise.all(
        [...wanted.keys()].map(async (id) => [id, (await service.alarm(id)).state] as const),
      );
      expect(new Map(found)).toEqual(wanted);
    });
  }

  /** Until every alarm has had its turn again some seconds after `sinceMs`. */
  async function untilEvaluatedAfter(sinceMs: number): Promise<void> {
    await eventually(async () => {
      for (const id of states.keys()) {
        const { evaluate_timestamp } = await service.alarm(id);
        expect(Date.parse(`${evaluate_timestamp}Z`)).toBeGreaterThan(sinceMs);
      }
    });
  }

  async function histories(): Promise<Map<string, Transition[]>> {
    const all = await Promise.all([...states.keys()].map(async (id) => [id, await service.transitions(id)] as const));
    return new Map(all);
  }

  /** The check of the backends in /readyz, which must not make the process unready. */
  async function backendsCheck(): Promise<string | undefined> {
    const answer = await service.ask('GET', '/readyz');
    expect(answer.status).toBe(200);
    return answer.json<{ checks: { name: string; detail?: string }[] }>().checks.find(({ name }) => name === 'backends')
      ?.detail;
  }

  test(
    'keep their states for the grace, then each becomes unknown once, ' +
      'and goes back once when Prometheus is there again',
    async () => {
      expect(await service.metric(UP)).toBe(1);
      const before = await histories();
      expect([...before.values()].map(({ length }) => length)).toEqual([...states].map(() => 1));

      const killedMs = Date.now();
      await prometheus.kill();
      await eventually(async () => expect(await service.metric(UP)).toBe(0));
      const degraded = await backendsCheck();
      expect(degraded).toMatch(
        /^degraded: prometheus is unavailable since \S+Z \((connection refused|the connection was closed)\)$/,
      );
      await untilStates(new Map([...states.keys()].map((id) => [id, 'insufficient data'])));
      for (const transitions of (await histories()).values()) {
        expect(transitions.length).toBe(2);
        expect(transitions[1]).toMatchObject({ to: 'insufficient data' });
        // The grace begins with the batch, and Prometheus may be killed in the middle of one.
        expect(Date.parse(`${transitions[1]!.at}Z`)).toBeGreaterThan(killedMs + GRACE_MS - INTERVAL_MS);
      }

      await prometheus.restart();
      const backMs = Date.now();
      await untilStates(states);
      await untilEvaluatedAfter(backMs + 4_000);
      const after = await histories();
      for (const [id, transitions] of after) {
        const state = states.get(id)!;
        expect(transitions.map(({ to }) => to)).toEqual([state, 'insufficient data', state]);
      }
      expect(await service.metric(UP)).toBe(1);
      expect(await backendsCheck()).toBeUndefined();
      expect(service.logged('warn').map(({ message }) => message)).toEqual([
        'prometheus is unavailable: alarms keep their state for 12s',
      ]);
      expect(service.logged('info').filter(({ message }) => message.includes('answers again'))).toHaveLength(1);
      await expectTold(after);
    },
  );

  /**
   * The receivers heard of each transition once, in their order, and the texts name the backend but not its address.
   */
  async function expectTold(transitions: ReadonlyMap<string, Transition[]>): Promise<void> {
    for (const [id, expected] of transitions) {
      const { name } = (await service.ask('GET', `/v2/alarms/${id}`)).json<{ name: string }>();
      const told = expected.map(({ from, to, reason }) => ({ from, to, reason }));
      await eventually(() => expect(toldTransitions(receiver.requests, `/${encodeURIComponent(name)}`)).toEqual(told));
      const unknown = told.find(({ to }) => to === 'insufficient data');
      if (!name.startsWith('composite')) expect(unknown?.reason).toBe(REASON);
      else
        expect(unknown?.reason).toMatch(
          /due to rules: rule1, rule2, rule3 state evaluated to unknown\. \(alarm statistics retrieval failed: the prometheus backend cannot be asked: [a-z ]+\)$/,
        );
    }
    for (const { body } of receiver.requests) expect(body).not.toContain(String(prometheus.port));
  }

  test('make no transition when the outage is shorter than the grace', async () => {
    const before = await histories();
    const failed = (await service.metric(FAILED)) ?? 0;
    const killedMs = Date.now();
    await prometheus.kill();
    await eventually(async () => expect(await service.metric(FAILED)).toBeGreaterThan(failed + 2));
    const answered = (await service.metric(ANSWERED)) ?? 0;
    await prometheus.restart();
    await eventually(async () => expect(await service.metric(ANSWERED)).toBeGreaterThan(answered));
    expect(Date.now() - killedMs).toBeLessThan(GRACE_MS);
    await untilEvaluatedAfter(Date.now() + GRACE_MS);
    expect(await histories()).toEqual(before);
  });

  test('do not delay those on the built-in meters while Prometheus hangs', async () => {
    const create = (meter: string): Promise<string> =>
      service.create({
        name: meter,
        type: 'threshold',
        threshold_rule: { ...CONDITION, meter_name: meter, period: 60 },
      });
    const ids = await Promise.all(METERS.map(create));
    const before = await histories();
    prometheus.signal('SIGSTOP');
    try {
      for (const [index, id] of ids.entries()) {
        const meter = METERS[index]!;
        const sample = {
          counter_name: meter,
          counter_type: 'gauge',
          counter_unit: '%',
          counter_volume: 90,
          resource_id: 'r',
        };
        const sentMs = Date.now();
        await service.ask('POST', `/v2/meters/${meter}`, [sample]);
        await eventually(async () => expect((await service.alarm(id)).state).toBe('alarm'));
        // Less than the ten seconds that a request to Prometheus may take.
        expect(Date.now() - sentMs).toBeLessThan(9_000);
      }
    } finally {
      prometheus.signal('SIGCONT');
    }
    await untilStates(states);
    expect(await histories()).toEqual(before);
  });

  test('leave a log of single lines: what changed, and one line each way about the first outage', async () => {
    const lines = service.process.log().trimEnd().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as { message: string }).message);
    const changes = messages.filter((message) => message === 'alarm changed state');
    const transitions = [...(await histories()).values()].flat();
    expect(changes.length).toBe(transitions.length + METERS.length);
    expect(messages.filter((message) => message !== 'alarm changed state')).toEqual([
      'database schema brought up to date',
      'started',
      'partitions taken',
      'prometheus is unavailable: alarms keep their state for 12s',
      'prometheus answers again',
    ]);
  });
});
