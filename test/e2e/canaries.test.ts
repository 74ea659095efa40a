import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';

import { findPostgres } from '../../dev/servers/postgres.js';
import { ask as askAt, thresholdBody, type Answered, type Asked } from '../support/api.js';
import { canary, hits, type Places, type Secrets } from '../support/canaries.js';
import { migratedDataDirectory } from '../support/data-directory.js';
import { eventually } from '../support/eventually.js';
import { ownToken, startKeystoneDouble, tokenBody, type KeystoneDouble } from '../support/keystone-double.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith, startPrivatePostgres, startRedis } from '../support/servers.js';
import { freePort, startService, startTocsin, type ServiceProcess } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const FAR = new Date(Date.parse('2100-01-01T00:00:00Z')).toISOString();
const THRESHOLD = {
  counter_name: 'cpu',
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 95,
  resource_id: 'r',
};

/** Name of an alarm, which is stored and shown: a search that does not find it would find no secret, either. */
const NAME = canary();
const OF_SIGN_IN = [
  'password of Keystone',
  'password of a user',
  'a wrong password of a user',
  'the token of a session',
];
/** An id that only the audit trail stores: no object has it. */
const AUDITED = canary();

/** Signs in with a password. */
const USER_NAME = 'alice';
/** The headers of a browser in a request by a script of this service's page. */
const OWN_PAGE = { 'sec-fetch-site': 'same-origin', 'x-tocsin-console': '1' };

interface Rig {
  settings: Record<string, string>;
  secrets: Secrets;
  /** Ends the service, and returns the plain text of everything that it has stored. */
  end: (running: Running, as: Asked) => Promise<Places>;
}

async function embeddedRig(): Promise<Rig> {
  const dir = migratedDataDirectory();
  undo.push(() => rmSync(dir, { recursive: true, force: true }));
  const key = randomBytes(32).toString('base64');
  const files = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const file = path.join(folder, name);
      return statSync(file).isDirectory() ? files(file) : [file];
    });
  return {
    settings: { DATABASE_DATA_DIR: dir, SECRETS_KEY: key },
    secrets: { 'secrets.key': key },
    async end({ service }) {
      await service.stop();
      return Object.fromEntries(files(dir).map((file) => [file, readFileSync(file, 'latin1')]));
    },
  };
}

async function clusterRig(): Promise<Rig> {
  const postgres = await startPrivatePostgres();
  undo.push(() => postgres.stop());
  const redis = await startRedis();
  undo.push(() => redis.stop());
  const key = randomBytes(32).toString('base64');
  return {
    settings: { DATABASE_URL: postgres.url, REDIS_URL: redis.url, QUEUE_REDIS_URL: redis.url, SECRETS_KEY: key },
    secrets: {
      'secrets.key': key,
      'password of the database': new URL(postgres.url).password,
      'password of Redis': new URL(redis.url).password,
    },
    async end({ service, ask }, as) {
      const dump = execFileSync(path.join(findPostgres()!, 'pg_dump'), ['--dbname', postgres.url], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      const keys = await dumpOf(redis.url);
      await postgres.stop();
      const outage = await ask('GET', '/v2/alarms', as);
      expect(outage.status).toBe(503);
      await service.stop();
      return { 'the dump of PostgreSQL': dump, 'the keys of Redis': keys, 'an answer without database': outage.text };
    },
  };
}

/** All keys of a Redis with their values. */
async function dumpOf(url: string): Promise<string> {
  const client = new Redis(url);
  try {
    const keys = await client.keys('*');
    const values = await Promise.all(keys.map((key) => client.dumpBuffer(key)));
    return [...keys, ...values.map((value) => value.toString('latin1'))].join('\n');
  } finally {
    client.disconnect();
  }
}

/** A Keystone that knows one user and their password, makes one trust, and logs the service in. */
async function keystoneWith(
  tokens: { user: string; own: string; trust: string; session: string },
  password: string,
): Promise<KeystoneDouble> {
  const keystone = await startKeystoneDouble();
  undo.push(() => keystone.close());
  const body = { project: { id: 'p', name: 'p', domain: { id: 'd', name: 'd' } }, expires_at: FAR };
  for (const token of [tokens.user, tokens.session]) keystone.tokens.set(token, tokenBody(body));
  keystone.override = ({ method, target, body: sent }) => {
    if (method === 'POST' && target === '/OS-TRUST/trusts')
      return { status: 201, body: { trust: { id: tokens.trust } } };
    if (method === 'DELETE') return { status: 204 };
    if (method !== 'POST') return undefined;
    const login = JSON.stringify(sent);
    if (login.includes(`"${USER_NAME}"`))
      return login.includes(`"${password}"`)
        ? { status: 201, body: {}, headers: { 'x-subject-token': tokens.session } }
        : { status: 401, body: { error: { code: 401, message: 'no' } } };
    const own = ownToken() as { token: object };
    return {
      status: 201,
      body: { token: { ...own.token, expires_at: FAR } },
      headers: { 'x-subject-token': tokens.own },
    };
  };
  return keystone;
}

interface Running {
  service: ServiceProcess;
  ask: (method: string, target: string, asked?: Asked) => Promise<Answered>;
}

async function serve(settings: Record<string, string>): Promise<Running> {
  const port = await freePort();
  const service = startService({ ...settings, API_PORT: String(port) });
  undo.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => {
    if (!service.isRunning()) throw new Error(service.log());
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });
  return { service, ask: (method, target, asked = {}) => askAt(method, url + target, asked) };
}

