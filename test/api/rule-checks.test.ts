import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { AlarmRule } from '../../src/alarm/types/index.js';
import { createNoauthAuthenticator } from '../../src/api/identity/noauth.js';
import type { RuleChecks } from '../../src/api/ports.js';
import { createRuleChecks } from '../../src/app/rule-checks.js';
import { Config } from '../../src/config/schema.js';
import { AppError } from '../../src/errors.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { gnocchiRefusal, startGnocchiDouble, type GnocchiDouble } from '../support/gnocchi-double.js';

const KIND = 'gnocchi_aggregation_by_resources_threshold';
const QUERY = '{"=": {"server_group": "s"}}';
const OWN = '{"=": {"created_by_project_id": "p1"}}';
const MEASURED_FOR_IT = '{"and": [{"=": {"created_by_project_id": "svc"}}, {"=": {"project_id": "p1"}}]}';
const NARROWED = `{"and": [{"or": [${OWN}, ${MEASURED_FOR_IT}]}, ${QUERY}]}`;
const HOMELESS: Caller = { 'x-user-id': 'u1', 'x-roles': 'member' };
const MISSING = '/v2/alarms/0b1c7d0e-0000-4000-8000-000000000000';

function ruleBody(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const rule = { metric: 'cpu', query: QUERY, resource_type: 'instance', aggregation_method: 'mean', threshold: 80 };
  return { name: 'group', type: KIND, [`${KIND}_rule`]: rule, ...fields };
}

function compositeBody(): Record<string, unknown> {
  const leaf = { type: KIND, ...(ruleBody()[`${KIND}_rule`] as object) };
  return { name: 'both', type: 'composite', composite_rule: { or: [leaf, leaf] } };
}

let db: Database;
beforeAll(async () => {
  db = await anyDatabase();
});
afterAll(() => db.close());

describe('the check of a rule by backends', () => {
  interface Looked {
    rule: AlarmRule;
    author: Parameters<RuleChecks['check']>[1];
  }
  const looked: Looked[] = [];
  let owners = 0;
  let verdict: AppError | undefined;
  let api: TestApi;

  beforeAll(async () => {
    const ruleChecks: RuleChecks = {
      check: (rule, author) => {
        looked.push({ rule, author });
        return verdict ? Promise.reject(verdict) : Promise.resolve([]);
      },
      missingBackends: () => [],
      limitsOf: () => ({ missing: [], refusal: undefined }),
      externalOwner: () => {
        owners += 1;
        return Promise.resolve('svc');
      },
      knownBackends: () => [],
    };
    const believe = createNoauthAuthenticator();
    api = await startApi(db, {
      ruleChecks,
      authenticate: async (credentials) => ({ ...(await believe(credentials)), token: 'theirs' }),
    });
  });
  beforeEach(() => {
    looked.length = 0;
    owners = 0;
    verdict = undefined;
  });
  afterAll(() => api.close());

  test('gets the rule as it will be stored, and its author', async () => {
    const id = await api.create(ruleBody(), MEMBER);
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: ruleBody() });
    expect(looked.length).toBe(2);
    for (const { rule, author } of looked) {
      expect(rule).toMatchObject({ type: KIND, query: NARROWED });
      expect(author).toEqual({ token: 'theirs', isAdmin: false });
    }
    const stored = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(stored[`${KIND}_rule`]).toMatchObject({ query: NARROWED });
  });

  test('sees an admin’s own rule as it is written, and one for another project within that project', async () => {
    await api.create(ruleBody(), ADMIN);
    await api.create(ruleBody({ project_id: 'p1' }), ADMIN);
    expect(looked).toMatchObject([
      { rule: { query: QUERY }, author: { isAdmin: true } },
      { rule: { query: NARROWED }, author: { isAdmin: true } },
    ]);
  });

  test('gets the rule of another project’s alarm that an admin edits with the scope of that project', async () => {
    const id = await api.create(ruleBody(), MEMBER);
    await api.ask('PUT', `/v2/alarms/${id}`, { as: ADMIN, body: ruleBody() });
    expect(looked.at(-1)).toMatchObject({ rule: { query: NARROWED }, author: { isAdmin: true } });
  });

  test('sees the leaves of a composite rule within their author’s project', async () => {
    await api.create(compositeBody(), MEMBER);
    expect(looked).toMatchObject([{ rule: { tree: { or: [{ query: NARROWED }, { query: NARROWED }] } } }]);
  });

  test('sends nothing to Gnocchi for a rule without a query to Gnocchi', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody() });
    expect([looked.length, owners]).toEqual([0, 0]);
  });

  test.each<[string, string, string, Caller]>([
    ['an alarm that is not there', 'PUT', MISSING, MEMBER],
    ['one who may only read', 'POST', '/v2/alarms', READER],
  ])('is heard before %s is refused', async (_, method, path, as) => {
    verdict = new AppError('invalid_request', 'bad rule');
    const answer = await api.ask(method, path, { as, body: ruleBody() });
    expect([answer.status, answer.fault]).toEqual([400, 'bad rule']);
  });

  test('does not run for an invalid body', async () => {
    verdict = new AppError('invalid_request', 'bad rule');
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: ruleBody({ alarm_actions: ['nonsense'] }) });
    expect([answer.status, answer.fault, looked.length]).toEqual([400, 'Unsupported action nonsense', 0]);
  });

  test.each([
    ['POST', '/v2/alarms', 403],
    ['PUT', MISSING, 404],
  ])('does not run for a caller without a project: %s', async (method, path, status) => {
    const answer = await api.ask(method, path, { as: HOMELESS, body: ruleBody() });
    expect([answer.status, looked.length]).toEqual([status, 0]);
  });
});

