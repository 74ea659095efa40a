import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { createRuleChecks } from '../../src/app/rule-checks.js';
import { Config } from '../../src/config/schema.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';

const GNOCCHI = { url: 'http://127.0.0.1:1' };
const NO_GNOCCHI = 'no gnocchi backend is configured (set gnocchi.url)';
const NO_PROMETHEUS = 'no prometheus backend is configured (set prometheus.url)';
const NOT_APART = 'only admins may use Prometheus, since prometheus.tenancy is none';
const USABLE = { configured: true, allowed: true, reason: null };

let db: Database;
let api: TestApi;
let resources: ReleaseStack;
beforeAll(async () => {
  db = await anyDatabase();
});
afterEach(async () => {
  await api.close();
  await resources.release();
});
afterAll(() => db.close());

async function offersWith(settings: object, as: Caller): Promise<Record<string, unknown>> {
  resources = new ReleaseStack();
  const keystone = undefined;
  const ruleChecks = createRuleChecks({ config: Config.parse(settings), clock: new FakeClock(), resources, keystone });
  api = await startApi(db, { ruleChecks });
  const answer = await api.ask('GET', '/v1/alarm-schema', { as });
  return answer.json<{ 'x-types': Record<string, unknown> }>()['x-types'];
}

test.each<{ what: string; settings: object; as?: Caller; expected: Record<string, unknown> }>([
  {
    what: 'without backends',
    settings: {},
    expected: {
      threshold: USABLE,
      event: USABLE,
      combination: USABLE,
      prometheus: { configured: false, allowed: true, reason: NO_PROMETHEUS },
      gnocchi_resources_threshold: { configured: false, allowed: true, reason: NO_GNOCCHI },
      composite: { configured: false, allowed: true, reason: `${NO_GNOCCHI}; ${NO_PROMETHEUS}` },
    },
  },
  {
    what: 'with Gnocchi',
    settings: { gnocchi: GNOCCHI },
    expected: {
      prometheus: { configured: false, allowed: true, reason: NO_PROMETHEUS },
      gnocchi_resources_threshold: USABLE,
      gnocchi_aggregation_by_metrics_threshold: USABLE,
      composite: USABLE,
    },
  },
  {
    what: 'with a named Prometheus',
    settings: { prometheus: { others: { east: GNOCCHI } } },
    expected: { prometheus: USABLE, composite: USABLE },
  },
  {
    what: 'for a member if the only Prometheus, a named one, is for admins',
    settings: { prometheus: { others: { east: { ...GNOCCHI, tenancy: 'none' } } } },
    expected: {
      prometheus: {
        configured: true,
        allowed: false,
        reason: 'only admins may use Prometheus, since prometheus.others.east.tenancy is none',
      },
    },
  },
  {
    what: 'for a member if one Prometheus of two is for admins',
    settings: { prometheus: { ...GNOCCHI, others: { east: { ...GNOCCHI, tenancy: 'none' } } } },
    expected: { prometheus: USABLE },
  },
  {
    what: 'for a member if Prometheus is for admins',
    settings: { prometheus: { ...GNOCCHI, tenancy: 'none' } },
    expected: { prometheus: { configured: true, allowed: false, reason: NOT_APART } },
  },
  {
    what: 'for an admin if Prometheus is for admins',
    settings: { prometheus: { ...GNOCCHI, tenancy: 'none' } },
    as: ADMIN,
    expected: { prometheus: USABLE, composite: USABLE },
  },
])('the schema of alarms says which types are of use $what', async ({ settings, as = MEMBER, expected }) => {
  expect(await offersWith(settings, as)).toMatchObject(expected);
});
