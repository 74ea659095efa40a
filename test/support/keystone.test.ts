import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { keystoneEnvironment, runAodh, tokenEnvironment } from './aodh-cli.js';
import { eventually, untilMoment } from './eventually.js';
import { startKeystone, type Login, type RealKeystone } from './keystone.js';
import { startReceiver, type Receiver } from './receiver-server.js';
import { describeWith } from './servers.js';

const ALICE: Login = { user: 'alice', password: 'her secret', project: 'red' };
const PROJECTS = ['red', 'blue'];

describeWith(['keystone'], 'a real Keystone', () => {
  let keystone: RealKeystone;
  let aliceId: string;

  beforeAll(async () => {
    keystone = await startKeystone();
    aliceId = await keystone.createUser(ALICE.user, ALICE.password);
    for (const name of PROJECTS) await keystone.assignRole('member', aliceId, await keystone.createProject(name));
  });

  afterAll(() => keystone.stop());

  test.each(PROJECTS)('a token for project %s is valid and says so', async (project) => {
    const { id, expiresAt } = await keystone.token({ ...ALICE, project });
    const { status, body } = await keystone.validate(id);
    expect(status).toBe(200);
    const token = (body as { token: Record<string, unknown> }).token;
    expect(token).toMatchObject({ user: { id: aliceId, name: 'alice' }, project: { name: project } });
    expect(rolesOf(token)).toEqual(['member', 'reader']);
    expect(new Date(token['expires_at'] as string)).toEqual(expiresAt);
  });

  test.each([
    { when: 'was never issued', spoil: (id: string) => Promise.resolve(id.replace(/.{20}$/, 'x'.repeat(20))) },
    { when: 'was revoked', spoil: (id: string) => keystone.revoke(id).then(() => id) },
  ])('a token that $when is not found', async ({ spoil }) => {
    const { id } = await keystone.token(ALICE);
    expect((await keystone.validate(await spoil(id))).status).toBe(404);
  });

  test('a short-lived token is valid at first and is not found once it has expired', async () => {
    // On a slow machine a token may expire before it is used.
    const { id, expiresAt } = await eventually(async () => {
      const token = await keystone.shortLivedToken(ALICE);
      expect((await keystone.validate(token.id)).status).toBe(200);
      return token;
    });
    await untilMoment(expiresAt);
    await eventually(async () => expect((await keystone.validate(id)).status).toBe(404));
  });

  test('a wrong password and a project that is not one’s own give no token', async () => {
    await expect(keystone.token({ ...ALICE, password: 'wrong' })).rejects.toThrow('Keystone answered 401');
    await expect(keystone.token({ ...ALICE, project: 'admin' })).rejects.toThrow('Keystone answered 401');
  });

  test('an unscoped token has no project, a token of the system has its roles', async () => {
    expect((await keystone.unscopedToken(ALICE)).body).not.toHaveProperty('project');
    await expect(keystone.systemToken(ALICE)).rejects.toThrow('Keystone answered 401');
    await keystone.assignSystemRole('reader', aliceId);
    const { body } = await keystone.systemToken(ALICE);
    expect(body).toMatchObject({ system: { all: true } });
    expect(rolesOf(body)).toEqual(['reader']);
  });

  test('an application credential carries its roles and its access rules', async () => {
    const rule = { service: 'alarming', method: 'GET', path: '/v2/alarms' };
    const credential = await keystone.createApplicationCredential(ALICE, { roles: ['reader'], accessRules: [rule] });
    const { id } = await keystone.applicationCredentialToken(credential);
    const { token } = (await keystone.validate(id)).body as { token: Record<string, unknown> };
    expect(token).toMatchObject({ project: { name: 'red' }, application_credential: { access_rules: [rule] } });
    expect(rolesOf(token)).toEqual(['reader']);
  });

  test('the role service may validate tokens of other users, and the role member may not', async () => {
    await keystone.createRole('service');
    const project = await keystone.createProject('services');
    const login = { user: 'tocsin', password: 'its secret', project: 'services' };
    await keystone.assignRole('service', await keystone.createUser(login.user, login.password), project);
    const service = await keystone.token(login);
    const alice = await keystone.token(ALICE);
    expect((await keystone.validate(alice.id, service.id)).status).toBe(200);
    expect((await keystone.validate(service.id, alice.id)).status).toBe(403);
  });

  describeWith(['aodh'], 'for the aodh command', () => {
    let receiver: Receiver;
    beforeEach(async () => {
      receiver = await startReceiver(
        (_, response) => void response.setHeader('content-type', 'application/json').end('[]'),
      );
    });
    afterEach(() => receiver.close());

    test('issues a token and says where the alarming service is', async () => {
      await keystone.createAlarmingService(receiver.url);
      const { code, json } = await runAodh(['alarm', 'list'], keystoneEnvironment(keystone.url, ALICE));
      expect({ code, json }).toEqual({ code: 0, json: [] });
      const [request] = receiver.requests;
      expect(request?.target).toBe('/v2/alarms');
      expect((await keystone.validate(String(request?.headers['x-auth-token']))).status).toBe(200);
      expect(await endpoints()).toEqual({ identity: [keystone.url], alarming: [receiver.url] });
    });

    test('gets no request if the command has a token already', async () => {
      await runAodh(['alarm', 'list'], tokenEnvironment(receiver.url, 'some token'));
      expect(receiver.requests.map(({ headers }) => headers['x-auth-token'])).toEqual(['some token']);
    });
  });

  async function endpoints(): Promise<Record<string, string[]>> {
    const { body } = await keystone.token(ALICE);
    const catalog = body['catalog'] as { type: string; endpoints: { interface: string; url: string }[] }[];
    return Object.fromEntries(catalog.map(({ type, endpoints: all }) => [type, all.map(({ url }) => url)]));
  }

  test('while it is away it cannot be reached, and when it is back old tokens are valid', async () => {
    const { id } = await keystone.token(ALICE);
    await keystone.goAway();
    await expect(keystone.validate(id)).rejects.toThrow();
    await keystone.comeBack();
    expect((await keystone.validate(id)).status).toBe(200);
  });
});

function rolesOf(token: Record<string, unknown>): string[] {
  return (token['roles'] as { name: string }[]).map(({ name }) => name).sort();
}
