import { afterAll, afterEach, beforeEach, beforeAll, describe, expect, test } from '@jest/globals';

import type { BackendAnswer, PrometheusQuery } from '../../src/alarm/series.js';
import { alarmTypes } from '../../src/alarm/types/index.js';
import { octavia as kind } from '../../src/app/datasources/octavia.js';
import { Config } from '../../src/config/schema.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import type { NamedDatasources } from '../../src/datasource/registry.js';
import type { Database } from '../../src/storage/database.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { INTERVAL_MS, startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { aPoolMember, startOctaviaDouble, type OctaviaDouble } from '../support/octavia-double.js';
import { storeAlarm } from '../support/stored-alarms.js';

let db: Database;
let rig: EvaluatorRig;
let octavia: OctaviaDouble;
let pools: NamedDatasources<'octavia'>;
/** The present answer to each PromQL query. */
const vectors = new Map<string, (now: Date) => BackendAnswer>();
const asked: string[] = [];

const prometheus: Datasource<PrometheusQuery> = {
  answers: ({ queries }, { now }) => {
    asked.push(...queries.map(({ query }) => query.promql));
    return Promise.resolve(new Map(queries.map(({ key, query }) => [key, vectors.get(query.promql)!(now)])));
  },
};

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(async () => {
  await empty(db);
  octavia = await startOctaviaDouble();
  const observer = { succeeded: () => undefined, failed: () => undefined };
  pools = kind.open({
    config: Config.parse({ octavia: { url: octavia.url } }),
    keystone: undefined,
    observerOf: () => observer,
  });
  // Many intervals of the test's clock pass while the circuit of a server is open for a second of the real clock.
  const graceMs = 1_000 * INTERVAL_MS;
  rig = await startEvaluator(db, { remote: { octavia: pools, prometheus: new Map([[null, prometheus]]) }, graceMs });
  vectors.clear();
  asked.length = 0;
});
afterEach(async () => {
  await rig.stop();
  pools.get(null)?.close?.();
  await octavia.close();
});
afterAll(() => db.close());

async function afterAnInterval(id: string): Promise<string> {
  await rig.interval();
  const { rows } = await db.query<{ state: string; state_reason: string }>(
    'select state, state_reason from alarms where id = $1',
    [id],
  );
  return `${rows[0]?.state}: ${rows[0]?.state_reason}`;
}

describe('a load balancer alarm', () => {
  const rule = alarmTypes.loadbalancer_member_health.schema.parse({
    pool_id: 'pool',
    stack_id: 's',
    autoscaling_group_id: 'g',
  });
  const ill = aPoolMember({ id: 'm', project_id: 'p', operating_status: 'ERROR' });
  const well = aPoolMember({ id: 'm', project_id: 'p' });

  test('follows the members of its pool, and keeps its state while Octavia fails', async () => {
    await storeAlarm(db, { id: 'a', rule: { ...rule, scope_to_project: 'p' } });
    octavia.pools.set('pool', [well]);
    const fine = 'ok: Transition to ok due to 0 members unhealthy, most recent: None';
    expect(await afterAnInterval('a')).toBe(fine);
    octavia.pools.set('pool', [well, ill]);
    const unhealthy = await afterAnInterval('a');
    expect(unhealthy).toMatch(/^alarm: Transition to alarm due to 1 members unhealthy, most recent: \{'id': 'm', /);
    octavia.override = () => [503];
    expect(await afterAnInterval('a')).toBe(unhealthy);
    octavia.override = () => undefined;
    octavia.pools.delete('pool');
    // The circuit of Octavia is open for a second of the real clock.
    await eventually(async () =>
      expect(await afterAnInterval('a')).toBe('insufficient data: pool pool does not exist'),
    );
  });

  test('does not see the pool of another project, though the service does', async () => {
    await storeAlarm(db, { id: 'a', rule: { ...rule, scope_to_project: 'other' }, state: 'ok' });
    octavia.pools.set('pool', [ill]);
    expect(await afterAnInterval('a')).toBe('insufficient data: pool pool does not exist');
  });
});

describe('a composite alarm', () => {
  const vector =
    (value: number) =>
    (now: Date): BackendAnswer => ({ kind: 'series', series: [[{ at: now.getTime(), values: { value } }]] });
  const leaf = (query: string): object => ({ type: 'prometheus', query, threshold: 80, comparison_operator: 'gt' });

  test('sends each of its queries once, and its reason names the rules that caused the state', async () => {
    const rule = alarmTypes.composite.schema.parse({ or: [leaf('a'), { and: [leaf('b'), leaf('a')] }] });
    await storeAlarm(db, { id: 'c', rule });
    vectors.set('a', vector(1)).set('b', vector(99));
    const form = 'Composite rule alarm with composition form: (rule1 or (rule2 and rule3)) transition to';
    expect(await afterAnInterval('c')).toBe(`ok: ${form} ok, due to rules: rule1, rule3 inside their threshold.`);
    expect(asked.sort()).toEqual(['a', 'b']);
    vectors.set('a', () => ({ kind: 'outage', reason: 'no' }));
    expect(await afterAnInterval('c')).toMatch(/^ok: /);
    vectors.set('a', vector(99));
    expect(await afterAnInterval('c')).toBe(`alarm: ${form} alarm, due to rules: rule1 outside their threshold.`);
  });

  test('without any rule is never evaluated', async () => {
    await storeAlarm(db, { id: 'c', rule: alarmTypes.composite.schema.parse({ and: [] }) });
    expect(await afterAnInterval('c')).toBe('insufficient data: not evaluated: its rule asks nothing');
  });
});
