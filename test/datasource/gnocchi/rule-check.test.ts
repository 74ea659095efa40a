import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { CompositeNode } from '../../../src/alarm/types/composite/tree.js';
import type { AlarmRule } from '../../../src/alarm/types/index.js';
import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
} from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import type { GnocchiRule } from '../../../src/datasource/gnocchi/gnocchi-rules.js';
import { createGnocchiRuleCheck, type AuthorAccess } from '../../../src/datasource/gnocchi/rule-check.js';
import { AppError, UpstreamRefusal } from '../../../src/errors.js';
import { aThresholdRule } from '../../support/builders.js';
import { FakeClock } from '../../support/fake-clock.js';
import {
  gnocchiRefusal,
  METHODS,
  startGnocchiDouble,
  type DoubleAnswer,
  type GnocchiDouble,
} from '../../support/gnocchi-double.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';
import { freePort } from '../../support/service-process.js';

const RESOURCE = '6868da77-fa82-4e67-aba9-270c5ae8cbca';
const METRIC = '11111111-2222-4333-8444-555555555555';
const OURS: GnocchiAuth = {
  kind: 'token',
  tokens: { token: () => Promise.resolve('ours'), renew: () => Promise.resolve('ours') },
};
const ADMIN: AuthorAccess = { isAdmin: true };
const ALICE: AuthorAccess = { isAdmin: false, token: 'hers' };
const HOUR_MS = 3_600_000;

const COMMON = {
  comparison_operator: 'gt',
  threshold: 80,
  aggregation_method: 'mean',
  evaluation_periods: 1,
  granularity: 60,
} as const;
const ofResource: GnocchiRule = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu',
  resource_id: RESOURCE,
  resource_type: 'instance',
  ...COMMON,
};
const ofMetrics: GnocchiRule = {
  type: 'gnocchi_aggregation_by_metrics_threshold',
  metrics: [METRIC, METRIC],
  ...COMMON,
};
const ofResources: GnocchiRule = {
  type: 'gnocchi_aggregation_by_resources_threshold',
  metric: 'cpu',
  query: '{"=": {"server_group": "s"}}',
  resource_type: 'instance',
  ...COMMON,
  aggregation_method: 'rate:mean',
};

let double: GnocchiDouble;
let clock: FakeClock;
const clients: GnocchiClient[] = [];

function checkAt(url: string, auth: GnocchiAuth = OURS, timeoutMs = PATIENCE_MS) {
  const gnocchi = createGnocchiClient({ url, auth, timeoutMs });
  clients.push(gnocchi);
  return createGnocchiRuleCheck({ gnocchi, clock });
}

/** The result of a check as clients see it. */
async function outcome(checked: Promise<string | undefined>): Promise<unknown> {
  try {
    const reason = await checked;
    return reason === undefined ? 'accepted' : `not checked: ${reason}`;
  } catch (thrown) {
    if (thrown instanceof UpstreamRefusal) return [thrown.status, thrown.description];
    if (thrown instanceof AppError) return [thrown.code, thrown.message];
    throw thrown;
  }
}

function composite(tree: CompositeNode): AlarmRule {
  return { type: 'composite', tree };
}

function targets(): string[] {
  return double.requests.map(({ target }) => target.replace(/\?.*/, ''));
}

beforeEach(async () => {
  double = await startGnocchiDouble();
  clock = new FakeClock();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await double.close();
});