/** One whole life of alarms with secrets. Returns the places that must not show them. */
async function liveThrough(
  { service, ask }: Running,
  {
    secrets,
    receiver,
    as,
    tokens,
  }: { secrets: Secrets; receiver: Receiver; as: Readonly<Record<string, string>>; tokens: { user: string } },
): Promise<Places> {
  const places: Places = {};
  const user = { 'x-auth-token': tokens.user };
  const at = receiver.url.replace('http://', '');
  const own = `http://${secrets['user']}:${secrets['password']}@${at}/ok?Signature=${secrets['query']}`;
  const failing = `http://${at}/hooks/${secrets['path']}?k=${secrets['query']}#${secrets['fragment']}`;
  const trusted = `trust+http://${at}/trusted?k=${secrets['query']}`;
  const receivers = await signWebhooks({ service, ask }, { secrets, at, as });
  const body = thresholdBody({ alarm_actions: [own, failing, trusted], ok_actions: [own] });
  const created = await ask('POST', '/v2/alarms', { as: user, body });
  expect([created.status, created.text]).toEqual([201, expect.any(String)]);
  const { alarm_id: id } = created.json<{ alarm_id: string }>();

  // The alarm itself shows its actions byte for byte, in every answer with alarms.
  const query = { filter: JSON.stringify({ '=': { alarm_actions: own } }) };
  const shown = [
    (await ask('GET', `/v2/alarms/${id}`, { as })).json(),
    (await ask('PUT', `/v2/alarms/${id}`, { as, body: { ...body, name: NAME } })).json(),
    (await ask('GET', '/v2/alarms', { as })).json<unknown[]>()[0],
    (await ask('POST', '/v2/query/alarms', { as, body: query })).json<unknown[]>()[0],
  ];
  const kept = [own, failing, trusted];
  expect(shown).toEqual(kept.map(() => expect.objectContaining({ alarm_actions: kept })).concat(expect.anything()));
  const creation = (await ask('GET', `/v2/alarms/${id}/history`, { as })).json<{ type: string; detail: string }[]>();
  expect(JSON.parse(creation.at(-1)!.detail)).toMatchObject({ alarm_actions: kept });

  // It fires: one receiver gets the request, one fails until the notification is dead, and is asked again.
  await ask('POST', '/v2/meters/cpu', { as, body: [{ ...THRESHOLD, project_id: 'p' }] });
  const notifications = (): Promise<Answered> => ask('GET', `/v1/notifications?alarm_id=${id}`, { as });
  const statusesOf = (answer: Answered): string[] =>
    answer.json<{ status: string }[]>().map(({ status }) => status).sort(); // prettier-ignore
  await eventually(async () => expect(statusesOf(await notifications())).toEqual(['dead', 'delivered', 'delivered']));
  places['the list of notifications'] = (await notifications()).text;
  const dead = (await notifications())
    .json<{ status: string; notification_id: string }[]>()
    .find(({ status }) => status === 'dead')!;
  places['a notification with its attempts'] = (
    await ask('GET', `/v1/notifications/${dead.notification_id}`, { as })
  ).text;
  const failures = (): number => receiver.requests.filter(({ target }) => target.startsWith('/hooks')).length;
  const before = failures();
  places['the answer to a replay'] = (
    await ask('POST', `/v1/notifications/${dead.notification_id}/replay`, { as })
  ).text;
  await eventually(() => expect(failures()).toBeGreaterThan(before));
  expect(receiver.requests.map(({ target }) => target)).toEqual(
    expect.arrayContaining([
      `/ok?Signature=${secrets['query']}`,
      `/hooks/${secrets['path']}?k=${secrets['query']}`,
      `/trusted?k=${secrets['query']}`,
    ]),
  );
  expect(receiver.requests.filter(({ headers }) => headers['webhook-signature'] === undefined)).toEqual([]);
  const basic = Buffer.from(`${secrets['user']}:${secrets['password']}`).toString('base64');
  expect(receiver.requests.map(({ headers }) => headers.authorization)).toContain(`Basic ${basic}`);

  const history = `/v2/alarms/${id}/history?q.field=type&q.value=state%20transition`;
  places['the history of transitions'] = (await ask('GET', history, { as })).text;
  const refused = [
    ask('POST', '/v2/alarms', { as, body: thresholdBody({ alarm_actions: [own.replace('http', 'ftp')] }) }),
    ask('POST', '/v2/alarms', { as, body: thresholdBody({ alarm_actions: own }) }),
    ask('POST', '/v2/alarms', { as, body: thresholdBody({ alarm_actions: [own, 7] }) }),
    ask('PUT', `/v2/alarms/${id}`, { as, body: { ...body, alarm_actions: [own.replace('@', '@@[')] } }),
    ask('POST', '/v1/imports', { as, body: [{ ...body, alarm_id: 'x', alarm_actions: [`${own}:0`, 'ftp:x'] }] }),
    ask('GET', '/v2/alarms', { as: { 'x-api-key': secrets['a wrong key']! } }),
    ask('GET', '/v2/alarms', { as: { authorization: `Bearer ${secrets['a wrong key']}` } }),
    ask('GET', '/v2/alarms', { as: { 'x-auth-token': secrets['a wrong token']! } }),
    ask('GET', `/v2/alarms/${id}/nothing`, { as: user }),
    ask('DELETE', `/v2/alarms/${AUDITED}`, { as }),
    ask('DELETE', `/v1/api-keys/${secrets['a wrong key']}`, { as }),
    ask('POST', '/v2/alarms', { as, raw: `{"alarm_actions": ["${own}"` }),
  ];
  for (const [index, answer] of (await Promise.all(refused)).entries()) {
    places[`refusal ${index + 1}`] = `${answer.text} ${JSON.stringify(answer.headers)}`;
    if (index !== 4) expect(answer.status).toBeGreaterThanOrEqual(400);
  }
  const imported = { ...body, alarm_id: 'imported', alarm_actions: [own] };
  places['the answer to an import'] = (await ask('POST', '/v1/imports', { as, body: [imported] })).text;
  expect((await ask('GET', '/v2/alarms/imported', { as })).json()).toMatchObject({ alarm_actions: [own] });
  expect((await ask('DELETE', '/v2/alarms/imported', { as })).status).toBe(204);
  expect((await ask('DELETE', `/v2/alarms/${id}`, { as: user })).status).toBe(204);
  places['the audit trail'] = (await ask('GET', '/v1/audit?limit=1000', { as })).text;
  places['the readiness'] = (await ask('GET', '/readyz')).text;
  expect(service.isRunning()).toBe(true);
  return { ...places, ...receivers };
}

