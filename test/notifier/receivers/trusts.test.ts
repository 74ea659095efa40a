import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import { createReceivers, type CloudAccess, type Receivers } from '../../../src/notifier/receivers/registry.js';
import type { Delivery, DeliveryOutcome } from '../../../src/notifier/receivers/receiver.js';
import { NOON } from '../../support/builders.js';
import { CANARY, startCloud, type CloudDouble, type CloudReply } from '../../support/cloud-double.js';
import { PATIENCE_MS } from '../../support/patience.js';
import { startReceiver, type ReceivedRequest, type Receiver } from '../../support/receiver-server.js';
import { A_BODY } from '../../support/stored-notifications.js';
import { egressWith } from '../../support/egress.js';
import { UNSIGNED } from '../../support/webhook-settings.js';

const TRUST = `${CANARY}-1`;
let cloud: CloudDouble;
let hook: Receiver;
const opened: Receivers[] = [];

beforeEach(async () => {
  cloud = await startCloud();
  cloud.trusts.set(TRUST, {});
  hook = await startReceiver();
});
afterEach(async () => {
  for (const receivers of opened.splice(0)) await receivers.close();
  await cloud.close();
  await hook.close();
});

function deliver(
  action: string,
  given: Partial<Delivery> = {},
  access: Partial<CloudAccess> = {},
): Promise<DeliveryOutcome> {
  const receivers = createReceivers({
    clock: createSystemClock(),
    log: silentLogger,
    connectTimeoutMs: PATIENCE_MS,
    attemptTimeoutMs: PATIENCE_MS,
    maxSocketsPerHost: 4,
    queueRedisUrl: undefined,
    queuePrefix: 'x',
    version: '0',
    egress: egressWith(),
    settingsOf: UNSIGNED,
    headersToLoopback: true,
    cloud: {
      logins: cloud.keystone,
      trustOf: async (alarmId, projectId) => (alarmId === 'a' && projectId === 'p' ? TRUST : undefined),
      ca: undefined,
      overHttp: true,
      ...access,
    },
  });
  opened.push(receivers);
  const delivery = {
    id: 'n-1',
    alarmId: 'a',
    projectId: 'p',
    sequence: 7,
    kind: 'transition' as const,
    transitionTime: NOON,
    action,
    body: A_BODY,
    attempt: 1,
  };
  return receivers.deliver({ ...delivery, ...given }, new AbortController().signal).then(({ outcome }) => outcome);
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

/** The usual answer, except that the first `times` requests for a path get this one. */
function failing(path: string, reply: CloudReply, times = Infinity): void {
  let left = times;
  cloud.override = ({ target }) => (target.startsWith(path) && left-- > 0 ? reply : undefined);
}

describe('trust+http://', () => {
  const action = (): string => `trust+${hook.url}/signal?aodh-alarm-ssl-verify=0`;

  test('sends the webhook with a token of the trust', async () => {
    expect(await deliver(action())).toEqual({ kind: 'delivered', httpStatus: 204 });
    expect(hook.requests).toMatchObject([
      {
        method: 'POST',
        target: '/signal?aodh-alarm-ssl-verify=0',
        body: A_BODY,
        headers: { 'x-auth-token': `by-${TRUST}-1`, 'webhook-id': 'msg_n-1', 'content-type': 'application/json' },
      },
    ]);
    expect(cloud.requests.map(({ target, body }) => ({ target, body: parsed(body) }))).toEqual([
      {
        target: '/v3/auth/tokens',
        body: {
          auth: {
            identity: {
              methods: ['password'],
              password: { user: { name: 'tocsin', domain: { name: 'Default' }, password: 's3cret' } },
            },
            scope: { 'OS-TRUST:trust': { id: TRUST } },
          },
        },
      },
    ]);
  });

  test('is accepted in capitals too', async () => {
    expect(await deliver(action().replace('trust+http', 'TRUST+HTTP'))).toMatchObject({ kind: 'delivered' });
  });

  test.each([
    { refusals: 1, outcome: { kind: 'delivered' }, sent: 2 },
    { refusals: 9, outcome: { kind: 'retry', error: 'rejected', httpStatus: 401 }, sent: 2 },
  ])(
    'sends once more with a new token after an answer 401 ($refusals of them)',
    async ({ refusals, outcome, sent }) => {
      await hook.close();
      let left = refusals;
      hook = await startReceiver((_, response) => void response.writeHead(left-- > 0 ? 401 : 204).end());
      expect(await deliver(action())).toMatchObject(outcome);
      const tokens = hook.requests.map(({ headers }) => headers['x-auth-token']);
      expect(tokens).toHaveLength(sent);
      expect(new Set(tokens).size).toBe(sent);
    },
  );

  test.each<[string, Partial<Delivery>, Partial<CloudAccess>, CloudReply | undefined, DeliveryOutcome]>([
    ['the alarm has no trust', { alarmId: 'b' }, {}, undefined, { kind: 'dead', error: 'no_trust' }],
    ['the trust is another project’s', { projectId: 'p2' }, {}, undefined, { kind: 'dead', error: 'no_trust' }],
    ['Keystone has removed the trust', {}, {}, { status: 404 }, { kind: 'dead', error: 'trust_refused' }],
    ['Keystone does not accept it', {}, {}, { status: 403 }, { kind: 'dead', error: 'trust_refused' }],
    ['our password is refused', {}, {}, { status: 401 }, { kind: 'retry', error: 'keystone_unavailable' }],
    ['Keystone is away', {}, {}, { status: 503 }, { kind: 'retry', error: 'keystone_unavailable' }],
    [
      'there is no Keystone',
      {},
      { logins: undefined },
      undefined,
      { kind: 'dead', error: 'Keystone is not configured' },
    ],
    ['only https may carry tokens', {}, { overHttp: false }, undefined, { kind: 'dead', error: 'blocked' }],
    [
      'the trust cannot be read',
      {},
      { trustOf: () => Promise.reject(new Error('no key')) },
      undefined,
      { kind: 'retry', error: 'internal' },
    ],
  ])('sends nothing when %s', async (_, given, access, reply, outcome) => {
    if (reply) failing('/v3/auth/tokens', reply);
    expect(await deliver(action(), given, access)).toEqual(outcome);
    expect(hook.requests).toEqual([]);
  });

  test('refuses the addresses that a webhook may not have', async () => {
    expect(await deliver('trust+http://169.254.169.254/latest')).toEqual({ kind: 'dead', error: 'blocked' });
  });

  test('does not send the token to the location of a redirect', async () => {
    const other = await startReceiver();
    await hook.close();
    hook = await startReceiver((_, response) => void response.writeHead(307, { location: other.url }).end());
    expect(await deliver(action())).toMatchObject({ kind: 'retry', httpStatus: 307 });
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('zaqar', () => {
  const zaqar = (): ReceivedRequest[] => cloud.requests.filter(({ target }) => target.startsWith('/zaqar'));
  const message = { messages: [{ body: JSON.parse(A_BODY) as unknown }] };

  test.each([
    'zaqar://?topic=t%20x&subscriber=http://127.0.0.1:9/?a%26b&subscriber=mailto:m@h&ttl=60',
    'zaqar:?topic=t%20x',
  ])('%s posts as the service to a queue of alarm and topic, after subscribing', async (action) => {
    failing('/zaqar/v2/queues/a-t%20x/subscriptions', { status: 409 }, 1);
    expect(await deliver(action)).toEqual({ kind: 'delivered', httpStatus: 201 });
    const subscriptions = action.includes('subscriber')
      ? [
          { subscriber: 'http://127.0.0.1:9/?a&b', ttl: 60, options: {} },
          { subscriber: 'mailto:m@h', ttl: 60, options: {} },
        ]
      : [];
    expect(zaqar().map(({ method, target, body }) => [method, target, parsed(body)])).toEqual([
      ...subscriptions.map((body) => ['POST', '/zaqar/v2/queues/a-t%20x/subscriptions', body]),
      ['POST', '/zaqar/v2/queues/a-t%20x/messages', message],
    ]);
    for (const { headers } of zaqar())
      expect(headers).toMatchObject({
        'x-auth-token': 'own-1',
        'client-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      });
  });

  test('keeps the notification as it was committed, numbers too', async () => {
    await deliver('zaqar://?topic=t');
    expect(zaqar().at(-1)?.body).toBe(`{"messages": [{"body": ${A_BODY}}]}`);
  });

  test('subscribes for an hour by default', async () => {
    await deliver('zaqar://?topic=t&subscriber=http://127.0.0.1:9/');
    expect(JSON.parse(zaqar()[0]?.body ?? '')).toEqual({ subscriber: 'http://127.0.0.1:9/', ttl: 3600, options: {} });
  });

  test('passes on a URL that was signed before, and no token', async () => {
    const query =
      'queue_name=q1&project_id=p&paths=/v2/queues/q1/messages,/v2/queues/q1/' +
      'claims&methods=POST,GET&expires=2030-01-01T00%3A00%3A00&signature=abc';
    expect(await deliver(`zaqar://?${query}`)).toMatchObject({ kind: 'delivered' });
    expect(zaqar()).toMatchObject([
      {
        target: '/zaqar/v2/queues/q1/messages',
        headers: {
          'url-expires': '2030-01-01T00:00:00',
          'url-methods': 'POST,GET',
          'url-paths': '/v2/queues/q1/messages,/v2/queues/q1/claims',
          'url-signature': 'abc',
          'x-project-id': 'p',
          'client-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        },
      },
    ]);
    expect(zaqar()[0]?.headers).not.toHaveProperty('x-auth-token');
  });

  test.each(['trust+zaqar://?queue_name=q', 'trust+zaqar:?queue_name=q'])(
    '%s posts with the token of the trust',
    async (action) => {
      expect(await deliver(action)).toEqual({ kind: 'delivered', httpStatus: 201 });
      expect(zaqar()).toMatchObject([
        { target: '/zaqar/v2/queues/q/messages', headers: { 'x-auth-token': `by-${TRUST}-1` } },
      ]);
      expect(JSON.parse(zaqar()[0]?.body ?? '')).toEqual(message);
    },
  );

  test.each([
    'zaqar:',
    'zaqar://?subscriber=http://127.0.0.1:9/',
    'zaqar://?topic=t&ttl=soon',
    'zaqar://?topic=t&subscriber=http://[::1',
    'zaqar://?queue_name=..',
    'zaqar://?queue_name=q&signature=a%0d%0ax-auth-token:b',
    'trust+zaqar:',
    'trust+zaqar:?queue_name=.',
  ])('%s cannot be delivered', async (action) => {
    expect(await deliver(action)).toEqual({ kind: 'dead', error: 'invalid' });
    expect(zaqar()).toEqual([]);
  });

  test.each([
    'zaqar://?topic=t&subscriber=http://169.254.169.254/',
    'zaqar://?topic=t&subscriber=mailto:m@h&subscriber=trust%2Bhttp://[::ffff:a9fe:a9fe]/',
  ])('%s is blocked before Zaqar hears of a subscriber', async (action) => {
    expect(await deliver(action)).toEqual({ kind: 'dead', error: 'blocked' });
    expect(zaqar()).toEqual([]);
  });

  test.each<[CloudReply, number, DeliveryOutcome]>([
    [{ status: 401 }, 1, { kind: 'delivered', httpStatus: 201 }],
    [{ status: 401 }, 9, { kind: 'retry', error: 'rejected', httpStatus: 401 }],
    [{ status: 400 }, 9, { kind: 'dead', error: 'rejected', httpStatus: 400 }],
    [
      { status: 503, headers: { 'retry-after': '7' } },
      9,
      { kind: 'retry', error: 'http_status 503', httpStatus: 503, retryAfterMs: 7_000 },
    ],
  ])('with the answer %j %i times is %j', async (reply, times, outcome) => {
    for (const action of ['zaqar://?topic=t', 'trust+zaqar:?queue_name=q']) {
      failing('/zaqar/', reply, times);
      expect(await deliver(action)).toEqual(outcome);
    }
  });
});

describe('trust+heat', () => {
  const member = (id: string) => ({ id, address: '10.0.0.1' });
  const bodyWith = (reason_data: object): string => JSON.stringify({ ...JSON.parse(A_BODY), reason_data });
  const UNHEALTHY = bodyWith({
    stack_id: 's 1',
    asg_id: 'asg-1',
    unhealthy_members: [member('m1'), member('m2'), member('m3')],
  });
  const HEAT = '/heat/v1/owner-id/stacks';
  const resources: Record<string, string> = { m1: 'r/1', m3: 'r3' };

  /** As Heat: a stack's id alone is redirected to its name and id, for a resource of it there is nothing. */
  function heat({ method, target }: ReceivedRequest): CloudReply | undefined {
    const { pathname, search, searchParams } = new URL(target, 'http://heat');
    if (!pathname.startsWith(HEAT)) return undefined;
    const [id = '', ...rest] = pathname.slice(HEAT.length + 1).split('/');
    const below = rest.join('/');
    if (below === '' || (below === 'resources' && method === 'GET')) {
      const location = `http://public.example/v1/owner-id/stacks/name-of-${id}/${id}${below && `/${below}`}${search}`;
      return { status: 302, headers: { location } };
    }
    if (rest[0] === 'resources') return { status: 404 };
    if (method === 'PATCH') return { status: 202 };
    if (rest[1] === undefined) return { status: 200, body: { stack: { stack_name: id, id: rest[0] } } };
    const parent = resources[searchParams.get('physical_resource_id') ?? ''];
    return { status: 200, body: { resources: parent === undefined ? [] : [{ parent_resource: parent }] } };
  }

  const sent = () =>
    cloud.requests
      .filter(({ method }) => method === 'PATCH')
      .map(({ target, body, headers }) => [target.slice(HEAT.length), body, headers['x-auth-token']]);
  const token = `by-${TRUST}-1`;

  test('marks the resources of the unhealthy members, and updates the stack', async () => {
    cloud.override = heat;
    expect(await deliver('trust+heat://', { body: UNHEALTHY })).toEqual({ kind: 'delivered', httpStatus: 202 });
    expect(cloud.asked(`${HEAT}/s%201/`)).toEqual(
      ['m1', 'm2', 'm3'].map((id) => `GET ${HEAT}/s%201/resources?physical_resource_id=${id}&nested_depth=3`),
    );
    const mark = '{"mark_unhealthy":true,"resource_status_reason":"unhealthy load balancer member"}';
    expect(sent()).toEqual([
      ['/name-of-asg-1/asg-1/resources/r%2F1', mark, token],
      ['/name-of-asg-1/asg-1/resources/r3', mark, token],
      ['/s%201', '{}', token],
      ['/name-of-s%201/s%201', '{}', token],
    ]);
  });

  test.each<[string, string, DeliveryOutcome]>([
    [
      'without a stack',
      bodyWith({ asg_id: 'a', unhealthy_members: [member('m1')] }),
      { kind: 'dead', error: 'invalid' },
    ],
    [
      'without a group',
      bodyWith({ stack_id: 's', unhealthy_members: [member('m1')] }),
      { kind: 'dead', error: 'invalid' },
    ],
    ['of a path', bodyWith({ stack_id: '..', asg_id: 'a', unhealthy_members: [] }), { kind: 'dead', error: 'invalid' }],
    ['of another type', A_BODY, { kind: 'dead', error: 'invalid' }],
    [
      'without unhealthy members',
      bodyWith({ stack_id: 's', asg_id: 'a', unhealthy_members: [] }),
      { kind: 'delivered' },
    ],
    [
      'whose members Heat does not know',
      bodyWith({ stack_id: 's', asg_id: 'a', unhealthy_members: [member('m2')] }),
      { kind: 'dead', error: 'no_resource' },
    ],
  ])('changes nothing for an alarm %s', async (_, body, outcome) => {
    cloud.override = heat;
    expect(await deliver('trust+heat:', { body })).toEqual(outcome);
    expect(sent()).toEqual([]);
  });

  test.each<[number, DeliveryOutcome['kind'], string]>([
    [400, 'dead', 'rejected'],
    [401, 'retry', 'rejected'],
    [403, 'retry', 'rejected'],
    [404, 'retry', 'rejected'],
    [409, 'retry', 'http_status 409'],
    [410, 'dead', 'gone'],
    [500, 'retry', 'http_status 500'],
  ])('with the answer %i to the update is %s: %s', async (status, kind, error) => {
    cloud.override = (request) => (request.method === 'PATCH' && request.body === '{}' ? { status } : heat(request));
    expect(await deliver('trust+heat:', { body: UNHEALTHY })).toMatchObject({ kind, error, httpStatus: status });
  });
});

test('no outcome of an attempt with a trust contains the id of the trust', async () => {
  cloud.override = ({ target }) => ({
    status: target.startsWith('/v3') ? 400 : 500,
    body: { error: `about ${TRUST}` },
  });
  const outcomes = await Promise.all(
    [`trust+${hook.url}`, 'trust+zaqar:?queue_name=q', 'trust+heat:'].map((action) => deliver(action)),
  );
  expect(JSON.stringify(outcomes)).not.toContain(CANARY);
});
