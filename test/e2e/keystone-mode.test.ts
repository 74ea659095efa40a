import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync } from 'node:fs';

import { keystoneEnvironment, runAodh, tokenEnvironment, type CommandResult } from '../support/aodh-cli.js';
import { ask as askAt, thresholdBody, type Answered, type Asked } from '../support/api.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually, untilMoment } from '../support/eventually.js';
import { startKeystone, type Login, type RealKeystone } from '../support/keystone.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';

const SERVICE: Login = { user: 'tocsin', password: 'its secret', project: 'service' };
const ALICE: Login = { user: 'alice', password: 'her secret', project: 'red' };
const BOB: Login = { user: 'bob', password: 'his secret', project: 'blue' };
const RHEA: Login = { user: 'rhea', password: 'her own secret', project: 'red' };
const UNAUTHORIZED =
  '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}';
const FOREIGN_LIST = '/v2/alarms?q.field=all_projects&q.value=true';

describeWith(['keystone'], 'the service with a real Keystone', () => {
  const dir = migratedDataDirectory();
  const ids: Record<string, string> = {};
  let keystone: RealKeystone;
  let service: ServiceProcess | undefined;
  let endpoint: string;

  beforeAll(async () => {
    keystone = await startKeystone();
    await keystone.createRole('service');
    await person(SERVICE, 'service');
    await person(ALICE, 'member');
    await person(BOB, 'member');
    await person(RHEA, 'reader');
    const port = await freePort();
    endpoint = `http://127.0.0.1:${port}`;
    await keystone.createAlarmingService(endpoint);
    service = await started({ API_PORT: String(port), DATABASE_DATA_DIR: dir });
  });

  afterAll(async () => {
    await service?.kill();
    await keystone.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function person({ user, password, project }: Login, role: string): Promise<void> {
    ids[project] ??= await keystone.createProject(project);
    ids[user] = await keystone.createUser(user, password);
    await keystone.assignRole(role, ids[user], ids[project]);
  }

  async function started(settings: Record<string, string>): Promise<ServiceProcess> {
    const starting = startService({
      AUTH_MODE: 'keystone',
      AUTH_FAILURES_PER_MINUTE: '1000',
      EGRESS_ALLOW_LOOPBACK_RECEIVERS: 'true',
      KEYSTONE_AUTH_URL: keystone.url,
      KEYSTONE_USERNAME: SERVICE.user,
      KEYSTONE_PASSWORD: SERVICE.password,
      // A loaded machine answers late, and what is tried again then only adds to the load.
      KEYSTONE_TIMEOUT: '60s',
      KEYSTONE_DEADLINE: '180s',
      ...settings,
    });
    const ready = async (): Promise<void> => {
      const answer = await fetch(`${endpoint}/readyz`).catch(() => undefined);
      if (answer?.ok !== true) throw new Error(`not ready: ${starting.log()}`);
    };
    await eventually(ready);
    return starting;
  }

  const ask = (method: string, target: string, asked: Asked = {}): Promise<Answered> =>
    askAt(method, endpoint + target, asked);
  const get = async (target: string, token: string): Promise<Answered> =>
    ask('GET', target, { as: { 'x-auth-token': token } });
  const tokenOf = async (login: Login): Promise<string> => (await keystone.token(login)).id;

  function expectUnauthorized({ status, text, headers }: Answered): void {
    expect([status, text, headers['www-authenticate']]).toEqual([401, UNAUTHORIZED, `Keystone uri="${keystone.url}"`]);
  }

  test('a browser signs in with its password, and only with the right one', async () => {
    const page = { 'sec-fetch-site': 'same-origin' };
    const signIn = ({ user: name, password, project }: Login): Promise<Answered> =>
      ask('POST', '/v1/session', { as: page, body: { name, password, project } });
    const answer = await signIn(ALICE);
    expect([answer.status, answer.json()]).toEqual([
      201,
      expect.objectContaining({ user_id: ids['alice'], project_id: ids['red'], role: 'member', has_session: true }),
    ]);
    const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    expect((await ask('GET', '/v2/alarms', { as: { ...page, cookie } })).status).toBe(200);
    const wrong = [{ password: 'wrong' }, { user: 'nobody' }, { project: 'blue' }, { project: 'none' }];
    for (const fields of wrong) {
      const refused = await signIn({ ...ALICE, ...fields });
      expect([refused.status, refused.fault]).toEqual([401, expect.stringMatching(/^Wrong credentials/)]);
    }
    const unscoped = await ask('POST', '/v1/session', { as: page, body: { name: 'alice', password: ALICE.password } });
    expect([unscoped.status, unscoped.fault]).toEqual([400, expect.stringContaining('name a project')]);
  });

  describeWith(['aodh'], 'and the aodh command', () => {
    const aodh = (args: readonly string[], login = ALICE): Promise<CommandResult> =>
      runAodh(args, keystoneEnvironment(keystone.url, login));
    const withToken = (token: string): Promise<CommandResult> =>
      runAodh(['alarm', 'list'], tokenEnvironment(endpoint, token));

    async function printed<T = Record<string, unknown>>(answer: Promise<CommandResult>): Promise<T> {
      const { code, json, stderr } = await answer;
      expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
      return json as T;
    }

    test('creates, shows, changes and deletes an alarm', async () => {
      const rule = ['--type', 'threshold', '--meter-name', 'cpu', '--threshold', '80', '--enabled', 'False'];
      const made = await printed(aodh(['alarm', 'create', '--name', 'cpu high', ...rule]));
      expect(made).toMatchObject({ name: 'cpu high', project_id: ids['red'], user_id: ids['alice'] });
      const id = String(made['alarm_id']);
      const listed = await printed<{ alarm_id: string }[]>(aodh(['alarm', 'list']));
      expect(listed.map(({ alarm_id }) => alarm_id)).toEqual([id]);
      expect(await printed(aodh(['alarm', 'show', id]))).toMatchObject({ alarm_id: id, threshold: 80 });
      expect(await printed(aodh(['alarm', 'update', id, '--threshold', '90']))).toMatchObject({ threshold: 90 });
      expect(await printed(aodh(['alarm', 'state', 'get', id]))).toEqual({ state: 'insufficient data' });
      expect(await printed(aodh(['alarm', 'state', 'set', '--state', 'ok', id]))).toEqual({ state: 'ok' });
      const history = await printed<{ type: string; user_id: string }[]>(aodh(['alarm-history', 'show', id]));
      expect(history.map(({ type }) => type)).toEqual(['state transition', 'rule change', 'creation']);
      await printed(aodh(['alarm', 'delete', id]));
      expect(await printed(aodh(['alarm', 'list']))).toEqual([]);
    });

    test('a token that was never issued is refused with a text', async () => {
      const { code, stderr } = await withToken(`${'g'.repeat(20)}-never-issued`);
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining('(HTTP 401)')]);
    });

    test('a token is refused once it has expired, also when it is cached', async () => {
      // On a slow machine a token may expire before it is used.
      const { id, expiresAt } = await eventually(async () => {
        const token = await keystone.shortLivedToken(ALICE);
        expect((await get('/v2/alarms', token.id)).status).toBe(200);
        return token;
      });
      await untilMoment(expiresAt);
      await eventually(async () => expectUnauthorized(await get('/v2/alarms', id)));
      const { code, stderr } = await withToken(id);
      expect([code === 0, stderr]).toEqual([false, expect.stringContaining('(HTTP 401)')]);
    });

    test('an alarm is not visible to another project', async () => {
      const made = await ask('POST', '/v2/alarms', {
        as: { 'x-auth-token': await tokenOf(ALICE) },
        body: thresholdBody(),
      });
      const { alarm_id } = made.json<{ alarm_id: string }>();
      expect(await printed(aodh(['alarm', 'list'], BOB))).toEqual([]);
      for (const command of [['show'], ['update', '--threshold', '1'], ['delete']]) {
        const { code, stderr } = await aodh(['alarm', ...command, alarm_id], BOB);
        expect([code === 0, stderr]).toEqual([false, expect.stringMatching(/not found/i)]);
      }
      const answer = await get(`/v2/alarms/${alarm_id}`, await tokenOf(BOB));
      expect([answer.status, answer.fault]).toEqual([404, `Alarm ${alarm_id} not found`]);
      expect((await get(`/v2/alarms/${alarm_id}`, await tokenOf(ALICE))).status).toBe(200);
    });
  });

  test('a trust+ action lends its owner’s rights to the receiver, and ends with its alarm', async () => {
    const receiver = await startReceiver();
    const token = await tokenOf(ALICE);
    const as = { 'x-auth-token': token };
    const trusts = async (): Promise<unknown[]> => {
      const { body } = await keystone.ask('GET', `/OS-TRUST/trusts?trustor_user_id=${ids['alice']}`, { token });
      return (body as { trusts: unknown[] }).trusts;
    };
    const action = `trust+${receiver.url}/signal?x=1`;
    const body = { name: 'moved', type: 'event', event_rule: { event_type: 'moved' }, alarm_actions: [action] };
    const made = (await ask('POST', '/v2/alarms', { as, body })).json();
    expect(made['alarm_actions']).toEqual([action]);
    expect(await trusts()).toMatchObject([
      { trustee_user_id: ids['tocsin'], project_id: ids['red'], impersonation: true },
    ]);

    const event = { message_id: 'm1', event_type: 'moved', traits: [['project_id', 1, ids['red']]] };
    expect((await ask('POST', '/v2/events', { as, body: event })).json()).toMatchObject({ alarms_fired: 1 });
    await eventually(() => Promise.resolve(expect(receiver.requests).toHaveLength(1)));
    const [request] = receiver.requests;
    const lent = await keystone.validate(String(request?.headers['x-auth-token']));
    expect([request?.target, lent.status]).toEqual(['/signal?x=1', 200]);
    expect(lent.body).toMatchObject({
      token: { user: { id: ids['alice'] }, project: { id: ids['red'] }, 'OS-TRUST:trust': {} },
    });

    expect((await ask('DELETE', `/v2/alarms/${String(made['alarm_id'])}`, { as })).status).toBe(204);
    expect(await trusts()).toEqual([]);
    await receiver.close();
  });

  describe('with trust+ actions', () => {
    const lent = (trust: Record<string, unknown>): Promise<{ id: string }> => keystone.trustToken(ALICE, BOB, trust);
    const event = { type: 'event', event_rule: { event_type: 'lent' } };
    const body = { name: 'lent', ...event, alarm_actions: ['trust+http://127.0.0.1:9000/'] };
    const createWith = async (token: { id: string }): Promise<Answered> =>
      ask('POST', '/v2/alarms', { as: { 'x-auth-token': token.id }, body });

    test('a token from a trust with redelegation creates an alarm and deletes it with its trust', async () => {
      const token = await lent({ allow_redelegation: true });
      const trusts = async (): Promise<unknown[]> => {
        const path = `/OS-TRUST/trusts?trustor_user_id=${ids['alice']}`;
        const answer = await keystone.ask('GET', path, { token: await tokenOf(ALICE) });
        const all = (answer.body as { trusts: { trustee_user_id: string }[] }).trusts;
        return all.filter(({ trustee_user_id }) => trustee_user_id === ids['tocsin']);
      };
      const created = await createWith(token);
      expect([created.status, created.fault]).toEqual([201, undefined]);
      expect(created.json()).toMatchObject({ project_id: ids['red'], user_id: ids['alice'] });
      expect(await trusts()).toMatchObject([{ project_id: ids['red'], impersonation: true }]);
      const { alarm_id } = created.json<{ alarm_id: string }>();
      expect((await ask('DELETE', `/v2/alarms/${alarm_id}`, { as: { 'x-auth-token': token.id } })).status).toBe(204);
      expect(await trusts()).toEqual([]);
    });

    test.each<[string, () => Promise<{ id: string }>, RegExp]>([
      [
        'a trust without redelegation',
        () => lent({}),
        /\(HTTP 403\).*from a trust without redelegation.*allow_trusts_redelegation = true/,
      ],
      [
        'a trust without impersonation',
        () => lent({ allow_redelegation: true, impersonation: false }),
        /\(HTTP 404\).*from a trust without impersonation/,
      ],
      [
        'an expiring trust that was used for another alarm',
        async () => {
          const token = await lent({ allow_redelegation: true, expires_at: '2099-01-01T00:00:00Z' });
          expect((await createWith(token)).status).toBe(201);
          return token;
        },
        /\(HTTP 409\).*from a trust that expires/,
      ],
      [
        'an application credential',
        async () => keystone.applicationCredentialToken(await keystone.createApplicationCredential(ALICE)),
        /\(HTTP 403\).*from an application credential/,
      ],
    ])('a token from %s is refused, and the 400 names the cause', async (_, token, cause) => {
      const { status, fault } = await createWith(await token());
      expect([status, fault]).toEqual([400, expect.stringMatching(cause)]);
    });
  });

  describe('by the roles of a token', () => {
    /** Reading, writing, reading all projects', and an alarm of the project red. */
    const statuses = async (token: string): Promise<number[]> => {
      const as = { 'x-auth-token': token };
      const owned = await ask('POST', '/v2/alarms', {
        as: { 'x-auth-token': await tokenOf(ALICE) },
        body: thresholdBody(),
      });
      const { alarm_id } = owned.json<{ alarm_id: string }>();
      const answers = [
        await get('/v2/alarms', token),
        await ask('POST', '/v2/alarms', { as, body: thresholdBody() }),
        await get(FOREIGN_LIST, token),
        await get(`/v2/alarms/${alarm_id}`, token),
      ];
      return answers.map(({ status }) => status);
    };
    const person = ({ user, password }: Login) => ({ user, password });

    test.each<[string, () => Promise<{ id: string }>, number[]]>([
      ['reader', () => keystone.token(RHEA), [200, 403, 403, 200]],
      ['member', () => keystone.token(ALICE), [200, 201, 403, 200]],
      ['member of another project', () => keystone.token(BOB), [200, 201, 403, 404]],
      ['admin', () => keystone.token(keystone.admin), [200, 201, 200, 200]],
      ['member, for no project', () => keystone.unscopedToken(person(ALICE)), [403, 403, 403, 404]],
      ['admin, for the whole system', () => keystone.systemToken(person(keystone.admin)), [403, 403, 403, 403]],
    ])('the token of a %s may do what its role permits', async (_, token, expected) => {
      expect(await statuses((await token()).id)).toEqual(expected);
    });
  });

  test('identity headers of a client are ignored', async () => {
    const spoofed = {
      'x-roles': 'admin',
      'x-project-id': ids['red'] ?? '',
      'x-identity-status': 'Confirmed',
      'x-is-admin': 'True',
    };
    expectUnauthorized(await ask('GET', '/v2/alarms', { as: spoofed }));
    const as = { ...spoofed, 'x-auth-token': await tokenOf(BOB) };
    expect((await ask('GET', FOREIGN_LIST, { as })).status).toBe(403);
    const made = await ask('POST', '/v2/alarms', { as, body: thresholdBody() });
    expect(made.json()).toMatchObject({ project_id: ids['blue'], user_id: ids['bob'] });
  });

  test('an application credential may do what its access rules permit', async () => {
    const rules = [{ service: 'alarming', method: 'GET', path: '/v2/alarms/*/state' }];
    const credential = await keystone.createApplicationCredential(ALICE, { accessRules: rules });
    const { id } = await keystone.applicationCredentialToken(credential);
    expectUnauthorized(await get('/v2/alarms', id));
    expect((await get('/v2/alarms/never/state', id)).status).toBe(404);
    const unlimited = await keystone.applicationCredentialToken(await keystone.createApplicationCredential(ALICE));
    expect((await get('/v2/alarms', unlimited.id)).status).toBe(200);
  });

  test('an expired token is accepted beside the token of a service', async () => {
    const { id, expiresAt } = await keystone.shortLivedToken(ALICE);
    await untilMoment(expiresAt);
    await eventually(async () => expect((await keystone.validate(id)).status).toBe(404));
    const withServiceToken = async (login: Login): Promise<number> =>
      (await ask('GET', '/v2/alarms', { as: { 'x-auth-token': id, 'x-service-token': await tokenOf(login) } })).status;
    expect(await withServiceToken(BOB)).toBe(401);
    expect(await withServiceToken(SERVICE)).toBe(200);
  });

  test('while Keystone is unavailable, new tokens are answered with 503, and known ones are accepted', async () => {
    const known = await tokenOf(ALICE);
    const fresh = await tokenOf(BOB);
    expect((await get('/v2/alarms', known)).status).toBe(200);
    await keystone.goAway();
    const answer = await get('/v2/alarms', fresh);
    expect([answer.status, answer.fault, answer.headers['retry-after']]).toEqual([
      503,
      'Keystone is not available',
      undefined,
    ]);
    expect((await get('/v2/alarms', known)).status).toBe(200);
    await keystone.comeBack();
    expect((await get('/v2/alarms', fresh)).status).toBe(200);
    expect(service?.log()).not.toContain(fresh);
  });
});
