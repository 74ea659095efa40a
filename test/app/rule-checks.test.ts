import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { AlarmRule } from '../../src/alarm/types/index.js';
import type { RuleChecks } from '../../src/api/ports.js';
import type { KeystoneAccess } from '../../src/app/datasources/backend-kind.js';
import { createRuleChecks } from '../../src/app/rule-checks.js';
import { Config } from '../../src/config/schema.js';
import { StartupError } from '../../src/errors.js';
import { ReleaseStack } from '../../src/release-stack.js';
import { FakeClock } from '../support/fake-clock.js';
import { startGnocchiDouble, type GnocchiDouble } from '../support/gnocchi-double.js';

const BOGUS: AlarmRule = {
  type: 'gnocchi_resources_threshold',
  metric: 'cpu',
  resource_id: 'r',
  resource_type: 'instance',
  comparison_operator: 'gt',
  threshold: 80,
  aggregation_method: 'bogus',
  evaluation_periods: 1,
  granularity: 60,
};

let double: GnocchiDouble;
let resources: ReleaseStack;
let clock: FakeClock;

beforeEach(async () => {
  double = await startGnocchiDouble();
  resources = new ReleaseStack();
  clock = new FakeClock();
});
afterEach(async () => {
  await resources.release();
  await double.close();
});

function checksWith(gnocchi: object, keystone?: KeystoneAccess): RuleChecks {
  return createRuleChecks({
    config: Config.parse({ gnocchi }),
    clock,
    resources,
    keystone,
  });
}

function check(checks: RuleChecks): Promise<string[]> {
  return checks.check(BOGUS, { isAdmin: true }, null);
}

/** A Keystone with these projects in this domain. */
function keystoneWith(projects: Record<string, string>, domain: string): KeystoneAccess & { asked: number } {
  return {
    asked: 0,
    token: () => Promise.resolve('ours'),
    renew: () => Promise.resolve('ours'),
    async projectId(name, domainName) {
      this.asked += 1;
      return (domainName === domain ? projects[name] : undefined) ?? null;
    },
  };
}

describe('the checks of rules', () => {
  test('are left out without gnocchi.url', async () => {
    await expect(check(checksWith({}))).resolves.toEqual([]);
  });

  test('send requests to the Gnocchi of gnocchi.url, by default as the user admin', async () => {
    await expect(check(checksWith({ url: `${double.url}/` }))).rejects.toThrow('not bogus');
    expect(double.requests[0]).toMatchObject({
      target: '/v1/capabilities/',
      headers: { authorization: `Basic ${Buffer.from('admin:').toString('base64')}` },
    });
  });

  test('use a token of Keystone’s with gnocchi.auth keystone', async () => {
    const checks = checksWith({ url: double.url, auth: 'keystone' }, keystoneWith({}, 'Default'));
    await expect(check(checks)).rejects.toThrow('not bogus');
    expect(double.requests[0]?.headers['x-auth-token']).toBe('ours');
  });

  test('refuse to start with gnocchi.auth keystone and without Keystone', () => {
    const start = (): RuleChecks => checksWith({ url: double.url, auth: 'keystone' });
    expect(start).toThrow(StartupError);
    expect(start).toThrow('keystone.auth_url');
  });
});

