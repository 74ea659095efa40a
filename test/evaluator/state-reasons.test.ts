import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { NOT_EVALUATED_YET } from '../../src/alarm/state.js';
import type { BackendAnswer } from '../../src/alarm/series.js';
import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import { retrievalFailed } from '../../src/alarm/types/threshold-judgement.js';
import type { ConfiguredDatasources } from '../../src/datasource/registry.js';
import type { Database } from '../../src/storage/database.js';
import { datasourceDouble, type DatasourceDouble } from '../support/datasource-double.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { startEvaluator, type EvaluatorRig, type EvaluatorRigOptions } from '../support/evaluator-rig.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeSample, thresholdRule } from '../support/stored-alarms.js';

const CONDITION = { threshold: 80, comparison_operator: 'gt' };
const GNOCCHI = { ...CONDITION, aggregation_method: 'mean', granularity: 60, evaluation_periods: 1 };
const PROMQL = { query: 'up', ...CONDITION };

const RULES = {
  gnocchi_resources_threshold: { ...GNOCCHI, metric: 'cpu', resource_id: 'r', resource_type: 'instance' },
  gnocchi_aggregation_by_metrics_threshold: { ...GNOCCHI, metrics: ['11111111-2222-4333-8444-555555555555'] },
  gnocchi_aggregation_by_resources_threshold: { ...GNOCCHI, metric: 'cpu', query: '{}', resource_type: 'instance' },
  prometheus: PROMQL,
  loadbalancer_member_health: { pool_id: 'pool', stack_id: 's', autoscaling_group_id: 'g' },
  composite: { or: ['up', 'down'].map((query) => ({ ...PROMQL, type: 'prometheus', query })) },
} as const;
type Kind = keyof typeof RULES;
const KINDS = Object.keys(RULES) as Kind[];
const THRESHOLDS = KINDS.filter((kind) => kind !== 'loadbalancer_member_health' && kind !== 'composite');

const COMPOSITE = 'Composite rule alarm with composition form: (rule1 or rule2)';
const OUTAGE: BackendAnswer = { kind: 'outage', reason: 'connection refused' };
const REFUSED: BackendAnswer = { kind: 'refused', reason: retrievalFailed('bad_data: parse error (HTTP 400)') };
const POINTS = retrievalFailed('its answer has more than 100000 points');
const NO_DATA: BackendAnswer = { kind: 'series', series: [[]] };

const BACKENDS: Record<Kind, string> = {
  gnocchi_resources_threshold: 'gnocchi',
  gnocchi_aggregation_by_metrics_threshold: 'gnocchi',
  gnocchi_aggregation_by_resources_threshold: 'gnocchi',
  prometheus: 'prometheus',
  loadbalancer_member_health: 'octavia',
  composite: 'prometheus',
};

function ruleOf(kind: Kind): AlarmRule {
  return alarmTypes[kind].schema.parse(RULES[kind]);
}

interface Row {
  state: string;
  state_version: number;
  state_reason: string;
  state_timestamp: Date;
}

