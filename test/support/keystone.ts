import { randomBytes } from 'node:crypto';

import { createKeystoneFolder, type KeystoneFolder, type KeystoneServer } from './keystone-server.js';
import { inTemporaryFolder } from './running-servers.js';

/** Longer than any suite. */
const TOKEN_LIFE_SECONDS = 3_600;
/** Long enough to be used once while it is valid, short enough to wait for its end. */
const SHORT_LIFE_SECONDS = 5;
const DEFAULT_DOMAIN = { id: 'default' };

/** Who logs in. Users and projects go by name; all are in the domain `default`. */
export interface Login {
  user: string;
  password: string;
  project: string;
}

export type Person = Omit<Login, 'project'>;

export interface IssuedToken {
  /** What goes into X-Auth-Token. */
  id: string;
  expiresAt: Date;
  /** What Keystone says about it: user, project, roles, catalog and so on. */
  body: Record<string, unknown>;
}

export interface ApplicationCredential {
  id: string;
  secret: string;
}

export interface AccessRule {
  service: string;
  method: string;
  path: string;
}

export interface KeystoneAnswer {
  status: number;
  headers: Headers;
  /** The JSON of the answer; undefined when it has none. It is for the test to know its form. */
  body: unknown;
}

/** A Keystone of one suite alone, with the roles `reader`, `member` and `admin` and the user `admin`. */
export interface RealKeystone {
  /** Its v3 address, without a slash at the end: what OS_AUTH_URL is set to. */
  url: string;
  /** Admin of the project `admin`, and of the system. */
  admin: Login;
  /** All of these answer with the id of what they made. */
  createProject(name: string): Promise<string>;
  createUser(name: string, password: string): Promise<string>;
  createRole(name: string): Promise<string>;
  /** Gives a user (by id) a role (by name) in a project (by id). */
  assignRole(role: string, user: string, project: string): Promise<void>;
  /** Gives a user (by id) a role (by name) on the whole system. */
  assignSystemRole(role: string, user: string): Promise<void>;
  /** The service of type `alarming` and its public endpoint, as clients look it up in the catalogue. */
  createAlarmingService(endpoint: string): Promise<void>;
  token(login: Login): Promise<IssuedToken>;
  unscopedToken(person: Person): Promise<IssuedToken>;
  systemToken(person: Person): Promise<IssuedToken>;
  /** A token that ends by itself after five seconds, issued by a second server, which the first call starts. */
  shortLivedToken(login: Login): Promise<IssuedToken>;
  /** Only the project of the login is open to it, and with access rules only what they name. */
  createApplicationCredential(
    login: Login,
    options?: { roles?: string[]; accessRules?: AccessRule[] },
  ): Promise<ApplicationCredential>;
  applicationCredentialToken(credential: ApplicationCredential): Promise<IssuedToken>;
  /**
   * A token of the trustee for a new trust of the trustor's roles, with impersonation. `fields` replace those of the
   * trust.
   */
  trustToken(trustor: Login, trustee: Person, fields?: Record<string, unknown>): Promise<IssuedToken>;
  revoke(token: string): Promise<void>;
  /** What Keystone tells a service that asks about a token; by default one with the credentials of `admin`. */
  validate(token: string, asking?: string): Promise<KeystoneAnswer>;
  /** Any other request below /v3; `token` defaults to one of `admin`, null sends none. */
  ask(method: string, path: string, options?: { body?: unknown; token?: string | null }): Promise<KeystoneAnswer>;
  /** Ends the server; tokens and everything else outlive it. */
  goAway(): Promise<void>;
  /** Serves again on the same port, after `goAway`. */
  comeBack(): Promise<void>;
  /** Ends it for good and removes all it had. */
  stop(): Promise<void>;
}

/** Starts a Keystone, in some five seconds. Needs the kind `keystone` of `describeWith`. */
export function startKeystone(): Promise<RealKeystone> {
  return inTemporaryFolder(async (dir) => {
    const admin = { user: 'admin', password: randomBytes(12).toString('hex'), project: 'admin' };
    const folder = createKeystoneFolder(dir, admin.password);
    try {
      return { admin, ...(await keystoneOf(folder, admin)) };
    } catch (cause) {
      await folder.stop();
      throw cause;
    }
  });
}