describe('with several backends', () => {
  const PROMQL: AlarmRule = {
    type: 'prometheus',
    query: 'up{', // cannot be parsed, so it cannot be limited to a project
    threshold: 1,
    comparison_operator: 'gt',
    scope_to_project: 'p1',
  };

  function several(settings: object, keystone?: KeystoneAccess): RuleChecks {
    return createRuleChecks({
      config: Config.parse(settings),
      clock,
      resources,
      keystone,
    });
  }

  test('only the backend that the alarm names checks the rule', async () => {
    const other = await startGnocchiDouble();
    resources.push('the other', () => other.close());
    const checks = several({ gnocchi: { url: double.url, others: { east: { url: other.url, auth: 'none' } } } });
    await expect(checks.check(BOGUS, { isAdmin: true }, 'east')).rejects.toThrow('not bogus');
    expect([double.requests.length, other.requests.length > 0]).toEqual([0, true]);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('knownBackends lists the names of a kind without backends that have no address', () => {
    const url = double.url;
    const checks = several({
      gnocchi: { url, others: { west: { url }, east: { url } } },
      prometheus: { others: { north: {} } },
    });
    expect([checks.knownBackends('gnocchi'), checks.knownBackends('prometheus')]).toEqual([['east', 'west'], []]);
  });

  test('each Gnocchi has its own owner of external metrics', async () => {
    const east = { url: double.url, external_project_owner: 'metering' };
    const checks = several(
      { gnocchi: { others: { east } } },
      keystoneWith({ metering: 'id-1', service: 'id-2' }, 'Default'),
    );
    const owners = [
      await checks.externalOwner(null),
      await checks.externalOwner('east'),
      await checks.externalOwner('gone'),
    ];
    expect(owners).toEqual(['id-2', 'id-1', null]);
  });

  test('each Prometheus has its own tenancy', async () => {
    const checks = several({
      prometheus: {
        url: 'http://127.0.0.1:1',
        others: {
          header: { url: 'http://127.0.0.1:1', tenancy: 'header' },
          open: { url: 'http://127.0.0.1:1', tenancy: 'none' },
        },
      },
    });
    const member = { isAdmin: false };
    await expect(checks.check(PROMQL, member, null)).rejects.toThrow("Value: 'up{'. ");
    await expect(checks.check(PROMQL, member, 'header')).resolves.toEqual([
      'the prometheus backend header cannot be asked: connection refused',
    ]);
    await expect(checks.check(PROMQL, member, 'open')).rejects.toThrow('prometheus.others.open.tenancy is none');
  });

  test.each([
    ['prometheus', PROMQL],
    ['gnocchi', BOGUS],
  ])('a backend that is not configured is named with the option to set: %s', (kind, rule) => {
    const checks = several({ [kind]: { others: { east: { url: double.url, auth: 'none' } } } });
    expect(checks.missingBackends(rule, 'east')).toEqual([]);
    expect(checks.missingBackends(rule, null)).toEqual([`no ${kind} backend is configured (set ${kind}.url)`]);
  });

  test.each<[string, object, KeystoneAccess | undefined, string[]]>([
    ['no address of it and no Keystone', {}, undefined, ['no octavia backend is configured (set octavia.url)']],
    ['an address of it', { octavia: { url: 'http://127.0.0.1:1' } }, undefined, []],
    [
      'a Keystone, whose catalogue may have it',
      { keystone: { auth_url: 'http://127.0.0.1:1' } },
      keystoneWith({}, 'Default'),
      [],
    ],
  ])('Octavia is configured or not, with %s', (_, settings, keystone, missing) => {
    const pool: AlarmRule = {
      type: 'loadbalancer_member_health',
      pool_id: 'p',
      stack_id: 's',
      autoscaling_group_id: 'g',
      scope_to_project: null,
    };
    expect(several(settings, keystone).missingBackends(pool, null)).toEqual(missing);
  });

  test('a Gnocchi that needs Keystone tokens is named if Keystone is not configured', () => {
    const start = (): RuleChecks => several({ gnocchi: { others: { east: { url: double.url, auth: 'keystone' } } } });
    expect(start).toThrow('gnocchi.others.east.auth: keystone needs keystone.auth_url');
  });
});

describe('the owner of external metrics', () => {
  const HOUR_MS = 3_600_000;

  test('is null without Keystone', async () => {
    expect(await checksWith({}).externalOwner(null)).toBeNull();
  });

  test('is the configured project, looked up once an hour', async () => {
    const keystone = keystoneWith({ metering: 'id-1' }, 'Elsewhere');
    const settings = { external_project_owner: 'metering', external_domain_name: 'Elsewhere' };
    const checks = checksWith(settings, keystone);
    expect(await Promise.all([checks.externalOwner(null), checks.externalOwner(null)])).toEqual(['id-1', 'id-1']);
    await clock.advance(HOUR_MS - 1);
    await checks.externalOwner(null);
    expect(keystone.asked).toBe(1);
    await clock.advance(1);
    await checks.externalOwner(null);
    expect(keystone.asked).toBe(2);
  });

  test('is by default the project service of the domain Default', async () => {
    expect(await checksWith({}, keystoneWith({ service: 'id-2' }, 'Default')).externalOwner(null)).toBe('id-2');
  });

  test('is looked up again after an outage of Keystone', async () => {
    const keystone = keystoneWith({ service: 'id-2' }, 'Default');
    let away = true;
    const checks = checksWith(
      {},
      {
        ...keystone,
        projectId: (...names) => (away ? Promise.reject(new Error('away')) : keystone.projectId(...names)),
      },
    );
    await expect(checks.externalOwner(null)).rejects.toThrow('away');
    away = false;
    expect(await checks.externalOwner(null)).toBe('id-2');
  });
});