describe('the aggregation method', () => {
  const UNKNOWN = ['invalid_request', "aggregation_method should be in ['mean', 'max', 'rate:mean'] not bogus"];
  test.each([ofResource, ofMetrics, ofResources])('must be one of Gnocchi’s: $type', async (rule) => {
    expect(await outcome(checkAt(double.url)({ ...rule, aggregation_method: 'bogus' }, ADMIN))).toEqual(UNKNOWN);
    expect(targets()).toEqual(['/v1/capabilities/']);
  });

  test('must be so in every leaf of a composite rule', async () => {
    const tree = {
      or: [ofResource, { and: [ofMetrics, { ...ofResources, aggregation_method: 'bogus' }] }],
    };
    expect(await outcome(checkAt(double.url)(composite(tree), ADMIN))).toEqual(UNKNOWN);
  });

  test('is compared with a list of Gnocchi that is at most an hour old', async () => {
    const check = checkAt(double.url);
    await Promise.all([check(ofResource, ADMIN), check(ofMetrics, ADMIN)]);
    await clock.advance(HOUR_MS - 1);
    await check(ofResource, ADMIN);
    expect(targets()).toEqual(['/v1/capabilities/']);
    double.answers.capabilities = [200, { aggregation_methods: ['max'] }];
    await clock.advance(1);
    expect(await outcome(check(ofResource, ADMIN))).toEqual([
      'invalid_request',
      expect.stringContaining("['max'] not mean"),
    ]);
    expect(targets().length).toBe(2);
  });

  test('is looked up again after Gnocchi failed to answer', async () => {
    double.answers.capabilities = gnocchiRefusal(500, 'Internal error');
    const check = checkAt(double.url);
    expect(await outcome(check(ofResource, ADMIN))).toBe('not checked: cannot be asked: it answered with status 500');
    double.answers.capabilities = [200, { aggregation_methods: METHODS }];
    expect(await outcome(check(ofResource, ADMIN))).toBe('accepted');
  });
});

describe('a trial of the search of a rule over many resources', () => {
  const OBJECT = { cause: 'Invalid input', reason: 'expected a dictionary', detail: ['search'] };
  test.each<[string, DoubleAnswer, unknown]>([
    ['an answer is enough', [200, { measures: { aggregated: [] } }], 'accepted'],
    ['metrics that do not exist yet are accepted', gnocchiRefusal(404, "Metric ['cpu'] does not exist"), 'accepted'],
    [
      'nor are they in the words of older Gnocchis',
      gnocchiRefusal(400, { cause: 'Metrics not found', detail: ['cpu'] }),
      'accepted',
    ],
    [
      'an unknown type of resource is',
      gnocchiRefusal(400, 'Resource type x does not exist'),
      [400, 'Resource type x does not exist'],
    ],
    ['a bad search is, and Gnocchi’s object is told as it is', gnocchiRefusal(400, OBJECT), [400, OBJECT]],
    ['another status is told as it is', gnocchiRefusal(403, 'Forbidden'), [403, 'Forbidden']],
    [
      'a search that alone makes Gnocchi fail is a fault',
      gnocchiRefusal(500, 'Internal Server Error'),
      [500, 'Internal Server Error'],
    ],
    [
      'an outage of Gnocchi refuses no rule',
      gnocchiRefusal(503, 'Unable to refresh'),
      'not checked: cannot be asked: it answered with status 503',
    ],
    [
      'nor does a Gnocchi that has too much to do',
      gnocchiRefusal(429, 'Later'),
      'not checked: cannot be asked: it answered with status 429',
    ],
    [
      'nor does one that does not know us',
      gnocchiRefusal(401, 'Unauthorized'),
      'not checked: does not accept the credentials of this service',
    ],
    ['nor does garbage', [200, '<html>'], 'not checked: cannot be asked: its answer is not JSON'],
    ['nor does silence', () => undefined, 'not checked: cannot be asked: no answer in time'],
    [
      'nor does a connection that is closed',
      (_, response) => void response.destroy(),
      'not checked: cannot be asked: the connection was closed',
    ],
    ['nor does an answer over a day that is too large', [200, 'x'.repeat(9 * 1024 * 1024)], 'accepted'],
  ])('%s', async (_, answer, told) => {
    double.answers.aggregates = answer;
    const check = checkAt(double.url, OURS, patienceFor(JSON.stringify(told)));
    expect(await outcome(check(ofResources, ALICE))).toEqual(told);
  });

  test('a Gnocchi that fails on every request refuses no rule', async () => {
    double.answers.aggregates = double.answers.search = gnocchiRefusal(500, 'Internal Server Error');
    expect(await outcome(checkAt(double.url)(ofResources, ALICE))).toBe(
      'not checked: cannot be asked: it answered with status 500',
    );
  });

  test.each(['count', 'rate:count'])(
    'a %s is requested in the form of the evaluators, by the rows of each metric',
    async (method) => {
      double.answers.capabilities = [200, { aggregation_methods: [method] }];
      await checkAt(double.url)({ ...ofResources, aggregation_method: method }, ALICE);
      const asked = double.requests.at(-1)!;
      expect(asked.target).toBe('/v1/aggregates?details=False&start=-1%20day&stop=now');
      expect(JSON.parse(asked.body)).toMatchObject({ operations: ['metric', 'cpu', 'count'] });
    },
  );

  test('the trial has the form of the evaluators’ query, over the last day', async () => {
    await checkAt(double.url)(ofResources, ALICE);
    const asked = double.requests.at(-1)!;
    expect(asked.headers['x-auth-token']).toBe('ours');
    expect(asked.target).toBe('/v1/aggregates?details=False&needed_overlap=0&start=-1%20day&stop=now');
    expect(JSON.parse(asked.body)).toEqual({
      operations: ['aggregate', 'rate:mean', ['metric', 'cpu', 'mean']],
      search: { '=': { server_group: 's' } },
      resource_type: 'instance',
    });
  });
});

