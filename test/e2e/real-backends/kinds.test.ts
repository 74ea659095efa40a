import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { eventually } from '../../support/eventually.js';
import { aPoolMember } from '../../support/octavia-double.js';
import { describeWith } from '../../support/servers.js';
import { callOnEach, startAlarmService, toldTransitions, type Transition } from './alarm-service.js';
import { addressesOf, createResource, measure, SERVICE_TOKEN, startBackends, waveOf, writeWave } from './backends.js';
import { describeTenancyAndOptions, type Running } from './tenancy-and-options.js';
import { HIGH, KINDS, LOW, type Things } from './kinds.js';

/** How long the values stay low, and then high, at least. On a slow machine it is twice as long as the start took. */
const MIN_PHASE_S = 7;
/**
 * Values of Prometheus come a little later than those of Gnocchi: a point of the very moment counts in the one and not
 * in the other.
 */
const PROMETHEUS_LAGS_MS = 300;
const AHEAD_S = 1_200;

interface Explained {
  state: string;
  state_at: { state: string };
  evaluation: { would_be_state: string; decision: string; reason: string };
  questions: { requests: string[]; compared: number; datapoints: { used: boolean }[] }[];
}

interface Backtested {
  transitions: { at: string; from: string; to: string; reason: string }[];
  summary: { evaluations: number; unanswered: number };
}

