import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { octavia as kind } from '../../../src/app/datasources/octavia.js';
import { createSystemClock } from '../../../src/clock.js';
import { Config } from '../../../src/config/schema.js';
import { Secret } from '../../../src/config/secret.js';
import { createKeystoneSession, type KeystoneSession } from '../../../src/keystone/session.js';
import { silentLogger } from '../../../src/logger.js';
import { NOON } from '../../support/builders.js';
import {
  startKeystoneDouble,
  tokenBody,
  type KeystoneCall,
  type KeystoneDouble,
  type KeystoneReply,
} from '../../support/keystone-double.js';
import { aPoolMember, startOctaviaDouble, type OctaviaDouble } from '../../support/octavia-double.js';
import { PATIENCE_MS } from '../../support/patience.js';

let octavia: OctaviaDouble;
let keystone: KeystoneDouble;
let logins: number;

beforeEach(async () => {
  octavia = await startOctaviaDouble();
  keystone = await startKeystoneDouble();
  octavia.pools.set('a', [aPoolMember()]);
  logins = 0;
  keystone.override = login;
});

afterEach(async () => {
  await octavia.close();
  await keystone.close();
});

/** With a catalogue that knows our Octavia. */
function login({ method }: KeystoneCall): KeystoneReply | undefined {
  if (method !== 'POST') return undefined;
  const endpoints = [{ interface: 'public', region_id: 'one', url: `${octavia.url}/` }];
  const catalog = [{ type: 'load-balancer', endpoints }];
  return {
    status: 201,
    body: { token: tokenBody({ catalog }) },
    headers: { 'x-subject-token': `own-${(logins += 1)}` },
  };
}

function session(): KeystoneSession {
  const settings = {
    authUrl: keystone.url,
    timeoutMs: PATIENCE_MS,
    deadlineMs: PATIENCE_MS,
    interface: 'public',
    login: {
      kind: 'password',
      username: 'tocsin',
      password: new Secret('s3cret'),
      userDomainName: 'Default',
      projectName: 'service',
      projectDomainName: 'Default',
    },
  } as const;
  return createKeystoneSession(settings, { clock: createSystemClock(), log: silentLogger });
}

async function answered(settings: object, at: KeystoneSession | undefined): Promise<unknown> {
  const observer = { succeeded: () => undefined, failed: () => undefined };
  const opened = kind.open({ config: Config.parse({ octavia: settings }), keystone: at, observerOf: () => observer });
  const datasource = opened.get(null);
  const questions = [{ key: 'q', query: { poolId: 'a', project: 'p1' } }];
  const asking = { now: NOON, signal: new AbortController().signal };
  const answers = await datasource?.answers({ granularityS: 0, periods: 1, lagS: 0, queries: questions }, asking);
  datasource?.close?.();
  return answers?.get('q');
}

describe('Octavia', () => {
  const found = { kind: 'members', members: [{ project_id: 'p1' }] };

  test('is not configured without octavia.url and without Keystone', async () => {
    expect(await answered({}, undefined)).toBeUndefined();
  });

  test("is found in Keystone's catalogue, and gets requests with a token of the service", async () => {
    octavia.tokens = new Set(['own-1']);
    expect(await answered({}, session())).toMatchObject(found);
  });

  test('gets requests at octavia.url, even if Keystone has another address', async () => {
    octavia.tokens = new Set(['own-1']);
    keystone.override = () => undefined; // its usual catalogue has no Octavia
    expect(await answered({ url: octavia.url }, session())).toMatchObject(found);
  });

  test('gets requests without a token if Keystone is not configured', async () => {
    expect(await answered({ url: octavia.url, member_creation_time: '5m' }, undefined)).toMatchObject({
      ...found,
      creationTimeS: 300,
    });
    expect(octavia.requests[0]?.headers['x-auth-token']).toBeUndefined();
  });

  test('counts as unavailable if the catalogue does not have it', async () => {
    keystone.override = () => undefined;
    expect(await answered({}, session())).toEqual({
      kind: 'outage',
      reason: "Keystone's catalogue has no public endpoint of type load-balancer",
    });
  });

  test('gets no second request with a new token if it refuses a recent one', async () => {
    octavia.tokens = new Set(['none of ours']);
    expect(await answered({}, session())).toEqual({ kind: 'outage', reason: 'it answered with status 401' });
    expect(logins).toBe(1);
  });
});