/** Makes a receiver with a secret, which the answers of later requests must not show. */
async function signWebhooks(
  { ask }: Running,
  { secrets, at, as }: { secrets: Secrets; at: string; as: Readonly<Record<string, string>> },
): Promise<Places> {
  const made = await ask('POST', '/v1/receivers', { as, body: { origin: `http://${at}`, project_id: 'p' } });
  const headers = { Authorization: `Bearer ${secrets['a header']}` };
  const secure = await ask('POST', '/v1/receivers', {
    as,
    body: { origin: `https://${at}`, project_id: 'p', headers },
  });
  const open = await ask('PUT', `/v1/receivers/${made.json<{ id: string }>().id}`, { as, body: { headers } });
  expect([secure.status, open.status]).toEqual([201, 400]);
  expect([made.status, made.text]).toEqual([201, expect.any(String)]);
  const path = `/v1/receivers/${made.json<{ id: string }>().id}`;
  const secret = `whsec_${Buffer.from(secrets['a signing secret']!).toString('base64')}`;
  const refused = await ask('POST', `${path}/secrets`, { as, body: { secret: `${secret}!` } });
  const rotated = await ask('POST', `${path}/secrets`, { as, body: { secret } });
  expect([refused.status, rotated.status, rotated.json()]).toEqual([400, 201, expect.objectContaining({ secret })]);
  const one = await ask('GET', path, { as });
  const all = await ask('GET', '/v1/receivers', { as });
  return {
    'the refusal of a signing secret': `${refused.text} ${JSON.stringify(refused.headers)}`,
    'the answers about headers': `${secure.text} ${open.text} ${JSON.stringify(open.headers)}`,
    'the answers about receivers': `${one.text} ${all.text}`,
  };
}