describeWith(['postgres', 'gnocchi', 'prometheus'], 'alarms on real backends', () => {
  const started: (() => Promise<unknown>)[] = [];
  const running = {} as Running;
  let things: Things;
  let startMs = 0;
  let phaseS = MIN_PHASE_S;
  const halfPhaseS = (): number => Math.ceil(phaseS / 2);
  const ids = new Map<string, string>();

  beforeAll(async () => {
    const backends = await startBackends();
    running.backends = backends;
    started.push(() => backends.stop());
    const { gnocchi, prometheus, settings, receiver } = backends;
    const beginMs = Date.now();
    const service = await startAlarmService({ ...settings, EVALUATOR_INTERVAL: '1s' });
    running.service = service;
    started.push(() => service.stop());
    const create = (): ReturnType<typeof createResource> => createResource(gnocchi, { id: randomUUID() });
    things = { resources: [await create(), await create()], metric: 'load_of_the_kinds' };
    for (const { title, body } of KINDS) {
      const actions = callOnEach(`${receiver.url}/${encodeURIComponent(title)}`);
      ids.set(title, await service.create({ name: title, ...actions, ...body(things) }));
    }
    running.phaseS = phaseS = Math.max(MIN_PHASE_S, Math.ceil((2 * (Date.now() - beginMs)) / 1000));
    // The data are written ahead: until they begin, the alarms look at nothing.
    startMs = (Math.ceil(Date.now() / 1000) + halfPhaseS()) * 1000;
    const wave = (fromMs: number, highS: number): ReturnType<typeof waveOf> =>
      waveOf(fromMs, [
        [LOW, phaseS],
        [HIGH, highS],
      ]);
    await writeWave(prometheus, things.metric, wave(startMs + PROMETHEUS_LAGS_MS, phaseS));
    // Those of Gnocchi stay high for longer, so that what needs both hears of Prometheus first.
    const ofGnocchi = wave(startMs, phaseS + halfPhaseS());
    await measure(gnocchi, new Map(things.resources.map(({ metric }) => [metric, ofGnocchi])));
  });

  afterAll(async () => {
    for (const stop of started.splice(0).reverse()) await stop();
  });

  // They need no more time than the waves do.
  describeTenancyAndOptions(running);

  /** What became of the alarm of a kind, when all is over. */
  async function untilOver(title: string): Promise<Transition[]> {
    const id = ids.get(title)!;
    return eventually(async () => {
      const transitions = await running.service.transitions(id);
      expect(transitions.length).toBeGreaterThanOrEqual(3);
      return transitions;
    });
  }

  test.each(KINDS)(
    'go from unknown to ok, to alarm and back, each once and with its reason: $title',
    async ({ title, reasons }) => {
      const transitions = await untilOver(title);
      const [ok, alarm, unknown] = reasons;
      const told = transitions.map(({ from, to, reason }) => ({ from, to, reason }));
      expect(told).toEqual([
        { from: 'insufficient data', to: 'ok', reason: ok },
        { from: 'ok', to: 'alarm', reason: alarm },
        { from: 'alarm', to: 'insufficient data', reason: unknown },
      ]);
      // It follows each evaluation after the transition, and the data go on leaving the window.
      expect((await running.service.alarm(ids.get(title)!)).state_reason).not.toBe('Not evaluated yet');
      await eventually(() =>
        expect(toldTransitions(running.backends.receiver.requests, `/${encodeURIComponent(title)}`)).toEqual(told),
      );
      // No earlier than the data say.
      const notBefore = [0, phaseS, 2 * phaseS].map((second) => startMs + second * 1000);
      expect(transitions.filter(({ at }, index) => Date.parse(`${at}Z`) < notBefore[index]!)).toEqual([]);
    },
  );

  test.each(KINDS)('are explained as they were judged, with the request that was sent: $title', async (kind) => {
    const id = ids.get(kind.title)!;
    for (const { at, from, to, reason } of await untilOver(kind.title)) {
      const { state_at, evaluation, questions } = await explained(id, `?at=${at}`);
      expect({ state_at, evaluation }).toMatchObject({
        state_at: { state: from },
        evaluation: { would_be_state: to, decision: 'transition', reason },
      });
      for (const [place, part] of kind.requests(things).entries())
        expect(questions[place]?.requests.join('\n')).toContain(part);
      if (to === 'alarm') expect(questions.map(({ compared }) => compared)).toEqual(kind.compared);
      const used = questions.map(({ datapoints }) => datapoints.filter((point) => point.used).length);
      expect(used).toEqual(questions.map(({ compared }) => compared));
    }
    const { state } = await running.service.alarm(id);
    expect(await explained(id)).toMatchObject({ state, evaluation: { would_be_state: state, decision: 'stay' } });
  });

  async function explained(id: string, query = ''): Promise<Explained> {
    const answer = await running.service.ask('GET', `/v2/alarms/${id}/explain${query}`);
    for (const address of addressesOf(running.backends)) expect(answer.text).not.toContain(address);
    return answer.json();
  }

  test.each(KINDS)('make the same transitions in a backtest: $title', async ({ title, body }) => {
    const real = await untilOver(title);
    // Between the points: which side one falls on that is as old as the moment is each backend's own affair.
    const moment = (second: number): string => new Date(startMs + second * 1000 + 500).toISOString();
    const span = { start: moment(-2), stop: moment(2 * phaseS + halfPhaseS() + 3), step: 1 };
    await eventually(() => expect(Date.now()).toBeGreaterThan(Date.parse(span.stop)));
    const answer = await running.service.ask('POST', '/v2/alarms/backtest', {
      alarm: { name: title, ...body(things) },
      ...span,
    });
    const { transitions, summary } = answer.json<Backtested>();
    expect(transitions.map(({ from, to, reason }) => ({ from, to, reason }))).toEqual(
      real.map(({ from, to, reason }) => ({ from, to, reason })),
    );
    expect(summary).toMatchObject({ evaluations: 2 * phaseS + halfPhaseS() + 6, unanswered: 0 });
    // A backtest looks each second, an evaluator too, as far as the machine lets it: it may be later, but not earlier.
    const apart = transitions.map(({ at }, index) => Date.parse(`${real[index]!.at}Z`) - Date.parse(`${at}Z`));
    expect(apart.filter((ms) => ms < -1500)).toEqual([]);
  });

  test('follow a load balancer whose member fails and recovers, and whose pool is deleted', async () => {
    const { octavia, receiver } = running.backends;
    const member = aPoolMember({ created_at: '2026-01-01T00:00:00' });
    octavia.pools.set('pool-1', [member]);
    const id = await running.service.create({
      name: 'pool',
      type: 'loadbalancer_member_health',
      ...callOnEach(`${receiver.url}/pool`),
      loadbalancer_member_health_rule: { pool_id: 'pool-1', stack_id: 's', autoscaling_group_id: 'a' },
    });
    const untilState = (state: string): Promise<void> =>
      eventually(async () => expect((await running.service.alarm(id)).state).toBe(state));
    await untilState('ok');
    octavia.pools.set('pool-1', [aPoolMember({ ...member, operating_status: 'ERROR' })]);
    await untilState('alarm');
    const live = await explained(id);
    expect(live).toMatchObject({ state: 'alarm', evaluation: { would_be_state: 'alarm', decision: 'stay' } });
    expect(live.questions[0]?.requests.join()).toContain('/v2.0/lbaas/pools/pool-1/members');
    octavia.pools.set('pool-1', [member]);
    await untilState('ok');
    octavia.pools.delete('pool-1');
    await untilState('insufficient data');
    const told = (await running.service.transitions(id)).map(({ from, to, reason }) => ({ from, to, reason }));
    expect(told).toEqual([
      { from: 'insufficient data', to: 'ok', reason: 'Transition to ok due to 0 members unhealthy, most recent: None' },
      {
        from: 'ok',
        to: 'alarm',
        reason: expect.stringMatching(/^Transition to alarm due to 1 members unhealthy, most recent: \{/),
      },
      { from: 'alarm', to: 'ok', reason: 'Transition to ok due to 0 members unhealthy, most recent: None' },
      { from: 'ok', to: 'insufficient data', reason: 'pool pool-1 does not exist' },
    ]);
    await eventually(() => expect(toldTransitions(receiver.requests, '/pool')).toEqual(told));
  });

  test('become unknown when their resource is deleted, and name it in the reason', async () => {
    const { gnocchi } = running.backends;
    const kinds = KINDS.filter(({ title }) => title.startsWith('gnocchi'));
    for (const { title } of kinds) await untilOver(title);
    const wave = waveOf((Math.floor(Date.now() / 1000) - 2) * 1000, [[HIGH, AHEAD_S]]);
    await measure(gnocchi, new Map(things.resources.map(({ metric }) => [metric, wave])));
    const statesOf = async (): Promise<string[]> =>
      Promise.all(kinds.map(async ({ title }) => (await running.service.alarm(ids.get(title)!)).state));
    await eventually(async () => expect(await statesOf()).toEqual(kinds.map(() => 'alarm')));
    for (const { id } of things.resources)
      expect((await gnocchi.ask('DELETE', `/v1/resource/generic/${id}`)).status).toBe(204);
    await eventually(async () => expect(await statesOf()).toEqual(kinds.map(() => 'insufficient data')));
    const [{ id }] = things.resources;
    const reasons = await Promise.all(
      kinds.map(async ({ title }) => (await running.service.alarm(ids.get(title)!)).state_reason),
    );
    expect(reasons).toEqual([
      `resource ${id} does not exists`,
      `resource ${id} does not exists`,
      `aggregation mean does not exist for at least one metrics in ` +
        `['${things.resources.map(({ metric }) => metric).join("', '")}']`,
      'metric cpu does not exists',
    ]);
  });

  test('write nothing into the log but changes', () => {
    const lines = [...running.service.logged('warn'), ...running.service.logged('error')];
    // A machine under load may be late, and says so.
    expect(lines.filter(({ message }) => !message.startsWith('Tocsin is behind'))).toEqual([]);
    for (const secret of [running.backends.settings['KEYSTONE_PASSWORD']!, SERVICE_TOKEN]) {
      expect(running.service.process.log()).not.toContain(secret);
    }
  });
});
