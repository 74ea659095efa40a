import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import { ALARM_STATES, type AlarmState } from '../../src/alarm/state.js';
import { NO_OPTIONS } from '../../src/alarm/evaluation-options.js';
import { pythonJson } from '../../src/alarm/wire/python-json.js';
import { alarmTypes, typeOf, type AlarmKind, type AlarmRule } from '../../src/alarm/types/index.js';
import { createSystemClock } from '../../src/clock.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import { createGnocchiClient } from '../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import { sendRequests } from '../../src/evaluator/send-requests.js';
import { judgeAlarm } from '../../src/evaluator/judge.js';
import { planRequests } from '../../src/evaluator/plan.js';
import { startAodhEvaluator, type AodhAlarm, type AodhEvaluator, type AodhOutcome } from '../support/aodh-evaluator.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../support/gnocchi.js';
import { PATIENCE_MS } from '../support/patience.js';
import { describeWith } from '../support/servers.js';

const NOW = new Date('2026-01-01T12:10:30Z');
/** An id that nothing has. */
const MISSING = '67e55044-10b1-426f-9247-bb680e5fe0c8';
const METHODS = ['mean', 'max', 'min', 'sum', 'count', 'rate:mean'];
/** A value a minute, the last at 12:09. */
const SERIES = {
  busy: ['91.5', '85', '99.25'],
  idle: ['10', '20', '80'],
  rising: ['10', '95.125', '99'],
  falling: ['99', '95', '10.5'],
  short: ['90'],
  small: ['0.00001', '1e-7', '1e16'],
  infinite: ['95', '99', 'inf'],
  'infinite downwards': ['95', '99', '-inf'],
  overflowing: ['1', '2', '1.7e308 1.7e308'],
  'no number': ['95', '99', 'nan'],
  'once no number': ['nan', '95', '99'],
} as const;
type Name = keyof typeof SERIES | 'empty' | 'max only' | 'coarse';

const COMMON = {
  comparison_operator: 'gt',
  threshold: 80,
  aggregation_method: 'mean',
  evaluation_periods: 3,
  granularity: 60,
};
const LAST = { evaluation_periods: 1 };

interface Situation {
  title: string;
  type: AlarmKind;
  rule: () => Record<string, unknown>;
}

