import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { eventually } from '../../support/eventually.js';
import { startPrometheus, type RealPrometheus } from '../../support/prometheus.js';
import { startReceiver, type Receiver } from '../../support/receiver-server.js';
import { describeWith } from '../../support/servers.js';
import { callOnEach, startAlarmService, toldTransitions, type AlarmService, type Transition } from './alarm-service.js';
import { PROMETHEUS_FLAGS, waveOf, writeWave } from './backends.js';

const GRACE_S = 4;
/** Longer than any of these tests waits. */
const NEVER = '30m';
const DATA_LAST_S = 1_800;
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
      await writeWave(prometheus, metric, waveOf(Date.now() - 5_000, [[value, DATA_LAST_S]]));
    }
  });

  afterAll(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  /** A service with alarms of all forms, which have the states that the data give them. */
  function withService(settings: Record<string, string>): void {
    beforeAll(async () => {
      service = await startAlarmService({ PROMETHEUS_URL: prometheus.url, EVALUATOR_INTERVAL: '1s', ...settings });
      states.clear();
      for (const form of ['one moment', 'a range', 'composite']) {
        for (const [metric, value] of Object.entries(VALUES)) {
          const name = `${form} ${metric}`;
          const actions = callOnEach(`${receiver.url}/${encodeURIComponent(name)}`);
          states.set(await service.create({ name, ...actions, ...ruleOf(form, metric) }), value > 50 ? 'alarm' : 'ok');
        }
      }
      await untilStates(states);
    });
    afterAll(() => service.stop());
  }

  async function untilStates(wanted: ReadonlyMap<string, string>): Promise<void> {
    await eventually(async () => {
      const found = await Promise.all(
        [...wanted.keys()].map(async (id) => [id, (await service.alarm(id)).state] as const),
      );
      expect(new Map(found)).toEqual(wanted);
    });
  }

  /** When each alarm was evaluated last, in milliseconds. */
  async function evaluatedAt(): Promise<Map<string, number>> {
    const all = [...states.keys()].map(async (id) => {
      const { evaluate_timestamp } = await service.alarm(id);
      return [id, Date.parse(`${evaluate_timestamp}Z`)] as const;
    });
    return new Map(await Promise.all(all));
  }

  /** Until every alarm has been evaluated in a batch that began after `sinceMs`. */
  async function untilEvaluatedAfter(sinceMs: number): Promise<void> {
    await eventually(async () => expect(Math.min(...(await evaluatedAt()).values())).toBeGreaterThan(sinceMs));
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

  /** The lines of the log, each a JSON object; those that a slow machine adds are left out. */
  function messages(): string[] {
    const lines = service.process.log().trimEnd().split('\n');
    return lines
      .map((line) => (JSON.parse(line) as { message: string }).message)
      .filter((message) => !message.startsWith('Tocsin is behind'));
  }

  describe('for longer than the grace', () => {
    withService({ EVALUATOR_BACKEND_GRACE: `${GRACE_S}s` });

    test('keep their states for the grace, become unknown once, and go back once when Prometheus is back', async () => {
      expect(await service.metric(UP)).toBe(1);
      const before = await histories();
      expect([...before.values()].map(({ length }) => length)).toEqual([...states].map(() => 1));

      // The grace begins with the first batch without an answer, which is later than these.
      const answeredAt = await evaluatedAt();
      await prometheus.kill();
      await eventually(async () => expect(await service.metric(UP)).toBe(0));
      expect(await backendsCheck()).toMatch(
        /^degraded: prometheus is unavailable since \S+Z \((connection refused|the connection was closed)\)$/,
      );
      await untilStates(new Map([...states.keys()].map((id) => [id, 'insufficient data'])));
      for (const [id, transitions] of await histories()) {
        expect(transitions.length).toBe(2);
        expect(transitions[1]).toMatchObject({ to: 'insufficient data' });
        expect(Date.parse(`${transitions[1]!.at}Z`)).toBeGreaterThanOrEqual(answeredAt.get(id)! + GRACE_S * 1000);
      }

      await prometheus.restart();
      await untilStates(states);
      // Another evaluation of each, and one more.
      for (let evaluations = 0; evaluations < 2; evaluations += 1) await untilEvaluatedAfter(Date.now());
      const after = await histories();
      for (const [id, transitions] of after) {
        const state = states.get(id)!;
        expect(transitions.map(({ to }) => to)).toEqual([state, 'insufficient data', state]);
      }
      expect(await service.metric(UP)).toBe(1);
      expect(await backendsCheck()).toBeUndefined();
      await expectTold(after);
    });

    /** The receivers heard of each transition once, in their order, and the texts name the backend, not its address. */
    async function expectTold(transitions: ReadonlyMap<string, Transition[]>): Promise<void> {
      for (const [id, expected] of transitions) {
        const { name } = (await service.ask('GET', `/v2/alarms/${id}`)).json<{ name: string }>();
        const told = expected.map(({ from, to, reason }) => ({ from, to, reason }));
        await eventually(() =>
          expect(toldTransitions(receiver.requests, `/${encodeURIComponent(name)}`)).toEqual(told),
        );
        const unknown = told.find(({ to }) => to === 'insufficient data');
        if (!name.startsWith('composite')) expect(unknown?.reason).toBe(REASON);
        else
          expect(unknown?.reason).toMatch(
            /due to rules: rule1, rule2, rule3 state evaluated to unknown\. \(alarm statistics retrieval failed: the prometheus backend cannot be asked: [a-z ]+\)$/,
          );
      }
      for (const { body } of receiver.requests) expect(body).not.toContain(String(prometheus.port));
    }

    test('leave a log of single lines: what changed, and one line each way about the outage', () => {
      const changes = messages().filter((message) => message === 'alarm changed state');
      expect(changes).toHaveLength(3 * states.size);
      expect(messages().filter((message) => message !== 'alarm changed state')).toEqual([
        'started',
        'partitions taken',
        `prometheus is unavailable: alarms keep their state for ${GRACE_S}s`,
        'prometheus answers again',
      ]);
    });
  });

  describe('for less than the grace', () => {
    withService({ EVALUATOR_BACKEND_GRACE: NEVER, EVALUATOR_DEADLINE: NEVER, PROMETHEUS_TIMEOUT: NEVER });

    test('make no transition', async () => {
      const before = await histories();
      const failed = (await service.metric(FAILED)) ?? 0;
      await prometheus.kill();
      await eventually(async () => expect(await service.metric(FAILED)).toBeGreaterThan(failed + 2));
      const answered = (await service.metric(ANSWERED)) ?? 0;
      await prometheus.restart();
      await eventually(async () => expect(await service.metric(ANSWERED)).toBeGreaterThan(answered));
      for (let evaluations = 0; evaluations < 2; evaluations += 1) await untilEvaluatedAfter(Date.now());
      expect(await histories()).toEqual(before);
    });

    test('do not delay those on the built-in meters while Prometheus hangs', async () => {
      const create = (meter: string): Promise<string> =>
        service.create({
          name: meter,
          type: 'threshold',
          threshold_rule: { ...CONDITION, meter_name: meter, period: 3_600 },
        });
      const ids = await Promise.all(METERS.map(create));
      const before = await histories();
      // Each of these alarms changes while requests to Prometheus wait for their answers.
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
          await service.ask('POST', `/v2/meters/${meter}`, [sample]);
          await eventually(async () => expect((await service.alarm(id)).state).toBe('alarm'));
        }
      } finally {
        prometheus.signal('SIGCONT');
      }
      await untilEvaluatedAfter(Date.now());
      expect(await histories()).toEqual(before);
      expect(messages().filter((message) => message === 'alarm changed state')).toHaveLength(
        states.size + METERS.length,
      );
    });
  });
});