function reasons(open: () => Promise<Database>): void {
  let db: Database;
  let rig: EvaluatorRig;
  /** The present answer of every backend. */
  let says: (now: Date) => BackendAnswer;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    says = () => NO_DATA;
  });
  afterEach(() => rig.stop());
  afterAll(() => db.close());

  function double(): DatasourceDouble<never> {
    return datasourceDouble((_, { now }) => says(now));
  }

  function remote(): ConfiguredDatasources {
    return {
      gnocchi: new Map([[null, double()]]),
      prometheus: new Map([[null, double()]]),
      octavia: new Map([[null, double()]]),
    };
  }

  async function start(options: EvaluatorRigOptions = {}): Promise<void> {
    rig = await startEvaluator(db, { remote: remote(), ...options });
  }

  async function row(id = 'a'): Promise<Row> {
    const { rows } = await db.query<Row>(
      'select state, state_version, state_reason, state_timestamp from alarms where id = $1',
      [id],
    );
    return rows[0]!;
  }

  async function reasonAfterAnInterval(id = 'a'): Promise<string> {
    await rig.interval();
    return (await row(id)).state_reason;
  }

  /** The number of writes to the alarm's row since the table was filled. */
  async function writes(id = 'a'): Promise<string> {
    return (await db.query<{ xmin: string }>('select xmin::text from alarms where id = $1', [id])).rows[0]!.xmin;
  }

  function vector(value: number): (now: Date) => BackendAnswer {
    return (now) => ({ kind: 'series', series: [[{ at: now.getTime(), values: { value } }]] });
  }

  function pool(status: string): BackendAnswer {
    const member = { id: 'm', operating_status: status, admin_state_up: true, created_at: '2025-01-01T00:00:00' };
    return { kind: 'members', members: [member], creationTimeS: 0 };
  }

  describe(
    'an alarm that was never evaluated and stays in insufficient ' + 'data gets the reason of its first evaluation',
    () => {
      test.each<[Kind, string, BackendAnswer, string]>([
        ...THRESHOLDS.flatMap((kind): [Kind, string, BackendAnswer, string][] => [
          [kind, 'a refusal', REFUSED, retrievalFailed('bad_data: parse error (HTTP 400)')],
          [kind, 'more than a limit of points', { kind: 'refused', reason: POINTS }, POINTS],
          [
            kind,
            'nothing of that name',
            { kind: 'absent', reason: 'metric cpu does not exists' },
            'metric cpu does not exists',
          ],
        ]),
        ['gnocchi_resources_threshold', 'no data', NO_DATA, 'No datapoint for granularity 60'],
        ['gnocchi_aggregation_by_metrics_threshold', 'no data', NO_DATA, 'No datapoint for granularity 60'],
        ['gnocchi_aggregation_by_resources_threshold', 'no data', NO_DATA, 'No datapoint for granularity 60'],
        ['prometheus', 'no data', NO_DATA, 'datapoints are unknown'],
        [
          'loadbalancer_member_health',
          'no such pool',
          { kind: 'absent', reason: 'pool pool does not exist' },
          'pool pool does not exist',
        ],
        ['loadbalancer_member_health', 'a refusal', REFUSED, 'failed to communicate with load balancing service'],
        [
          'composite',
          'no data',
          NO_DATA,
          `${COMPOSITE} transition to insufficient data, due to rules: rule1, rule2 state evaluated to unknown.`,
        ],
      ])('%s: %s', async (kind, _, answer, reason) => {
        says = () => answer;
        await storeAlarm(db, { id: 'a', rule: ruleOf(kind), insufficientDataActions: ['log://'] });
        const before = await row();
        await start();
        expect(await reasonAfterAnInterval()).toBe(reason);
        expect(await row()).toEqual({ ...before, state_reason: reason });
        expect((await db.query('select 1 from alarm_history')).rows).toEqual([]);
        expect((await db.query('select 1 from notifications')).rows).toEqual([]);
        const written = await writes();
        await rig.interval();
        expect(await writes()).toBe(written);
      });

      test('threshold on the built-in meters, which have no data', async () => {
        await storeAlarm(db, { id: 'a', rule: thresholdRule({ evaluation_periods: 2 }) });
        await start();
        expect(await reasonAfterAnInterval()).toBe('2 datapoints are unknown');
      });

      test('combination with members that are unknown or deleted', async () => {
        await storeAlarm(db, { id: 'm', rule: thresholdRule() });
        await storeAlarm(db, { id: 'a', rule: combinationRule('and', 'm', 'gone') });
        await start();
        await rig.interval();
        expect(await reasonAfterAnInterval()).toBe('Alarms m,gone are in unknown state');
      });
    },
  );

  describe('an alarm that was created in the state of its first evaluation gets the reason for that state', () => {
    test.each<[Kind, 'ok' | 'alarm', string]>([
      ...THRESHOLDS.flatMap((kind): [Kind, 'ok' | 'alarm', string][] => [
        [kind, 'ok', 'Remaining as ok due to 1 samples inside threshold, most recent: 5.0'],
        [kind, 'alarm', 'Remaining as alarm due to 1 samples outside threshold, most recent: 95.0'],
      ]),
      ['loadbalancer_member_health', 'ok', 'Remaining as ok'],
      ['loadbalancer_member_health', 'alarm', 'Remaining as alarm'],
      ['composite', 'ok', `${COMPOSITE} remaining as ok, due to rules: rule1, rule2 inside their threshold.`],
      ['composite', 'alarm', `${COMPOSITE} remaining as alarm, due to rules: rule1 outside their threshold.`],
    ])('%s in state %s, and later values do not change it', async (kind, state, reason) => {
      const isPool = kind === 'loadbalancer_member_health';
      const found = (value: number): typeof says =>
        isPool ? () => pool(value > 80 ? 'ERROR' : 'ONLINE') : vector(value);
      says = found(state === 'ok' ? 5 : 95);
      await storeAlarm(db, { id: 'a', rule: ruleOf(kind), state });
      await start();
      expect(await reasonAfterAnInterval()).toBe(reason);
      expect(await row()).toMatchObject({ state, state_version: 0 });
      const written = await writes();
      says = found(state === 'ok' ? 6 : 96);
      await rig.interval();
      expect(await writes()).toBe(written);
    });

    test('threshold that repeats its actions', async () => {
      await storeAlarm(db, { id: 'a', rule: thresholdRule(), state: 'ok', repeatActions: true, okActions: ['log://'] });
      await start();
      for (const offset of [0, 30_000, 60_000])
        await storeSample(db, 'cpu', { volume: 5, at: new Date(rig.clock.now().getTime() + offset) });
      expect(await reasonAfterAnInterval()).toBe('Remaining as ok due to 1 samples inside threshold, most recent: 5.0');
      expect((await db.query('select kind from notifications')).rows).toEqual([{ kind: 'repeat' }]);
    });
  });

  test.each(['ok', 'alarm'])('an alarm in state %s keeps the reason of its last transition', async (state) => {
    await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus'), state });
    await db.query("update alarms set state_reason = 'Transition to it, by then', state_version = 1");
    says = vector(state === 'ok' ? 5 : 95);
    await start();
    expect(await reasonAfterAnInterval()).toBe('Transition to it, by then');
  });

  test(
    'while an alarm stays in insufficient data, its reason ' + 'follows each new finding, but not each new number',
    async () => {
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
      await start();
      const found: string[] = [];
      for (const reason of ['read 1 of 2 series', 'read 3 of 4 series', 'status 500', 'status 502', undefined]) {
        says = () => (reason === undefined ? NO_DATA : { kind: 'refused', reason });
        found.push(await reasonAfterAnInterval());
      }
      expect(found).toEqual([
        'read 1 of 2 series',
        'read 1 of 2 series',
        'status 500',
        'status 502',
        'datapoints are unknown',
      ]);
    },
  );

  test('after an edit, a reason with new numbers is written, since it is of a new rule', async () => {
    const rule = (evaluation_periods: number): AlarmRule =>
      alarmTypes.prometheus.schema.parse({ ...CONDITION, query: 'up', evaluation_periods });
    await storeAlarm(db, { id: 'a', rule: rule(3) });
    await start();
    expect(await reasonAfterAnInterval()).toBe('3 datapoints are unknown');
    await db.query(
      'update alarms set rule = $1, definition_version = definition_version + 1, revision = pg_current_xact_id()',
      [alarmTypes.prometheus.ruleJson(rule(5) as never)],
    );
    expect(await reasonAfterAnInterval()).toBe('5 datapoints are unknown');
  });

  describe('an unavailable backend', () => {
    const unasked = (kind: Kind): string =>
      `not evaluated: the ${BACKENDS[kind]} backend cannot be asked: connection refused`;

    test.each(KINDS)('is named at once in the reason of an alarm that was never evaluated: %s', async (kind) => {
      says = () => OUTAGE;
      await storeAlarm(db, { id: 'a', rule: ruleOf(kind), state: 'ok' });
      await start();
      expect(await reasonAfterAnInterval()).toBe(unasked(kind));
      expect(await row()).toMatchObject({ state: 'ok', state_version: 0 });
    });

    test.each([
      ['at once', 60_000],
      ['without a grace', 0],
    ])('is named in the reason, and a backend whose request was not sent in time is not: %s', async (_, graceMs) => {
      says = () => OUTAGE;
      const late = datasourceDouble<never>(() => ({
        kind: 'outage',
        reason: 'it was not asked in time',
        isUnsent: true,
      }));
      const leaves = (['prometheus', 'gnocchi_resources_threshold'] as const).map((type) => ({
        ...RULES[type],
        type,
      }));
      await storeAlarm(db, { id: 'a', rule: alarmTypes.composite.schema.parse({ and: leaves }) });
      await start({ remote: { ...remote(), gnocchi: new Map([[null, late]]) }, graceMs });
      expect(await reasonAfterAnInterval()).toBe(unasked('prometheus'));
    });

    test('is no longer in the reason after its first answer, although the state stays', async () => {
      says = () => OUTAGE;
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus'), state: 'ok' });
      await start();
      expect(await reasonAfterAnInterval()).toBe(unasked('prometheus'));
      says = vector(5);
      expect(await reasonAfterAnInterval()).toBe('Remaining as ok due to 1 samples inside threshold, most recent: 5.0');
    });

    test('does not change the reason of an alarm that was evaluated until the grace is over', async () => {
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
      await start();
      const found = await reasonAfterAnInterval();
      says = () => OUTAGE;
      expect([await reasonAfterAnInterval(), await reasonAfterAnInterval()]).toEqual([found, found]);
      await rig.interval();
      const told = retrievalFailed('the prometheus backend cannot be asked: connection refused');
      expect(await reasonAfterAnInterval()).toBe(told);
      expect(await row()).toMatchObject({ state: 'insufficient data', state_version: 0 });
      says = () => NO_DATA;
      expect(await reasonAfterAnInterval()).toBe('datapoints are unknown');
    });
  });

  describe('a backend that is not configured', () => {
    test.each(KINDS)('is named in the reason with the option to set: %s', async (kind) => {
      await storeAlarm(db, { id: 'a', rule: ruleOf(kind) });
      await start({ remote: {} });
      const backend = BACKENDS[kind];
      const reason = `not evaluated: no ${backend} backend is configured (set ${backend}.url)`;
      expect(await reasonAfterAnInterval()).toBe(reason);
      const written = await writes();
      await rig.interval();
      expect(await writes()).toBe(written);
      await rig.stop();
      // When the backend is configured, evaluations give the reason.
      await start();
      says = () => (kind === 'loadbalancer_member_health' ? { kind: 'absent', reason: 'gone' } : NO_DATA);
      expect(await reasonAfterAnInterval()).not.toBe(reason);
    });

    test('is named by its own name', async () => {
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
      await db.query(`update alarms set evaluation_options = '{"backend": "east"}'`);
      await start();
      expect(await reasonAfterAnInterval()).toBe(
        'not evaluated: no prometheus backend of the name east is configured (set prometheus.others.east.url)',
      );
    });

    test('does not change the reason of the last transition', async () => {
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus'), state: 'ok' });
      await db.query("update alarms set state_reason = 'r', state_version = 1");
      await start({ remote: {} });
      expect(await reasonAfterAnInterval()).toBe('r');
    });
  });

  test('the reason of an empty composite rule is that its rule asks nothing', async () => {
    await storeAlarm(db, { id: 'a', rule: alarmTypes.composite.schema.parse({ and: [] }) });
    await start();
    expect(await reasonAfterAnInterval()).toBe('not evaluated: its rule asks nothing');
  });

  test('the reason of an evaluation that throws is a fault of this service', async () => {
    says = () => ({ kind: 'series', series: undefined as never });
    await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
    await start();
    expect(await reasonAfterAnInterval()).toMatch(
      /^not evaluated: its evaluation fails, which is a fault of this service/,
    );
    says = () => NO_DATA;
    expect(await reasonAfterAnInterval()).toBe('datapoints are unknown');
  });

  test.each(['insufficient data', 'ok'])(
    'the reason of an alarm in state %s whose time constraints never open is replaced when one opens',
    async (state) => {
      const at = (start: string, name: string): object => ({
        name,
        description: '',
        start,
        duration: 60,
        timezone: '',
      });
      const never = [at('0 0 31 2 *', 'a'), at('0 0 30 2 *', 'b')];
      await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus'), state, timeConstraints: never });
      await storeAlarm(db, { id: 'b', rule: ruleOf('prometheus'), timeConstraints: [...never, at('0 3 * * *', 'c')] });
      await storeAlarm(db, { id: 'm', rule: combinationRule('and', 'a', 'b'), timeConstraints: never });
      await db.query("update alarms set state_reason = 'Transition to it' where id = 'a'");
      await start();
      const told = 'time constraint a never opens; time constraint b never opens';
      expect(await reasonAfterAnInterval()).toBe(told);
      expect([(await row('b')).state_reason, (await row('m')).state_reason]).toEqual([NOT_EVALUATED_YET, told]);
      const written = await writes();
      await rig.interval();
      expect(await writes()).toBe(written);
      await db.query(
        "update alarms set time_constraints = '[]', definition_version = " +
          'definition_version + 1, revision = pg_current_xact_id()',
      );
      says = vector(5);
      expect(await reasonAfterAnInterval()).toMatch(/^(?:Transition to|Remaining as) ok due to 1 samples inside/);
    },
  );

  test('an alarm that is disabled or outside its time constraints keeps Not evaluated yet', async () => {
    const night = [{ name: 'n', description: '', start: '0 3 * * *', duration: 60, timezone: '' }];
    await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus'), enabled: false });
    await storeAlarm(db, { id: 'b', rule: ruleOf('prometheus'), timeConstraints: night });
    await start();
    await rig.interval();
    expect([(await row('a')).state_reason, (await row('b')).state_reason]).toEqual([
      NOT_EVALUATED_YET,
      NOT_EVALUATED_YET,
    ]);
  });

  test.each([
    ['edited', 'definition_version = definition_version + 1'],
    ['set by hand', "state_version = state_version + 1, state_reason = 'Manually set via API'"],
    ['disabled', 'enabled = false'],
    ['deleted', 'deleted_at = now()'],
  ])('a reason that was found before the alarm was %s is not written', async (_, change) => {
    await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
    await start();
    let isChanged = false;
    const held = datasourceDouble<'prometheus'>(() => NO_DATA);
    held.gate = async () => {
      if (!isChanged) await db.query(`update alarms set ${change}`);
      isChanged = true;
    };
    await rig.stop();
    await start({ remote: { prometheus: new Map([[null, held]]) } });
    const before = change.includes('Manually') ? 'Manually set via API' : NOT_EVALUATED_YET;
    await rig.interval();
    expect(isChanged).toBe(true);
    expect((await row()).state_reason).toBe(before);
  });

  test('the reason of an evaluator that no longer owns the alarm is not written', async () => {
    await storeAlarm(db, { id: 'a', rule: ruleOf('prometheus') });
    await start();
    await db.query('update partitions set epoch = epoch + 1');
    expect(await reasonAfterAnInterval()).toBe(NOT_EVALUATED_YET);
  });
}

describe('state_reason on PGlite', () => reasons(embeddedDatabase));
describeWithPostgres('state_reason on PostgreSQL', () => reasons(serverDatabase));