describeWith(['postgres', 'gnocchi', 'aodh-service'], 'beside the evaluators of Aodh 15.0.0, on one Gnocchi', () => {
  const made = new Map<string, { id: string; metric: string }>();
  let gnocchi: RealGnocchi;
  let aodh: AodhEvaluator;
  let datasource: Datasource<never>;

  const id = (name: Name): string => made.get(name)!.id;
  const metric = (name: Name): string => made.get(name)!.metric;

  beforeAll(async () => {
    gnocchi = await startGnocchi({ metricd: true, tokens: true });
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    datasource = createGnocchiDatasource({
      client: createGnocchiClient({ url: gnocchi.url, auth: { kind: 'token', tokens }, timeoutMs: PATIENCE_MS }),
      observer: { succeeded: () => undefined, failed: () => undefined },
      clock: createSystemClock(),
      creator: () => Promise.resolve('admin-user:admin-project'),
      externalOwner: () => Promise.resolve(null),
    });
    aodh = await startAodhEvaluator({ gnocchiUrl: gnocchi.url, token: ADMIN_TOKEN, now: NOW });
    await fill();
  });
  afterAll(async () => {
    datasource.close?.();
    await aodh.stop();
    await gnocchi.stop();
  });

  async function create(path: string, body: object): Promise<{ id: string; metrics?: Record<string, string> }> {
    const answer = await gnocchi.ask('POST', path, { body });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as { id: string };
  }

  async function fill(): Promise<void> {
    const text = { type: 'string', required: false, max_length: 255 };
    await create('/v1/resource_type', { name: 'instance', attributes: { server_group: text } });
    const policy = (name: string, aggregation_methods: readonly string[], granularity: string) =>
      create('/v1/archive_policy', { name, aggregation_methods, definition: [{ granularity }] });
    await policy('all', METHODS, '60s');
    await policy('max', ['max'], '60s');
    await policy('coarse', ['mean'], '300s');
    const policies: Record<string, string> = { 'max only': 'max', coarse: 'coarse' };
    const body: Record<string, object[]> = {};
    for (const name of [...Object.keys(SERIES), 'empty', 'max only', 'coarse'] as Name[]) {
      const metrics = { cpu: { archive_policy_name: policies[name] ?? 'all' } };
      const resource = await create('/v1/resource/instance', { id: randomUUID(), server_group: name, metrics });
      made.set(name, { id: resource.id, metric: resource.metrics!['cpu']! });
      if (name in SERIES) body[metric(name)] = measuresOf(SERIES[name as keyof typeof SERIES]);
    }
    const answer = await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body });
    expect(answer).toMatchObject({ status: 202 });
    await eventually(async () => {
      for (const name of Object.keys(SERIES) as Name[]) {
        const rows = await gnocchi.ask('GET', `/v1/metric/${metric(name)}/measures?aggregation=count`);
        expect(rows.body).toHaveLength(SERIES[name as keyof typeof SERIES].length);
      }
    });
  }

  const resource = (name: Name, fields: object = {}): Situation => ({
    title: `the resource ${name} ${written(fields)}`,
    type: 'gnocchi_resources_threshold',
    rule: () => ({ ...COMMON, metric: 'cpu', resource_id: id(name), resource_type: 'instance', ...fields }),
  });
  const metrics = (names: readonly Name[], fields: object = {}): Situation => ({
    title: `the metrics ${names.join()} ${written(fields)}`,
    type: 'gnocchi_aggregation_by_metrics_threshold',
    rule: () => ({ ...COMMON, metrics: names.map(metric), ...fields }),
  });
  const search = (group: Name | 'nothing', fields: object = {}): Situation => ({
    title: `a search for ${group} ${written(fields)}`,
    type: 'gnocchi_aggregation_by_resources_threshold',
    rule: () => ({
      ...COMMON,
      metric: 'cpu',
      query: JSON.stringify({ '=': { server_group: group } }),
      resource_type: 'instance',
      ...fields,
    }),
  });
  const composite = (parts: readonly Situation[]): Situation => ({
    title: parts.map(({ title }) => title).join(' or '),
    type: 'composite',
    rule: () => ({ or: parts.map(({ type, rule }) => ({ ...rule(), type })) }),
  });

  const numbers = ['busy', 'idle', 'rising', 'falling', 'short', 'small', 'infinite', 'infinite downwards'] as const;
  const all: Situation[] = [
    ...numbers.flatMap((name) => [resource(name), metrics([name]), search(name)]),
    ...numbers.flatMap((name) => [resource(name, LAST), metrics([name], LAST), search(name, LAST)]),
    ...(['lt', 'le', 'eq', 'ne', 'ge'] as const).map((comparison_operator) =>
      resource('idle', { comparison_operator }),
    ),
    ...(['lt', 'le', 'eq', 'ne', 'ge'] as const).map((comparison_operator) =>
      search('infinite', { comparison_operator }),
    ),
    ...(['rate:mean', 'sum', 'max'] as const).flatMap((aggregation_method) => [
      search('rising', { aggregation_method, evaluation_periods: 2 }),
      metrics(['rising'], { aggregation_method, evaluation_periods: 2 }),
    ]),
    resource('rising', { aggregation_method: 'rate:mean', evaluation_periods: 2 }),
    resource('busy', { aggregation_method: 'count', ...LAST }),
    resource('overflowing', { aggregation_method: 'sum', ...LAST }),
    metrics(['overflowing'], { aggregation_method: 'sum', ...LAST }),
    search('overflowing', { aggregation_method: 'sum', ...LAST }),
    resource('once no number', { evaluation_periods: 2 }),
    metrics(['once no number'], { evaluation_periods: 2 }),
    search('once no number', { evaluation_periods: 2 }),
    resource('empty'),
    metrics(['empty']),
    search('empty'),
    resource('busy', { resource_id: MISSING }),
    resource('busy', { resource_id: 'instance-8' }),
    resource('busy', { metric: 'none' }),
    resource('busy', { aggregation_method: 'median' }),
    resource('busy', { granularity: 300 }),
    resource('max only'),
    resource('coarse'),
    metrics(['busy'], { metrics: [MISSING] }),
    metrics(['busy'], { aggregation_method: 'median' }),
    metrics(['busy'], { aggregation_method: 'last' }),
    metrics(['busy'], { granularity: 300 }),
    metrics(['coarse']),
    metrics(['max only']),
    metrics(['busy'], { metrics: ["it's none"] }),
    search('busy', { resource_type: 'none' }),
    search('busy', { query: '{"=": {"no_such": "x"}}' }),
    search('busy', { aggregation_method: 'median' }),
    search('busy', { aggregation_method: 'last' }),
    search('max only'),
    search('coarse'),
    search('coarse', { granularity: 17 }),
    composite([resource('busy'), search('idle')]),
    composite([resource('idle'), search('idle')]),
    composite([resource('infinite', LAST), resource('busy', { resource_id: MISSING })]),
    composite([resource('busy', { resource_id: MISSING }), resource('idle')]),
  ];

  const cases = ALARM_STATES.flatMap((state) => [true, false].map((repeats) => ({ state, repeats })));
  /** Of all situations, in their order, each in all cases. */
  let theirs: AodhOutcome[];

  beforeAll(async () => {
    const rules = all.map(ruleOf);
    const alarms = rules.flatMap((rule) => cases.map(({ state, repeats }) => aodhAlarm(rule, state, repeats)));
    theirs = await aodh.evaluate(alarms);
  });

  test.each(all.map((situation, index) => ({ ...situation, index })))(
    '$title: Tocsin makes the same decision with the same reason',
    async ({ index, ...situation }) => {
      const rule = ruleOf(situation);
      const ours = await Promise.all(cases.map(({ state, repeats }) => outcomeOf(rule, state, repeats)));
      const expected = theirs.slice(index * cases.length, (index + 1) * cases.length).map(inJson);
      expect(cases.map((one, at) => [one, ours[at]])).toEqual(cases.map((one, at) => [one, expected[at]]));
    },
  );

  describe('the documented differences', () => {
    const both = async (
      situation: Situation,
      state: AlarmState,
    ): Promise<{ aodh: AodhOutcome; tocsin: AodhOutcome }> => {
      const rule = ruleOf(situation);
      const [outcome] = await aodh.evaluate([aodhAlarm(rule, state, false)]);
      return { aodh: outcome!, tocsin: await outcomeOf(rule, state, false) };
    };

    test.each([resource('no number', LAST), search('no number', LAST)])(
      '$title: to Aodh NaN is inside of every threshold, to Tocsin it is a datapoint that is missing',
      async (situation) => {
        expect(await both(situation, 'alarm')).toMatchObject({
          aodh: { state: 'ok', reason: 'Transition to ok due to 1 samples inside threshold, most recent: nan' },
          tocsin: { state: 'insufficient data', reason: '1 datapoints are unknown' },
        });
      },
    );

    test.each([search('nothing', LAST), search('busy', { ...LAST, metric: 'none' })])(
      '$title: Aodh quotes the 400 of a Gnocchi before 4.5, Tocsin has ' +
        'the reason that Aodh has for a 404 of later ones',
      async (situation) => {
        const name = String(situation.rule()['metric']);
        const quoted = `{'cause': 'Metrics not found', 'detail': ['${name}']} (HTTP 400)`;
        expect(await both(situation, 'ok')).toMatchObject({
          aodh: { state: 'insufficient data', reason: `alarm statistics retrieval failed: ${quoted}` },
          tocsin: { state: 'insufficient data', reason: `metric ${name} does not exists` },
        });
      },
    );

    test('a rule by several metrics: Gnocchi refuses the request of Aodh, for ever', async () => {
      expect(await both(metrics(['busy', 'rising'], LAST), 'ok')).toMatchObject({
        aodh: {
          state: 'insufficient data',
          reason: expect.stringMatching(/^alarm statistics retrieval failed: .*HTTP 400/),
        },
        tocsin: {
          state: 'alarm',
          reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 99.125',
        },
      });
    });
  });

  async function outcomeOf(rule: AlarmRule, state: AlarmState, repeats: boolean): Promise<AodhOutcome> {
    const needs = typeOf(rule).seriesNeeded(rule, NO_OPTIONS);
    const requests = await planRequests(needs);
    const context = { now: NOW, signal: new AbortController().signal };
    const answers = await sendRequests({ find: () => datasource, close: () => undefined }, requests, context);
    const { decision } = judgeAlarm({ rule, needs, options: NO_OPTIONS, state, repeats }, answers, NOW);
    if (decision.kind === 'stay') return null;
    const { reason, reasonData } = decision;
    return {
      state: decision.kind === 'repeat' ? decision.state : decision.to,
      reason,
      reason_data: pythonJson(reasonData),
    };
  }
});

/** Each value a text; several in one minute have blanks between. */
function measuresOf(values: readonly string[]): object[] {
  return values.flatMap((texts, index) =>
    texts.split(' ').map((value, second) => {
      const at = Date.parse('2026-01-01T12:09:00Z') - (values.length - 1 - index) * 60_000 + second * 1_000;
      return { timestamp: new Date(at).toISOString().slice(0, 19), value };
    }),
  );
}

function ruleOf({ type, rule }: Situation): AlarmRule {
  return alarmTypes[type].schema.parse(rule());
}

/** With its rule as Aodh stores it. */
function aodhAlarm(rule: AlarmRule, state: AlarmState, repeat_actions: boolean): AodhAlarm {
  const kind = typeOf(rule);
  return { type: rule.type, rule: kind.historyJson?.(rule) ?? kind.ruleJson(rule), state, repeat_actions };
}

/** What Aodh writes for a number that JSON does not have is null here. */
function inJson(outcome: AodhOutcome): AodhOutcome {
  if (outcome === null || 'failed' in outcome) return outcome;
  return { ...outcome, reason_data: outcome.reason_data.replace(/(?<="most_recent": )-?Infinity\b/, 'null') };
}

function written(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ');
}
