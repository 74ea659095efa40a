import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import {
  noauthEnvironment,
  runAodh,
  runOpenstack,
  type CommandResult,
  type NoauthCaller,
} from '../support/aodh-cli.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWith } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';
import { EVERY_TYPE, LEAF_OPTIONS, LEAF_RULE } from './aodh-arguments.js';

/** Each project has its own tests: what one creates, another does not list. */
const ADMIN: NoauthCaller = { user: 'root', project: 'ops', roles: 'admin' };
const THRESHOLD = ['--type', 'threshold', '--meter-name', 'cpu', '--threshold', '80'];
const DISABLED = ['--enabled', 'False']; // so that no evaluation changes its state meanwhile
const NOBODY = '00000000-0000-4000-8000-000000000000';

let service: ServiceProcess | undefined;
let receiver: Receiver;
let endpoint: string;
const dir = mkdtempSync(path.join(tmpdir(), 'tocsin-test-'));

beforeAll(async () => {
  receiver = await startReceiver();
  const port = await freePort();
  endpoint = `http://127.0.0.1:${port}`;
  const started = startService({ DATABASE_DATA_DIR: dir, API_PORT: String(port), EVALUATOR_INTERVAL: '1s' });
  service = started;
  await eventually(async () => {
    const answer = await fetch(`${endpoint}/readyz`).catch(() => undefined);
    if (answer?.ok !== true) throw new Error(`not ready: ${started.log()}`);
  });
});