describe('a refusal of a rule by Gnocchi', () => {
  let api: TestApi;
  let double: GnocchiDouble;
  let resources: ReleaseStack;

  beforeEach(async () => {
    double = await startGnocchiDouble();
    resources = new ReleaseStack();
    api = await startApi(db, { ruleChecks: checksWith({ gnocchi: { url: double.url } }) });
  });

  function checksWith(settings: object): RuleChecks {
    return createRuleChecks({
      config: Config.parse(settings),
      clock: new FakeClock(),
      resources,
      keystone: {
        token: () => Promise.resolve('ours'),
        renew: () => Promise.resolve('ours'),
        projectId: () => Promise.resolve(null),
      },
    });
  }

  afterEach(async () => {
    await api.close();
    await resources.release();
    await double.close();
  });

  test('is passed on with its text and its status', async () => {
    double.answers.aggregates = gnocchiRefusal(400, { cause: 'Invalid input', detail: ['search'] });
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: ruleBody() });
    expect(answer.status).toBe(400);
    expect(answer.text).toBe(
      '{"error_message": {"faultcode": "Client", "faultstring": {"cause": ' +
        '"Invalid input", "detail": ["search"]}, "debuginfo": null}}',
    );
  });

  test('is recorded as not checked while Gnocchi is unavailable, also for parts of a composite rule', async () => {
    await double.close();
    for (const body of [ruleBody(), compositeBody()]) {
      const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body });
      expect([answer.status, answer.json().state_reason]).toEqual([
        201,
        'not checked: the gnocchi backend cannot be asked: connection refused',
      ]);
    }
  });

  test(
    'is required for a rule that names a resource or metric ' + 'which its author may not be allowed to see',
    async () => {
      const bearer = await startApi(db, {
        ruleChecks: checksWith({ gnocchi: { url: double.url, auth: 'keystone' } }),
        authenticate: async (credentials) => ({ ...(await createNoauthAuthenticator()(credentials)), token: 'theirs' }),
      });
      await double.close();
      const rule = { metrics: ['11111111-2222-4333-8444-555555555555'], aggregation_method: 'mean', threshold: 80 };
      const kind = 'gnocchi_aggregation_by_metrics_threshold';
      const body = { name: 'by metrics', type: kind, [`${kind}_rule`]: rule };
      const [member, admin] = [
        await bearer.ask('POST', '/v2/alarms', { as: MEMBER, body }),
        await bearer.ask('POST', '/v2/alarms', { as: ADMIN, body }),
      ];
      await bearer.close();
      expect([member.status, member.fault]).toEqual([503, 'Gnocchi cannot be asked: connection refused']);
      expect([admin.status, admin.json().state_reason]).toEqual([
        201,
        'not checked: the gnocchi backend cannot be asked: connection refused',
      ]);
    },
  );

  test('holds for the search within the author’s project', async () => {
    await api.create(ruleBody(), MEMBER);
    const asked = double.requests.find(({ target }) => target.startsWith('/v1/aggregates'))!;
    expect(JSON.parse(asked.body)).toMatchObject({ search: { and: [JSON.parse(OWN), JSON.parse(QUERY)] } });
  });
});
