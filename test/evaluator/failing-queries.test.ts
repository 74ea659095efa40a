import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import type { AggregatesRequest, GnocchiClient } from '../../src/datasource/gnocchi/client/gnocchi-client.js';
import type { PrometheusRequest } from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import type { ConfiguredDatasources } from '../../src/datasource/registry.js';
import type { Database } from '../../src/storage/database.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { FakeClock } from '../support/fake-clock.js';
import { storeAlarms } from '../support/stored-alarms.js';

const WELL = 40;
const GRACE_INTERVALS = 3;

type Backend = 'gnocchi' | 'prometheus';

let db: Database;
let rig: EvaluatorRig;
let clock: FakeClock;
/** How often each query of the other tenants was answered. */
let answered: Map<string, number>;

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(async () => {
  await empty(db);
  clock = new FakeClock('2026-01-01T12:00:01Z');
  answered = new Map();
});
afterEach(() => rig.stop());
afterAll(() => db.close());

function answeredTo(question: string): void {
  answered.set(question, (answered.get(question) ?? 0) + 1);
}

const observer = { succeeded: () => undefined, failed: () => undefined };

function prometheus(): ConfiguredDatasources {
  const client = {
    async send({ form }: Pick<PrometheusRequest, 'form'>) {
      const query = form['query']!;
      if (query.includes('bad')) return { status: 500, text: '', isCutOff: false };
      if (query.includes('well')) answeredTo(query);
      const result = [{ metric: {}, value: [Number(form['time']), '1'] }];
      return {
        status: 200,
        text: JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }),
        isCutOff: false,
      };
    },
    close: () => undefined,
  };
  const tenancy = { kind: 'label', label: 'project_id' } as const;
  return { prometheus: new Map([[null, createPrometheusDatasource({ client, tenancy, observer, clock })]]) };
}

function gnocchi(): ConfiguredDatasources {
  const client: Partial<GnocchiClient> = {
    takesTokens: false,
    async aggregates({ search, stop }: AggregatesRequest) {
      const query = JSON.stringify(search);
      if (query.includes('bad')) return { kind: 'refusal', status: 500, description: 'Internal Server Error' };
      answeredTo(query);
      const minute = `${stop.slice(0, 16)}:00+00:00`;
      return { kind: 'answer', value: { measures: { aggregated: [[minute, 60, 1]] } } };
    },
    searchResources: () => Promise.resolve({ kind: 'answer', value: [] }),
    close: () => undefined,
  };
  const datasource = createGnocchiDatasource({
    client: client as GnocchiClient,
    observer,
    clock,
    creator: () => Promise.resolve(undefined),
    externalOwner: () => Promise.resolve(null),
  });
  return { gnocchi: new Map([[null, datasource]]) };
}

/** A query of a form that cannot be merged. */
function ruleOf(backend: Backend, project: string, n: number): AlarmRule {
  const condition = { threshold: 80, comparison_operator: 'gt' };
  if (backend === 'prometheus') {
    const rule = alarmTypes.prometheus.schema.parse({ query: `absent(${project}${n})`, ...condition });
    return { ...rule, scope_to_project: project };
  }
  return alarmTypes.gnocchi_aggregation_by_resources_threshold.schema.parse({
    metric: 'cpu',
    resource_type: 'instance',
    query: `{"and": [{"=": {"created_by_project_id": "${project}"}}, {"like": {"display_name": "${n}%"}}]}`,
    aggregation_method: 'mean',
    granularity: 60,
    evaluation_periods: 1,
    ...condition,
  });
}

/** All alarms are due at once, those of the bad tenant first. */
async function store(backend: Backend, bad: number): Promise<void> {
  const ofBad = Array.from({ length: bad }, (_, n) => ({ id: `a${n}`, rule: ruleOf(backend, 'bad', n) }));
  const ofWell = Array.from({ length: WELL }, (_, n) => ({ id: `b${n}`, rule: ruleOf(backend, `well${n % 10}`, n) }));
  await storeAlarms(
    db,
    [...ofBad, ...ofWell].map((alarm) => ({ ...alarm, state: 'ok' })),
  );
  await db.query("update alarms set partition = case when id like 'a%' then 7 else 15 end");
}

async function changed(): Promise<string[]> {
  const { rows } = await db.query<{ alarm_id: string }>("select alarm_id from alarm_history where alarm_id like 'b%'");
  return rows.map(({ alarm_id }) => alarm_id);
}

describe.each<Backend>(['gnocchi', 'prometheus'])('at a healthy %s', (backend) => {
  test.each([4, 100])(
    '%i queries of one tenant that always end in status 500 do not affect the alarms of others',
    async (bad) => {
      await store(backend, bad);
      rig = await startEvaluator(db, { clock, remote: { gnocchi, prometheus }[backend]() });
      for (let intervals = 1; intervals <= GRACE_INTERVALS + 2; intervals += 1) {
        await rig.interval();
        expect(rig.evaluator.alarmsInOutage()).toBe(bad);
        // No alarm waited for a retry.
        expect([...answered.values()]).toEqual(Array(WELL).fill(intervals));
      }
      expect(await changed()).toEqual([]);
    },
  );
});