async function keystoneOf(folder: KeystoneFolder, admin: Login): Promise<Omit<RealKeystone, 'admin'>> {
  const { port, portOfShortLived, ...servers } = await createServers(folder);
  const url = v3(port);
  let adminToken: Promise<IssuedToken> | undefined;
  const client: Client = {
    url,
    adminToken: async () => (await (adminToken ??= issue(url, passwordOf(admin), inProject(admin.project)))).id,
    ask: async (method, path, { body, token } = {}) => {
      const id = token === undefined ? await client.adminToken() : token;
      return send(method, `${url}${path}`, { body, headers: id === null ? {} : { 'x-auth-token': id } });
    },
  };
  const shortLivedToken = async (login: Login): Promise<IssuedToken> =>
    issue(v3(await portOfShortLived()), passwordOf(login), inProject(login.project));
  await createService(client, { type: 'identity', name: 'keystone', endpoint: url });
  return { url, ask: client.ask, ...accountsOf(client), ...tokensOf(client), shortLivedToken, ...servers };
}

function v3(port: number): string {
  return `http://127.0.0.1:${port}/v3`;
}

interface Servers extends Pick<RealKeystone, 'goAway' | 'comeBack' | 'stop'> {
  port: number;
  /** Of a second server of the same users and tokens, whose own tokens end soon; started when it is first wanted. */
  portOfShortLived(): Promise<number>;
}

async function createServers(folder: KeystoneFolder): Promise<Servers> {
  const serveMain = (port: number): Promise<KeystoneServer> =>
    folder.serve({ tokenLifeSeconds: TOKEN_LIFE_SECONDS, port, cache: true });
  let main = await serveMain(0);
  let second: Promise<KeystoneServer> | undefined;
  const { port } = main;
  return {
    port,
    portOfShortLived: async () =>
      (await (second ??= folder.serve({ tokenLifeSeconds: SHORT_LIFE_SECONDS, port: 0, cache: false }))).port,
    goAway: () => main.stop(),
    comeBack: async () => void (main = await serveMain(port)),
    stop: () => folder.stop(),
  };
}

interface Client extends Pick<RealKeystone, 'url' | 'ask'> {
  adminToken(): Promise<string>;
}

type Accounts = Pick<
  RealKeystone,
  'createProject' | 'createUser' | 'createRole' | 'assignRole' | 'assignSystemRole' | 'createAlarmingService'
>;

function accountsOf(client: Client): Accounts {
  const roleId = async (name: string): Promise<string> => {
    const found = await succeed(client.ask('GET', `/roles?name=${encodeURIComponent(name)}`));
    const [role] = (found as { roles: { id: string }[] }).roles;
    if (role === undefined) throw new Error(`Keystone has no role ${name}`);
    return role.id;
  };
  return {
    createProject: (name) => create(client, 'project', { name, domain_id: DEFAULT_DOMAIN.id }),
    createUser: (name, password) => create(client, 'user', { name, password, domain_id: DEFAULT_DOMAIN.id }),
    createRole: (name) => create(client, 'role', { name }),
    assignRole: async (role, user, project) =>
      void (await succeed(client.ask('PUT', `/projects/${project}/users/${user}/roles/${await roleId(role)}`))),
    assignSystemRole: async (role, user) =>
      void (await succeed(client.ask('PUT', `/system/users/${user}/roles/${await roleId(role)}`))),
    createAlarmingService: (endpoint) => createService(client, { type: 'alarming', name: 'tocsin', endpoint }),
  };
}

type Tokens = Pick<
  RealKeystone,
  | 'token'
  | 'unscopedToken'
  | 'systemToken'
  | 'createApplicationCredential'
  | 'applicationCredentialToken'
  | 'trustToken'
  | 'revoke'
  | 'validate'
>;

