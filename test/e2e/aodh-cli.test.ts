import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  ADMIN,
  names,
  UNKNOWN_ID,
  printed,
  refusal,
  startAodhRig,
  THRESHOLD,
  type AodhRig,
  type Json,
} from '../support/aodh-rig.js';
import type { NoauthCaller } from '../support/aodh-cli.js';
import { describeWith } from '../support/servers.js';

let rig: AodhRig | undefined;
beforeAll(async () => {
  rig = await startAodhRig();
});
afterAll(() => rig?.stop());

const aodh: AodhRig['aodh'] = (...args) => rig!.aodh(...args);
const openstack: AodhRig['openstack'] = (...args) => rig!.openstack(...args);
const ask: AodhRig['ask'] = (...args) => rig!.ask(...args);
const stored: AodhRig['stored'] = (...args) => rig!.stored(...args);
const given: AodhRig['given'] = (...args) => rig!.given(...args);

describeWith(['aodh'], 'the aodh command for states, histories, deletions and quotas', () => {
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

    test('reports an alarm that does not exist', async () => {
      expect(await refusal(aodh(['alarm', 'delete', UNKNOWN_ID], as))).toContain(`Alarm ${UNKNOWN_ID} not found`);
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

    test('show prints the changes of an alarm, the latest first, page by page', async () => {
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

  describe('prints why a command is refused', () => {
    test.each([
      {
        who: 'a reader who creates',
        as: { roles: 'reader' },
        args: ['create', '--name', 'x', ...THRESHOLD],
        says: 'RBAC Authorization Failed (HTTP 403)',
      },
      {
        who: 'a user without a role who lists',
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
        who: 'a create with an unknown action',
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

  describe('as a part of the openstack command', () => {
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
