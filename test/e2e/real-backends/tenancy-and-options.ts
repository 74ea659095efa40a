import { expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { MEMBER as OF_P1, STRANGER as OF_P2, ADMIN, type Caller } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import type { AlarmService } from './alarm-service.js';
import {
  createResource,
  measure,
  SERVICE_TOKEN,
  waveOf,
  writeWave,
  type Backends,
  type GnocchiResource,
  type Wave,
} from './backends.js';

const LASTS_S = 1_200;
const IN_GNOCCHI = { comparison_operator: 'gt', aggregation_method: 'mean', granularity: 1 };

/** From a few seconds ago on. */
function steady(value: number): Wave {
  return waveOf((Math.floor(Date.now() / 1000) - 5) * 1000, [[value, LASTS_S]]);
}

/** Of any three seconds that follow each other two are high. */
function twoOfThree(): Wave {
  const { points, endMs } = steady(90);
  return { points: points.map(([at, value], index) => [at, index % 3 === 2 ? 10 : value]), endMs };
}

interface Refused {
  questions: { refusal: string }[];
}

/** What the tests run on, once it has been started. */
export interface Running {
  backends: Backends;
  service: AlarmService;
  /** Longer than this machine needs for an evaluation of all alarms. */
  phaseS: number;
}

/** Tests for a suite that has real backends and a service on them. */
export function describeTenancyAndOptions(running: Running): void {
  async function untilState(id: string, state: string): Promise<string> {
    return eventually(async () => {
      const alarm = await running.service.alarm(id);
      expect(alarm.state).toBe(state);
      return alarm.state_reason;
    });
  }

  test('see of Prometheus only the series of their project, however they ask', async () => {
    await writeWave(running.backends.prometheus, 'shared_load', steady(90), { project: 'p1' });
    await writeWave(running.backends.prometheus, 'shared_load', steady(10), { project: 'p2' });
    const high = { comparison_operator: 'gt', threshold: 50 };
    const cases: [Caller, string, string][] = [
      [OF_P1, 'shared_load', 'alarm'],
      [OF_P2, 'shared_load', 'ok'],
      [OF_P1, 'min(shared_load)', 'alarm'],
      [OF_P2, 'max(shared_load)', 'ok'],
      [OF_P2, '100 * count(shared_load) - 100', 'ok'],
      [ADMIN, '100 * count(shared_load) - 100', 'alarm'],
      [OF_P2, 'max({__name__=~"shared_.+"} or shared_load)', 'ok'],
      [OF_P2, 'max_over_time(max(shared_load)[3s:1s])', 'ok'],
    ];
    const ids = await Promise.all(
      cases.map(([as, query]) =>
        running.service.create({ name: query, type: 'prometheus', prometheus_rule: { ...high, query } }, as),
      ),
    );
    for (const [index, [, , state]] of cases.entries()) await untilState(ids[index]!, state);
    // Naming the other project finds nothing at all: told by treating that as ok.
    const other = await running.service.create(
      {
        name: 'other',
        type: 'prometheus',
        prometheus_rule: { ...high, query: 'shared_load{project="p1"}' },
        tocsin: { treat_missing_data: 'ok' },
      },
      OF_P2,
    );
    expect(await untilState(other, 'ok')).toBe(
      'Transition to ok due to 0 samples inside threshold, most recent: None, missing datapoints counted as ok: 1',
    );
    const explained = await running.service.ask('GET', `/v2/alarms/${ids[1]}/explain`, undefined, OF_P2);
    expect(explained.json()).toMatchObject({
      state: 'ok',
      questions: [{ compared: 1, datapoints: [{ value: 10, used: true }] }],
    });
    expect(explained.text).not.toContain('p1');
    expect((await running.service.ask('GET', `/v2/alarms/${ids[0]}/explain`, undefined, OF_P2)).status).toBe(404);
  });

  test('see of Gnocchi only the resources of their project; others are as if they were not', async () => {
    const { gnocchi } = running.backends;
    const ofP1 = await createResource(gnocchi, { id: randomUUID() }, 'u1:p1:member');
    // As Ceilometer creates them for all projects.
    const ofP2 = await createResource(gnocchi, { id: randomUUID(), project_id: 'p2' }, SERVICE_TOKEN);
    await measure(
      gnocchi,
      new Map([
        [ofP1.metric, steady(90)],
        [ofP2.metric, steady(10)],
      ]),
    );
    const onResource = (id: string, as: Caller): Promise<string> =>
      running.service.create(
        {
          name: id,
          type: 'gnocchi_resources_threshold',
          gnocchi_resources_threshold_rule: {
            ...IN_GNOCCHI,
            threshold: 60,
            metric: 'cpu',
            resource_id: id,
            resource_type: 'generic',
          },
        },
        as,
      );
    const nowhere = randomUUID();
    const own = [await onResource(ofP1.id, OF_P1), await onResource(ofP2.id, OF_P2)];
    const foreign = [await onResource(ofP2.id, OF_P1), await onResource(nowhere, OF_P1)];
    const onSearch = (as: Caller): Promise<string> =>
      running.service.create(
        {
          name: 'search',
          type: 'gnocchi_aggregation_by_resources_threshold',
          gnocchi_aggregation_by_resources_threshold_rule: {
            ...IN_GNOCCHI,
            threshold: 60,
            metric: 'cpu',
            resource_type: 'generic',
            query: JSON.stringify({ in: { id: [ofP1.id, ofP2.id] } }),
          },
        },
        as,
      );
    const searches = [await onSearch(OF_P1), await onSearch(OF_P2), await onSearch(ADMIN)];

    expect(await untilState(own[0]!, 'alarm')).toMatch(/most recent: 90\.0$/);
    expect(await untilState(own[1]!, 'ok')).toMatch(/most recent: 10\.0$/);
    expect(await untilState(searches[0]!, 'alarm')).toMatch(/most recent: 90\.0$/);
    expect(await untilState(searches[1]!, 'ok')).toMatch(/most recent: 10\.0$/);
    expect(await untilState(searches[2]!, 'ok')).toMatch(/most recent: 50\.0$/);
    for (const [index, id] of [ofP2.id, nowhere].entries()) {
      const explained = (await running.service.ask('GET', `/v2/alarms/${foreign[index]}/explain`)).json<Refused>();
      expect(explained.questions[0]?.refusal).toBe(`resource ${id} does not exists`);
      expect((await running.service.alarm(foreign[index]!)).state).toBe('insufficient data');
    }
    await expectSameAnswer(ofP2);
  });

  /** A metric of another project, and one that does not exist. */
  async function expectSameAnswer({ metric: foreign }: GnocchiResource): Promise<void> {
    const missing = randomUUID();
    const onMetric = async (metric: string): Promise<string | undefined> => {
      const rule = { ...IN_GNOCCHI, threshold: 60, metrics: [metric] };
      const body = {
        name: 'metrics',
        type: 'gnocchi_aggregation_by_metrics_threshold',
        gnocchi_aggregation_by_metrics_threshold_rule: rule,
        tocsin: { treat_missing_data: 'ok' },
      };
      const id = await running.service.create(body, OF_P1);
      expect(await untilState(id, 'ok')).toMatch(/missing datapoints counted as ok: 1$/);
      const { questions } = (await running.service.ask('GET', `/v2/alarms/${id}/explain`)).json<Refused>();
      return questions[0]?.refusal.replaceAll(metric, 'METRIC');
    };
    expect(await onMetric(foreign)).toBe("aggregation mean does not exist for at least one metrics in ['METRIC']");
    expect(await onMetric(missing)).toBe("aggregation mean does not exist for at least one metrics in ['METRIC']");
  }

  /** The same rule for each backend that has periods. */
  const ofPrometheus = (metric: string, periods: number): Record<string, unknown> => ({
    type: 'prometheus',
    prometheus_rule: {
      comparison_operator: 'gt',
      threshold: 80,
      query: metric,
      granularity: 1,
      evaluation_periods: periods,
    },
  });
  const ofGnocchi = ({ id }: GnocchiResource, periods: number): Record<string, unknown> => ({
    type: 'gnocchi_resources_threshold',
    gnocchi_resources_threshold_rule: {
      ...IN_GNOCCHI,
      threshold: 80,
      metric: 'cpu',
      resource_id: id,
      resource_type: 'generic',
      evaluation_periods: periods,
    },
  });

  async function waving(metric: string, wave: () => Wave): Promise<GnocchiResource> {
    const resource = await createResource(running.backends.gnocchi, { id: randomUUID() });
    await writeWave(running.backends.prometheus, metric, wave());
    await measure(running.backends.gnocchi, new Map([[resource.metric, wave()]]));
    return resource;
  }

  test('are in alarm with so many of the last datapoints outside as they say', async () => {
    const resource = await waving('two_of_three', twoOfThree);
    for (const rule of [ofPrometheus('two_of_three', 3), ofGnocchi(resource, 3)]) {
      const two = await running.service.create({ name: 'two', ...rule, tocsin: { datapoints_to_alarm: 2 } });
      const three = await running.service.create({ name: 'three', ...rule, tocsin: { datapoints_to_alarm: 3 } });
      expect(await untilState(two, 'alarm')).toMatch(/^Transition to alarm due to 2 samples outside threshold/);
      expect(await untilState(three, 'ok')).toMatch(/^Transition to ok due to 1 samples inside threshold/);
    }
  });

  test('count missing data as they say', async () => {
    const resource = await createResource(running.backends.gnocchi, { id: randomUUID() });
    for (const rule of [ofPrometheus('of_nobody', 2), ofGnocchi(resource, 2)]) {
      const create = (treatment: string): Promise<string> =>
        running.service.create({ name: treatment, ...rule, tocsin: { treat_missing_data: treatment } });
      const [ok, alarm, ignore, missing] = await Promise.all(['ok', 'alarm', 'ignore', 'missing'].map(create));
      expect(await untilState(ok!, 'ok')).toMatch(/, missing datapoints counted as ok: 2$/);
      expect(await untilState(alarm!, 'alarm')).toMatch(/, missing datapoints counted as alarm: 2$/);
      for (const id of [ignore!, missing!]) expect(await running.service.transitions(id)).toEqual([]);
      const verdictOf = async (id: string): Promise<string> =>
        (await running.service.ask('GET', `/v2/alarms/${id}/explain`)).json<{ evaluation: { verdict: string } }>()
          .evaluation.verdict;
      expect([await verdictOf(ignore!), await verdictOf(missing!)]).toEqual(['hold', 'insufficient data']);
    }
  });

  test('leave the alarm only past their clear threshold', async () => {
    const { phaseS } = running;
    const startMs = (Math.ceil(Date.now() / 1000) + Math.ceil(phaseS / 2)) * 1000;
    const wave = (): Wave =>
      waveOf(startMs, [
        [90, phaseS],
        [70, phaseS],
        [40, LASTS_S],
      ]);
    const resource = await createResource(running.backends.gnocchi, { id: randomUUID() });
    const rules = [ofPrometheus('falling', 1), ofGnocchi(resource, 1)];
    const plain = await Promise.all(rules.map((rule) => running.service.create({ name: 'plain', ...rule })));
    const clear = await Promise.all(
      rules.map((rule) => running.service.create({ name: 'clear', ...rule, tocsin: { clear_threshold: 60 } })),
    );
    await writeWave(running.backends.prometheus, 'falling', wave());
    await measure(running.backends.gnocchi, new Map([[resource.metric, wave()]]));
    for (const id of clear) await untilOkAgain(id, '40.0');
    for (const id of plain) await untilOkAgain(id, '70.0');
  });

  async function untilOkAgain(id: string, mostRecent: string): Promise<void> {
    const reasons = await eventually(async () => {
      const transitions = await running.service.transitions(id);
      expect(transitions.map(({ to }) => to)).toEqual(['alarm', 'ok']);
      return transitions.map(({ reason }) => reason);
    });
    expect(reasons).toEqual([
      'Transition to alarm due to 1 samples outside threshold, most recent: 90.0',
      `Transition to ok due to 1 samples inside threshold, most recent: ${mostRecent}`,
    ]);
  }
}