afterAll(async () => {
  await service?.kill();
  await receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

const aodh = (args: readonly string[], caller?: NoauthCaller): Promise<CommandResult> =>
  runAodh(args, noauthEnvironment(endpoint, caller));
const openstack = (args: readonly string[], caller?: NoauthCaller): Promise<CommandResult> =>
  runOpenstack(args, noauthEnvironment(endpoint, caller));

type Json = Record<string, unknown>;

/** What it printed; it must have succeeded. */
async function printed<T = Json>(answer: Promise<CommandResult>): Promise<T> {
  const { code, json, stderr } = await answer;
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return json as T;
}

async function refusal(answer: Promise<CommandResult>): Promise<string> {
  const { code, stderr } = await answer;
  expect(code).not.toBe(0);
  return stderr;
}

/** The same service, asked without the command line between. */
async function ask(
  method: string,
  target: string,
  { project = 'p1', body }: { project?: string; body?: unknown } = {},
) {
  const headers = {
    'x-user-id': 'u1',
    'x-project-id': project,
    'x-roles': 'member,reader',
    'content-type': 'application/json',
  };
  const response = await fetch(endpoint + target, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${target}: ${response.status} ${text}`);
  return text;
}

async function stored(id: unknown, project?: string): Promise<Json> {
  return JSON.parse(await ask('GET', `/v2/alarms/${String(id)}`, project ? { project } : {})) as Json;
}

/** An alarm made without the command line, which is slow; nothing evaluates it. Answers its id. */
async function given(fields: Json & { name: string }, project?: string): Promise<string> {
  const body = { type: 'threshold', enabled: false, threshold_rule: { meter_name: 'cpu', threshold: 80 }, ...fields };
  const text = await ask('POST', '/v2/alarms', { body, ...(project ? { project } : {}) });
  return (JSON.parse(text) as { alarm_id: string }).alarm_id;
}

const names = (alarms: { name: string }[]): string[] => alarms.map(({ name }) => name);

describeWith(['aodh'], 'the aodh command', () => {
  describe('alarm create', () => {
    test.each(EVERY_TYPE)('makes an alarm of type $type', async ({ type, args, rule }) => {
      const made = await printed(aodh(['alarm', 'create', '--name', `a ${type}`, '--type', type, ...args]));
      expect(made).toMatchObject({
        name: `a ${type}`,
        type,
        state: 'insufficient data',
        severity: 'low',
        user_id: 'u1',
      });
      expect(await stored(made['alarm_id'])).toMatchObject({ type, [`${type}_rule`]: rule });
    });

    test('takes every option, and an admin may choose the owner', async () => {
      const constraint = 'name=c1;start=0 11 * * *;duration=300;timezone=Europe/Berlin';
      const args = [
        ...[
          '--name',
          'whole',
          ...THRESHOLD,
          '--project-id',
          'p9',
          '--user-id',
          'u9',
          '--description',
          'für alle – whole',
        ],
        ...[
          '--state',
          'ok',
          '--severity',
          'critical',
          '--repeat-actions',
          'True',
          '--time-constraint',
          constraint,
          ...DISABLED,
        ],
        ...[
          '--alarm-action',
          'http://127.0.0.1:9/a',
          '--alarm-action',
          'http://127.0.0.1:9/b',
          '--ok-action',
          'log://',
        ],
        ...['--insufficient-data-action', 'https://example.com/i?x=1'],
      ];
      const { alarm_id: id } = await printed(aodh(['alarm', 'create', ...args], ADMIN));
      expect(await stored(id, 'p9')).toMatchObject({
        project_id: 'p9',
        user_id: 'u9',
        description: 'für alle – whole',
        state: 'ok',
        severity: 'critical',
        enabled: false,
        repeat_actions: true,
        time_constraints: [{ name: 'c1', start: '0 11 * * *', duration: 300, timezone: 'Europe/Berlin' }],
        alarm_actions: ['http://127.0.0.1:9/a', 'http://127.0.0.1:9/b'],
        ok_actions: ['log:'],
        insufficient_data_actions: ['https://example.com/i?x=1'],
      });
    });
  });

  describe('alarm list', () => {
    const as: NoauthCaller = { project: 'lists' };
    let ids: Record<string, string>;
    beforeAll(async () => {
      const made = ['b', 'a', 'd', 'c'].map(async (name) => {
        const severity = name === 'a' || name === 'b' ? 'critical' : 'low';
        return [name, await given({ name, severity, state: name === 'a' ? 'ok' : 'alarm' }, 'lists')];
      });
      ids = Object.fromEntries(await Promise.all(made)) as Record<string, string>;
    });

    test.each([
      { args: ['--filter', 'name=c'], expected: ['c'] },
      { args: ['--filter', 'severity=critical', '--filter', 'state=alarm'], expected: ['b'] },
      { args: ['--filter', 'enabled=true'], expected: [] },
      { args: ['--sort', 'name:desc'], expected: ['d', 'c', 'b', 'a'] },
      { args: ['--sort', 'severity:desc', '--sort', 'name', '--limit', '3'], expected: ['a', 'b', 'c'] },
      { args: ['--query', 'name=a or (severity=low and not name=d)'], expected: ['a', 'c'] },
      { args: ['--query', 'state!=ok and severity="critical"'], expected: ['b'] },
    ])('with $args lists $expected', async ({ args, expected }) => {
      const listed = names(await printed(aodh(['alarm', 'list', ...args], as)));
      expect(args.includes('--sort') ? listed : listed.sort()).toEqual(expected);
    });

    test('turns pages by limit and marker, and prints the same columns without any option', async () => {
      const page = ['alarm', 'list', '--sort', 'name:asc', '--limit', '2', '--marker', ids['b']!];
      expect(names(await printed(aodh(page, as)))).toEqual(['c', 'd']);
      const [first] = await printed<Json[]>(aodh(['alarm', 'list', '--filter', 'name=a'], as));
      const columns = { type: 'threshold', name: 'a', state: 'ok', severity: 'critical', enabled: false };
      expect(first).toEqual({ alarm_id: ids['a'], ...columns });
    });
  });

  describe('alarm show', () => {
    const as: NoauthCaller = { project: 'shows' };
    let id: string;
    beforeAll(async () => {
      id = await given({ name: 'one' }, 'shows');
      for (let twin = 0; twin < 2; twin++) await given({ name: 'two of them' }, 'shows');
    });

    test.each([
      { by: 'its id', args: () => [id] },
      { by: 'its name', args: () => ['one'] },
      { by: 'its name as an option', args: () => ['--name', 'one'] },
    ])('finds an alarm by $by', async ({ args }) => {
      const shown = await printed(aodh(['alarm', 'show', ...args()], as));
      expect(shown).toMatchObject({ alarm_id: id, name: 'one', meter_name: 'cpu', threshold: 80, project_id: 'shows' });
    });

    test.each([
      { what: 'a name that nobody has', args: () => ['none'], says: 'Alarm none not found' },
      {
        what: 'a name that two have',
        args: () => ['two of them'],
        says: "Multiple alarms matches found for 'two of them'",
      },
      { what: 'an id that nobody has', args: () => [NOBODY], says: `Alarm ${NOBODY} not found` },
    ])('refuses $what', async ({ args, says }) => {
      expect(await refusal(aodh(['alarm', 'show', ...args()], as))).toContain(says);
    });

    test('does not show the alarm of another project', async () => {
      expect(await refusal(aodh(['alarm', 'show', id], { project: 'p2' }))).toContain(`Alarm ${id} not found`);
    });
  });

  describe('alarm update', () => {
    const as: NoauthCaller = { project: 'updates' };

    test.each([
      { by: 'its id', args: (id: string) => [id] },
      { by: 'its name', args: () => ['by its name'] },
      { by: 'its name as an option', args: () => ['--name', 'by its name as an option'] },
    ])('changes an alarm by $by, and nothing else of it', async ({ by, args }) => {
      const tocsin = {
        delivery_policy: 'every',
        treat_missing_data: 'ignore',
        clear_threshold: 0.5,
        ingestion_lag: 30,
      };
      const threshold_rule = { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt' };
      const common = { description: 'stays', alarm_actions: ['http://127.0.0.1:9/x'] };
      const id = await given({ name: `by ${by}`, ...common, threshold_rule, tocsin }, 'updates');
      const definition = async (): Promise<Json> => {
        const { timestamp: _, evaluate_timestamp: _moves, ...rest } = await stored(id, 'updates');
        return rest;
      };
      const before = await definition();
      expect(before).toMatchObject({ tocsin });
      const change = ['--severity', 'critical', '--evaluation-periods', '3'];
      await printed(aodh(['alarm', 'update', ...args(id), ...change], as));
      const rule = { ...(before['threshold_rule'] as Json), evaluation_periods: 3 };
      expect(await definition()).toEqual({ ...before, severity: 'critical', threshold_rule: rule });
    });

    test('of a composite alarm keeps the options of its rules, and gives them others with the rule', async () => {
      const rule = { or: [{ ...LEAF_RULE, tocsin: LEAF_OPTIONS }, LEAF_RULE] };
      const fields = { type: 'composite', threshold_rule: undefined, composite_rule: rule };
      const id = await given({ name: 'either', ...fields }, 'updates');
      const { composite_rule: before } = await stored(id, 'updates');
      expect(before).toMatchObject(rule);
      await printed(aodh(['alarm', 'update', id, '--severity', 'critical'], as));
      expect(await stored(id, 'updates')).toMatchObject({ severity: 'critical', composite_rule: before });
      const other = { ...LEAF_RULE, tocsin: { datapoints_to_alarm: 1 } };
      await printed(aodh(['alarm', 'update', id, '--composite-rule', JSON.stringify(other)], as));
      expect((await stored(id, 'updates'))['composite_rule']).toMatchObject(other);
    });

    test('takes actions away with an empty one, switches the type, renames', async () => {
      const id = await given({ name: 'busy', alarm_actions: ['http://127.0.0.1:9/'] }, 'updates');
      const change = ['--name', 'calm', '--alarm-action', '', '--type', 'event', '--event-type', 'x'];
      await printed(aodh(['alarm', 'update', id, ...change], as));
      const after = await stored(id, 'updates');
      expect(after).toMatchObject({
        name: 'calm',
        type: 'event',
        alarm_actions: null,
        event_rule: { event_type: 'x' },
      });
      expect(after).not.toHaveProperty('threshold_rule');
    });

    test('that changes only the threshold leaves signed URLs as they were, byte for byte, in the answer and on the wire', async () => {
      const signed = (resource: string): string =>
        `/v1/signal/arn%3Aopenstack%3Aheat%3A%3A9f2c%3Astacks%2FWeb-1/3e%2Fb1/resources/` +
        `${resource}?SignatureMethod=HmacSHA256` +
        `&SignatureVersion=2&AWSAccessKeyId=1f0e%2b&Signature=aB%2FcD%2bEf%3d%3D&b=2&a=~%7e+%20`;
      const urls = ['up', 'Down'].map((resource) => `${receiver.url}${signed(resource)}`);
      const rule = { meter_name: 'load', comparison_operator: 'gt', threshold: 200, period: 3600 };
      const actions = { alarm_actions: urls, ok_actions: ['https://Heat.Example:8000/V1/../a%2fb?Signature=%2B=='] };
      const id = await given({ name: 'scale', enabled: true, threshold_rule: rule, ...actions }, 'updates');
      const actionsOf = (text: string): string[] => text.match(/"[a-z_]+_actions":\s?\[[^\]]*\]/g) ?? [];
      const before = actionsOf(await ask('GET', `/v2/alarms/${id}`, { project: 'updates' }));
      for (const url of [...urls, ...actions.ok_actions]) expect(before.join()).toContain(JSON.stringify(url));

      await printed(aodh(['alarm', 'update', id, '--threshold', '80'], as));

      expect(actionsOf(await ask('GET', `/v2/alarms/${id}`, { project: 'updates' }))).toEqual(before);
      const sample = {
        counter_name: 'load',
        counter_type: 'gauge',
        counter_unit: '%',
        counter_volume: 95,
        resource_id: 'web',
      };
      await ask('POST', '/v2/meters/load', { project: 'updates', body: [sample] });
      await eventually(async () => expect(receiver.requests.length).toBe(2));
      expect(receiver.requests.map(({ target }) => target).sort()).toEqual(['up', 'Down'].map(signed).sort());
    });
  });

  describe('alarm state', () => {
    const as: NoauthCaller = { project: 'states' };

    test.each([
      { by: 'its id', args: (id: string) => [id] },
      { by: 'its name', args: () => ['state by its name'] },
      { by: 'its name as an option', args: () => ['--name', 'state by its name as an option'] },
    ])('set and get work by $by', async ({ by, args }) => {
      const id = await given({ name: `state by ${by}` }, 'states');
      expect(await printed(aodh(['alarm', 'state', 'set', ...args(id), '--state', 'ok'], as))).toEqual({ state: 'ok' });
      expect(await printed(aodh(['alarm', 'state', 'get', ...args(id)], as))).toEqual({ state: 'ok' });
      expect(await stored(id, 'states')).toMatchObject({ state: 'ok', state_reason: 'Manually set via API' });
    });
  });

  describe('alarm delete', () => {
    const as: NoauthCaller = { project: 'deletes' };

    test.each([
      { by: 'its id', args: (id: string) => [id] },
      { by: 'its name', args: () => ['gone by its name'] },
      { by: 'its name as an option', args: () => ['--name', 'gone by its name as an option'] },
    ])('removes an alarm by $by', async ({ by, args }) => {
      const id = await given({ name: `gone by ${by}` }, 'deletes');
      expect(await printed(aodh(['alarm', 'delete', ...args(id)], as))).toBeUndefined();
      await expect(stored(id, 'deletes')).rejects.toThrow(`404`);
    });

    test('says that there is no such alarm', async () => {
      expect(await refusal(aodh(['alarm', 'delete', NOBODY], as))).toContain(`Alarm ${NOBODY} not found`);
    });
  });

  describe('alarm-history', () => {
    const as: NoauthCaller = { project: 'histories' };
    let id: string;
    beforeAll(async () => {
      id = await given({ name: 'changes' }, 'histories');
      await ask('PUT', `/v2/alarms/${id}/state`, { project: 'histories', body: 'ok' });
      await ask('PUT', `/v2/alarms/${id}/state`, { project: 'histories', body: 'alarm' });
    });

    test('show prints the changes of one alarm, the latest first, page by page', async () => {
      const all = await printed<Json[]>(aodh(['alarm-history', 'show', id], as));
      expect(all.map(({ type }) => type)).toEqual(['state transition', 'state transition', 'creation']);
      expect(all[0]).toEqual({
        timestamp: expect.any(String),
        type: 'state transition',
        detail: '{"state": "alarm", "state_reason": "Manually set via API"}',
        event_id: expect.any(String),
      });
      const after = ['--sort', 'timestamp:desc', '--limit', '1', '--marker', String(all[0]!['event_id'])];
      expect(await printed(aodh(['alarm-history', 'show', id, ...after], as))).toEqual([all[1]]);
    });

    test.each([
      { args: [], types: ['creation', 'state transition', 'state transition'] },
      { args: ['--query', 'type=creation'], types: ['creation'] },
      { args: ['--query', 'type!=creation and project_id=histories'], types: ['state transition', 'state transition'] },
    ])('search $args finds $types', async ({ args, types }) => {
      const found = await printed<Json[]>(aodh(['alarm-history', 'search', ...args], as));
      expect(found.map(({ type }) => type).sort()).toEqual(types);
      expect(found.map(({ alarm_id }) => alarm_id)).toEqual(types.map(() => id));
    });
  });

  test('capabilities list prints what the service can do', async () => {
    const capabilities = { 'alarms:query:simple': true, 'alarms:query:complex': true };
    const history = { 'alarms:history:query:simple': true, 'alarms:history:query:complex': true };
    const shown = await printed(aodh(['capabilities', 'list']));
    expect(shown).toMatchObject({
      api: { ...capabilities, ...history },
      alarm_storage: { 'storage:production_ready': true },
    });
  });

  describe('and what people see when they are refused', () => {
    test.each([
      {
        who: 'a reader who creates',
        as: { roles: 'reader' },
        args: ['create', '--name', 'x', ...THRESHOLD],
        says: 'RBAC Authorization Failed (HTTP 403)',
      },
      {
        who: 'somebody without a role who lists',
        as: { roles: 'stranger' },
        args: ['list'],
        says: 'RBAC Authorization Failed (HTTP 403)',
      },
      {
        who: 'a member who lists another project',
        as: {},
        args: ['list', '--filter', 'project_id=p2'],
        says: 'Not Authorized to access project p2 (HTTP 401)',
      },
      {
        who: 'a member who queries another project',
        as: {},
        args: ['list', '--query', 'project_id=p2'],
        says: 'Not Authorized to access project p2 (HTTP 401)',
      },
      {
        who: 'an action that nobody knows',
        as: {},
        args: ['create', '--name', 'x', ...THRESHOLD, '--ok-action', 'ftp://a'],
        says: 'Unsupported action ftp://a (HTTP 400)',
      },
    ])('$who reads “$says”', async ({ as, args, says }) => {
      const said = await refusal(aodh(['alarm', ...args], as));
      expect(said).toContain(says);
      expect(said).toMatch(/\(Request-ID: req-[0-9a-f-]{36}\)/);
    });
  });

  describe('as a part of openstack', () => {
    test('shows and sets quotas, which then hold', async () => {
      const as: NoauthCaller = { project: 'small' };
      expect(await printed(openstack(['alarm', 'quota', 'show'], as))).toEqual({ alarms: -1 });
      expect(await printed(openstack(['alarm', 'quota', 'set', 'small', '--alarm', '1'], ADMIN))).toEqual({
        alarms: 1,
      });
      expect(await printed(openstack(['alarm', 'quota', 'show', '--project', 'small'], ADMIN))).toEqual({ alarms: 1 });
      await given({ name: 'first' }, 'small');
      const second = await refusal(openstack(['alarm', 'create', '--name', 'second', ...THRESHOLD], as));
      expect(second).toContain('Alarm quota exceeded for user u1 on project small (HTTP 403)');
      expect(await refusal(openstack(['alarm', 'quota', 'set', 'small', '--alarm', '9'], as))).toContain('(HTTP 403)');
    }); // seven starts of Python

    test('lists alarms and capabilities', async () => {
      await given({ name: 'seen' }, 'osc');
      expect(names(await printed(openstack(['alarm', 'list'], { project: 'osc' })))).toEqual(['seen']);
      expect(await printed(openstack(['alarming', 'capabilities', 'list'], {}))).toHaveProperty('api');
    });
  });
});