/** Signs in in each way, uses the sessions, and ends one of them. Their secrets become canaries. */
async function signIn({ ask }: Running, { secrets, tokens }: { secrets: Secrets; tokens: { user: string } }) {
  const places: Places = {};
  const bodies: Record<string, object> = {
    'an API key': { api_key: secrets['an API key'] },
    'a token': { token: tokens.user },
    'a password': { name: USER_NAME, password: secrets['password of a user'], project: 'p' },
  };
  for (const [by, body] of Object.entries(bodies)) {
    const answer = await ask('POST', '/v1/session', { as: {}, headers: OWN_PAGE, body });
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    const [cookie = ''] = answer.headers['set-cookie']?.[0]?.split(';') ?? [];
    secrets[`the secret of a session by ${by}`] = cookie.slice(cookie.indexOf('=') + 1);
    const headers = { ...OWN_PAGE, cookie };
    const used = await ask('GET', '/v1/session', { as: {}, headers });
    expect(used.status).toBe(200);
    places[`the answers about a session by ${by}`] = `${answer.text} ${used.text} ${JSON.stringify(used.headers)}`;
    const list = await ask('GET', '/v2/alarms', { as: {}, headers });
    const forged = await ask('POST', '/v2/alarms', { as: {}, headers: { cookie }, body: thresholdBody() });
    expect([list.status, forged.status]).toEqual([200, 401]);
    places[`the refusal of a forged request with a session by ${by}`] = forged.text;
    if (by !== 'a token') continue;
    expect((await ask('DELETE', '/v1/session', { as: {}, headers })).status).toBe(204);
    places['the refusal of an ended session'] = (await ask('GET', '/v2/alarms', { as: {}, headers })).text;
  }
  for (const [what, body] of Object.entries({
    password: { ...bodies['a password'], password: secrets['a wrong password of a user'] },
    key: { api_key: secrets['a wrong key'] },
    token: { token: secrets['a wrong token'] },
    'second credential': { ...bodies['a password'], token: tokens.user },
  })) {
    const refused = await ask('POST', '/v1/session', { as: {}, headers: OWN_PAGE, body });
    expect([400, 401]).toContain(refused.status);
    places[`the refusal of a wrong ${what}`] = `${refused.text} ${JSON.stringify(refused.headers)}`;
  }
  return places;
}

