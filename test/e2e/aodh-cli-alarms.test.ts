import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  ADMIN,
  DISABLED,
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
import { eventually } from '../support/eventually.js';
import { describeWith } from '../support/servers.js';
import { EVERY_TYPE, LEAF_OPTIONS, LEAF_RULE } from './aodh-arguments.js';

let rig: AodhRig | undefined;
beforeAll(async () => {
  rig = await startAodhRig();
});
afterAll(() => rig?.stop());

const aodh: AodhRig['aodh'] = (...args) => rig!.aodh(...args);
const ask: AodhRig['ask'] = (...args) => rig!.ask(...args);
const stored: AodhRig['stored'] = (...args) => rig!.stored(...args);
const given: AodhRig['given'] = (...args) => rig!.given(...args);

describeWith(['aodh'], 'the aodh command for the definitions of alarms', () => {
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
          'http://127.0.0.1:9000/a',
          '--alarm-action',
          'http://127.0.0.1:9000/b',
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
        alarm_actions: ['http://127.0.0.1:9000/a', 'http://127.0.0.1:9000/b'],
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

    test('lists page after page by limit and marker, and prints the same columns without any option', async () => {
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
      { what: 'an unknown name', args: () => ['none'], says: 'Alarm none not found' },
      {
        what: 'a name that two have',
        args: () => ['two of them'],
        says: "Multiple alarms matches found for 'two of them'",
      },
      { what: 'an unknown id', args: () => [UNKNOWN_ID], says: `Alarm ${UNKNOWN_ID} not found` },
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
      const common = { description: 'stays', alarm_actions: ['http://127.0.0.1:9000/x'] };
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

    test('keeps the options of the rules of a composite alarm, and takes new ones with a new rule', async () => {
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

    test('removes actions with an empty one, changes the type, and renames the alarm', async () => {
      const id = await given({ name: 'busy', alarm_actions: ['http://127.0.0.1:9000/'] }, 'updates');
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

    test('of the threshold alone changes no byte of a signed URL, in the answer and on the wire', async () => {
      const signed = (resource: string): string =>
        `/v1/signal/arn%3Aopenstack%3Aheat%3A%3A9f2c%3Astacks%2FWeb-1/3e%2Fb1/resources/` +
        `${resource}?SignatureMethod=HmacSHA256` +
        `&SignatureVersion=2&AWSAccessKeyId=1f0e%2b&Signature=aB%2FcD%2bEf%3d%3D&b=2&a=~%7e+%20`;
      const urls = ['up', 'Down'].map((resource) => `${rig!.receiver.url}${signed(resource)}`);
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
      await eventually(async () => expect(rig!.receiver.requests.length).toBe(2));
      expect(rig!.receiver.requests.map(({ target }) => target).sort()).toEqual(['up', 'Down'].map(signed).sort());
    });
  });
});
