import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { combinationBody, MEMBER, READER, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { explain } from '../support/explanations.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeSample } from '../support/stored-alarms.js';
import {
  ALARMS,
  bodyOf,
  explainedValues,
  PROMETHEUS,
  startValuesRig,
  waveEnding,
  type ValuesRig,
} from '../support/values-rig.js';

function suite(open: () => Promise<Database>): void {
  let db: Database;
  let rig: ValuesRig;
  let api: TestApi;
  let prometheus: ValuesRig['prometheus'];

  beforeAll(async () => {
    db = await open();
    rig = await startValuesRig(db);
    api = rig.api;
    prometheus = rig.prometheus;
  });
  beforeEach(() => rig.reset());
  afterAll(async () => {
    await rig.close();
    await db.close();
  });

  test('latest values are those of the explanation of now, for each type, in the order of the request', async () => {
    const ids: string[] = [];
    for (const type of Object.keys(ALARMS)) ids.push(await api.create(bodyOf(type), MEMBER));
    const found = await rig.latest(ids);
    expect(found.map(({ alarm_id }) => alarm_id)).toEqual(ids);
    for (const { alarm_id, rule, value, compared_series } of found) {
      const explained = explainedValues(await explain(api, alarm_id));
      expect(compared_series).toBe(explained.length);
      if (explained.length > 0) expect(explained).toContainEqual([rule, value]);
      else expect(value).toBeNull();
    }
    expect(found.filter(({ value }) => value !== null).length).toBeGreaterThan(4);
  });

  test('latest values of alarms that share a backend come from one request', async () => {
    const ids: string[] = [];
    for (const query of ['a', 'b', 'c', 'a'])
      ids.push(await api.create({ ...bodyOf('prometheus'), prometheus_rule: { ...PROMETHEUS, query } }, MEMBER));
    expect(await rig.latest(ids)).toHaveLength(4);
    expect(prometheus.asked).toHaveLength(1);
  });

  test('latest values are kept for one interval, for this version of the definition', async () => {
    const id = await api.create(bodyOf('prometheus'), MEMBER);
    await rig.latest([id]);
    await api.clock.advance(59_000);
    await rig.latest([id]);
    expect(prometheus.asked).toHaveLength(1);
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: { ...bodyOf('prometheus'), name: 'new' } });
    await rig.latest([id]);
    expect(prometheus.asked).toHaveLength(2);
    await api.clock.advance(60_000);
    await rig.latest([id]);
    expect(prometheus.asked).toHaveLength(3);
  });

  test('latest values of a backend that is down are errors of its alarms only', async () => {
    prometheus.says = () => ({ kind: 'outage', reason: 'connection refused' });
    const ids = [await api.create(bodyOf('prometheus'), MEMBER), await api.create(bodyOf('threshold'), MEMBER)];
    await storeSample(db, 'cpu', { volume: 9, at: new Date(api.clock.now().getTime() - 30_000), project: 'p1' });
    expect(await rig.latest(ids)).toMatchObject([
      { value: null, error: 'the prometheus backend cannot be asked: connection refused' },
      { value: 9, threshold: 5, outside: true, error: null },
    ]);
  });

  test('latest values of a backend that never answers are errors after the deadline, and are not kept', async () => {
    prometheus.gate = () => new Promise(() => undefined);
    prometheus.says = (_, { now, signal }, __, { periods }) =>
      signal.aborted
        ? { kind: 'outage', reason: 'no answer in time' }
        : { kind: 'series', series: [waveEnding(now, periods)] };
    const id = await api.create(bodyOf('prometheus'), MEMBER);
    const answer = rig.latest([id]);
    await eventually(() => expect(prometheus.underWay).toBe(1));
    await api.clock.advance(10_000);
    expect(await answer).toMatchObject([
      { value: null, error: 'the prometheus backend cannot be asked: no answer in time' },
    ]);
    prometheus.gate = () => Promise.resolve();
    expect(await rig.latest([id])).toMatchObject([{ error: null }]);
  });

  test('latest values leave out alarms that the caller cannot see, and take at most 100 ids', async () => {
    const [own, foreign] = [await api.create(bodyOf('threshold'), MEMBER), await api.create(thresholdBody(), STRANGER)];
    expect((await rig.latest([foreign, 'none', own])).map(({ alarm_id }) => alarm_id)).toEqual([own]);
    expect(await rig.latest([])).toEqual([]);
    const ids = Array.from({ length: 101 }, (_, index) => `id${index}`);
    expect((await api.ask('POST', '/v1/alarms/latest-values', { as: READER, body: { ids } })).status).toBe(400);
  });

  test('latest values of combinations and event alarms are empty', async () => {
    const members = [await api.create(bodyOf('threshold'), MEMBER), await api.create(thresholdBody(), MEMBER)];
    const ids = [
      await api.create(combinationBody(members), MEMBER),
      await api.create({ name: 'e', type: 'event', event_rule: {} }, MEMBER),
    ];
    expect(await rig.latest(ids)).toMatchObject(ids.map((alarm_id) => ({ alarm_id, value: null, error: null })));
  });
}

describe('with the embedded database', () => suite(embeddedDatabase));
describeWithPostgres('with PostgreSQL', () => suite(serverDatabase));