async function canaries(name: string, open: () => Promise<Rig>): Promise<void> {
  const rig = await open();
  const names = ['user', 'password', 'query', 'path', 'fragment', 'a token', "the service's token", 'a trust'];
  names.push('a signing secret', 'a header');
  const secrets: Secrets = {
    ...rig.secrets,
    ...Object.fromEntries([...names, ...OF_SIGN_IN, 'a wrong token'].map((name) => [name, canary()])),
    'a wrong key': `ak_${'a'.repeat(12)}_${randomBytes(32).toString('base64url')}`,
  };
  const tokens = {
    user: secrets['a token']!,
    own: secrets["the service's token"]!,
    trust: secrets['a trust']!,
    session: secrets['the token of a session']!,
  };
  const keystone = await keystoneWith(tokens, secrets['password of a user']!);
  const receiver = await startReceiver(({ target }, response) => {
    response.writeHead(target.startsWith('/hooks') ? 500 : 204).end();
  });
  undo.push(() => receiver.close());
  const managementPort = await freePort();
  const settings = {
    ...rig.settings,
    AUTH_MODE: 'keystone+apikey',
    KEYSTONE_AUTH_URL: keystone.url,
    KEYSTONE_USERNAME: 'tocsin',
    KEYSTONE_PASSWORD: secrets['password of Keystone']!,
    EGRESS_ALLOW_LOOPBACK_RECEIVERS: 'true',
    EVALUATOR_INTERVAL: '1s',
    LOG_LEVEL: 'debug',
    MANAGEMENT_PORT: String(managementPort),
    NOTIFIER_RETRY_SCHEDULE: '0s,100ms',
  };
  const made = startTocsin(['apikey', 'create', '--project', 'p', '--role', 'admin', '--all-projects'], settings);
  await eventually(() => expect(made.isRunning()).toBe(false));
  const apiKey = /ak_\S+/.exec(made.log())![0];
  secrets['an API key'] = apiKey;

  const running = await serve(settings);
  const as = { 'x-api-key': apiKey };
  const places = {
    ...(await liveThrough(running, { secrets, receiver, as, tokens })),
    ...(await signIn(running, { secrets, tokens })),
  };
  places['the metrics'] = await (await fetch(`http://127.0.0.1:${managementPort}/metrics`)).text();
  expect(places['the metrics']).toContain('tocsin_');
  const stored = await rig.end(running, { as });
  expect(Object.values(stored).join('')).toContain(NAME);
  expect(places['the list of notifications']).toContain(NAME);
  for (const trail of [Object.values(stored).join(''), places['the audit trail']]) expect(trail).toContain(AUDITED);
  places['the log'] = running.service.log();
  expect(places['the log']).toContain('"level":"debug"');

  const unreachable = { ...settings, DATABASE_URL: `postgres://u:${secrets['password']}@127.0.0.1:1/d` };
  const crashed = startService(unreachable);
  await eventually(() => expect(crashed.isRunning()).toBe(false));
  places['the output of a failed start'] = crashed.log();
  const printed = startTocsin(['config'], settings);
  await eventually(() => expect(printed.isRunning()).toBe(false));
  places['the printed configuration'] = printed.log();
  const searched = { ...places, ...stored };
  const found = hits(searched, secrets);
  const counts = [Object.keys(searched).length, Object.keys(secrets).length, found.length];
  process.stderr.write(
    `canaries with ${name}: ${counts[0]} places searched, ${counts[1]} canaries, ${counts[2]} found\n`,
  );
  expect(found).toEqual([]);
}

describe('secrets', () => {
  test('are seen in no log, answer, metric or file of the embedded database', () =>
    canaries('the embedded database', embeddedRig));
});
describeWith(['postgres', 'redis'], 'secrets with PostgreSQL and Redis', () => {
  test('are seen in no log, answer, metric, dump or key of Redis', () => canaries('PostgreSQL and Redis', clusterRig));
});