describe('a Gnocchi that cannot be reached', () => {
  const AWAY = 'cannot be asked: connection refused';

  test.each([ofResource, ofMetrics, ofResources])('does not refuse a rule of an admin: $type', async (rule) => {
    const check = checkAt(`http://127.0.0.1:${await freePort()}`);
    expect(await outcome(check(rule, ADMIN))).toBe(`not checked: ${AWAY}`);
    expect(await outcome(check(composite({ or: [rule, rule] }), ADMIN))).toBe(`not checked: ${AWAY}`);
  });

  test('does not refuse a search, which is kept to its author’s project', async () => {
    const check = checkAt(`http://127.0.0.1:${await freePort()}`);
    expect(await outcome(check(ofResources, ALICE))).toBe(`not checked: ${AWAY}`);
  });

  test.each<AlarmRule>([ofResource, ofMetrics, composite({ or: [ofResources, ofMetrics] })])(
    'refuses a rule that names a resource or metric which its author may not be allowed to see: $type',
    async (rule) => {
      const check = checkAt(`http://127.0.0.1:${await freePort()}`);
      expect(await outcome(check(rule, ALICE))).toEqual(['unavailable', `Gnocchi ${AWAY}`]);
    },
  );

  test('is not queried for rules on other data', async () => {
    const check = checkAt(`http://127.0.0.1:${await freePort()}`);
    const prometheus = {
      type: 'prometheus',
      query: 'up',
      comparison_operator: 'gt',
      threshold: 1,
      scope_to_project: null,
    } as const;
    const rules: AlarmRule[] = [aThresholdRule(), prometheus, composite(prometheus)];
    for (const rule of rules) expect(await outcome(check(rule, ALICE))).toBe('accepted');
  });
});

/** Answers as Gnocchi would to the user of the token. */
function byToken(answers: { ours: DoubleAnswer; hers: DoubleAnswer }): DoubleAnswer {
  return ({ headers }, response) => {
    const [status, body] = (headers['x-auth-token'] === 'ours' ? answers.ours : answers.hers) as [number, unknown];
    response.writeHead(status).end(JSON.stringify(body));
  };
}