function tokensOf({ url, ask, adminToken }: Client): Tokens {
  const token = (login: Login): Promise<IssuedToken> => issue(url, passwordOf(login), inProject(login.project));
  return {
    token,
    unscopedToken: (person) => issue(url, passwordOf(person), 'unscoped'),
    systemToken: (person) => issue(url, passwordOf(person), { system: { all: true } }),
    async createApplicationCredential(login, { roles, accessRules } = {}) {
      const { id: own, body } = await token(login);
      const wanted = {
        name: randomBytes(6).toString('hex'),
        ...(roles === undefined ? {} : { roles: roles.map((name) => ({ name })) }),
        ...(accessRules === undefined ? {} : { access_rules: accessRules }),
      };
      const path = `/users/${(body['user'] as { id: string }).id}/application_credentials`;
      const made = await succeed(ask('POST', path, { body: { application_credential: wanted }, token: own }));
      return (made as { application_credential: ApplicationCredential }).application_credential;
    },
    applicationCredentialToken: ({ id, secret }) =>
      issue(url, { methods: ['application_credential'], application_credential: { id, secret } }),
    async trustToken(trustor, trustee, fields = {}) {
      const { id: own, body } = await token(trustor);
      const { user, project, roles } = body as Record<'user' | 'project', { id: string }> &
        Record<'roles', { name: string }[]>;
      const trusteeBody = (await issue(url, passwordOf(trustee), 'unscoped')).body as { user: { id: string } };
      const trust = {
        trustor_user_id: user.id,
        trustee_user_id: trusteeBody.user.id,
        project_id: project.id,
        impersonation: true,
        roles: roles.map(({ name }) => ({ name })),
        ...fields,
      };
      const made = await succeed(ask('POST', '/OS-TRUST/trusts', { body: { trust }, token: own }));
      const { id } = (made as { trust: { id: string } }).trust;
      return issue(url, passwordOf(trustee), { 'OS-TRUST:trust': { id } });
    },
    revoke: async (id) =>
      void (await succeed(
        send('DELETE', `${url}/auth/tokens`, { headers: { 'x-auth-token': id, 'x-subject-token': id } }),
      )),
    validate: async (id, asking) =>
      send('GET', `${url}/auth/tokens`, {
        headers: { 'x-auth-token': asking ?? (await adminToken()), 'x-subject-token': id, ...ACCESS_RULES_UNDERSTOOD },
      }),
  };
}

/** Without this header Keystone refuses to describe tokens that have access rules. */
const ACCESS_RULES_UNDERSTOOD = { 'openstack-identity-access-rules': '1.0' };

function passwordOf({ user, password }: Person): object {
  return { methods: ['password'], password: { user: { name: user, password, domain: DEFAULT_DOMAIN } } };
}

function inProject(name: string): object {
  return { project: { name, domain: DEFAULT_DOMAIN } };
}

async function issue(url: string, identity: object, scope?: object | 'unscoped'): Promise<IssuedToken> {
  const body = { auth: { identity, ...(scope === undefined ? {} : { scope }) } };
  const answer = await send('POST', `${url}/auth/tokens`, { body });
  const { token } = expectSuccess(answer) as { token: { expires_at: string } };
  return { id: answer.headers.get('x-subject-token') as string, expiresAt: new Date(token.expires_at), body: token };
}

async function create(client: Client, kind: 'project' | 'user' | 'role', fields: object): Promise<string> {
  const made = (await succeed(client.ask('POST', `/${kind}s`, { body: { [kind]: fields } }))) as Record<
    string,
    { id: string }
  >;
  return made[kind]!.id;
}

/** The service is the one of that type, if there is one already: Keystone makes its own when it is set up. */
async function createService(client: Client, service: { type: string; name: string; endpoint: string }): Promise<void> {
  const { type, name, endpoint } = service;
  const found = (await succeed(client.ask('GET', `/services?type=${type}`))) as { services: { id: string }[] };
  const made =
    found.services[0] ??
    (
      (await succeed(client.ask('POST', '/services', { body: { service: { type, name } } }))) as {
        service: { id: string };
      }
    ).service;
  const wanted = { interface: 'public', url: endpoint, service_id: made.id };
  await succeed(client.ask('POST', '/endpoints', { body: { endpoint: wanted } }));
}

interface Sent {
  body?: unknown;
  headers?: Record<string, string>;
}

async function send(method: string, url: string, { body, headers = {} }: Sent): Promise<KeystoneAnswer> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

async function succeed(answer: Promise<KeystoneAnswer>): Promise<unknown> {
  return expectSuccess(await answer);
}

function expectSuccess({ status, body }: KeystoneAnswer): unknown {
  if (status < 200 || status > 299) throw new Error(`Keystone answered ${status}: ${JSON.stringify(body)}`);
  return body;
}