describe('an id that a rule names', () => {
  const HERE: DoubleAnswer = [200, { id: RESOURCE, project_id: 'p' }];
  const NOWHERE = gnocchiRefusal(404, 'does not exist');
  const FORBIDDEN = gnocchiRefusal(403, 'Insufficient privileges');
  const hidden = (field: string, what: string, id: string) => [
    'invalid_request',
    `Invalid input for field/attribute ${field}. Value: '${id}'. ${what} ${id} is not visible to you`,
  ];
  test.each<[string, { ours: DoubleAnswer; hers: DoubleAnswer }, boolean]>([
    ['may be what its author sees', { ours: HERE, hers: HERE }, true],
    ['may be what does not exist', { ours: NOWHERE, hers: NOWHERE }, true],
    ['may be what no evaluator can read', { ours: FORBIDDEN, hers: FORBIDDEN }, true],
    ['must not be what is forbidden to its author', { ours: HERE, hers: FORBIDDEN }, false],
    ['must not be what is hidden from its author', { ours: HERE, hers: NOWHERE }, false],
  ])('%s', async (_, answers, accepted) => {
    double.answers.resource = double.answers.metric = byToken(answers);
    const check = checkAt(double.url);
    const [resource, metrics] = [await outcome(check(ofResource, ALICE)), await outcome(check(ofMetrics, ALICE))];
    expect(resource).toEqual(accepted ? 'accepted' : hidden('resource_id', 'Resource', RESOURCE));
    expect(metrics).toEqual(accepted ? 'accepted' : hidden('metrics', 'Metric', METRIC));
    expect(await outcome(check(composite({ and: [ofMetrics, ofResource] }), ALICE))).toEqual(metrics);
  });

  test('is looked up for its author under the id that evaluators would find by that name', async () => {
    double.answers.resource = byToken({ ours: [200, { id: RESOURCE }], hers: FORBIDDEN });
    const check = checkAt(double.url);
    const named = { ...ofResource, resource_id: 'instance-7-tap' };
    expect(await outcome(check(named, ALICE))).toEqual(hidden('resource_id', 'Resource', 'instance-7-tap'));
    expect(double.requests.slice(1).map(({ target, headers }) => [target, headers['x-auth-token']])).toEqual([
      ['/v1/resource/generic/instance-7-tap', 'ours'],
      [`/v1/resource/generic/${RESOURCE}`, 'hers'],
    ]);
  });

  test.each<[string, { ours: DoubleAnswer; hers: DoubleAnswer }, unknown]>([
    [
      'we are not known',
      { ours: gnocchiRefusal(401, 'who?'), hers: HERE },
      ['unavailable', 'Gnocchi does not accept the credentials of this service'],
    ],
    [
      'its author is not known',
      { ours: HERE, hers: gnocchiRefusal(401, 'who?') },
      ['not_authorized', 'Gnocchi does not accept your token'],
    ],
    ['Gnocchi fails', { ours: HERE, hers: gnocchiRefusal(500, 'oops') }, [500, 'oops']],
    ['Gnocchi fails for us', { ours: gnocchiRefusal(502, 'oops'), hers: HERE }, [502, 'oops']],
  ])('is not accepted without a check when %s', async (_, answers, told) => {
    double.answers.resource = byToken(answers);
    expect(await outcome(checkAt(double.url)(ofResource, ALICE))).toEqual(told);
  });

  test.each<[string, AuthorAccess, GnocchiAuth]>([
    ['by an admin', { isAdmin: true, token: 'admins' }, OURS],
    ['without a token of its author', { isAdmin: false }, OURS],
    ['where Gnocchi takes no tokens', ALICE, { kind: 'basic', user: 'admin' }],
  ])('is not looked up when written %s', async (_, author, auth) => {
    double.answers.resource = double.answers.metric = FORBIDDEN;
    const check = checkAt(double.url, auth);
    for (const rule of [ofResource, ofMetrics]) expect(await outcome(check(rule, author))).toBe('accepted');
    expect(targets()).toEqual(['/v1/capabilities/']);
  });
});
