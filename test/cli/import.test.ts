import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { runProgram } from '../../src/cli/program.js';
import type { Database } from '../../src/storage/database.js';
import { combinationBody, MEMBER, STRANGER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, embeddedDatabase, empty } from '../support/databases.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';

let there: { db: Database; api: TestApi };
let here: { db: Database; api: TestApi };

async function service(db: Database): Promise<{ db: Database; api: TestApi }> {
  return { db, api: await startApi(db) };
}

beforeAll(async () => {
  there = await service(await anyDatabase());
  here = await service(await embeddedDatabase());
});
beforeEach(async () => {
  await empty(there.db);
  await empty(here.db);
});
afterAll(async () => {
  for (const { api, db } of [there, here]) {
    await api.close();
    await db.close();
  }
});

async function tocsin(...argv: string[]): Promise<{ exitCode: number; out: string; err: string }> {
  const result = { exitCode: -1, out: '', err: '' };
  const terminal = {
    out: (text: string) => (result.out += text),
    err: (text: string) => (result.err += text),
    environment: {},
    stop: new AbortController().signal,
  };
  result.exitCode = await runProgram(['import', '--to', here.api.url, ...argv], terminal);
  return result;
}

const copy = () => tocsin('aodh', '--from', there.api.url);

async function alarmOf({ api }: { api: TestApi }, id: string): Promise<Record<string, unknown>> {
  const { evaluate_timestamp: _, ...alarm } = (await api.ask('GET', `/v2/alarms/${id}`)).json();
  return alarm;
}

const SIGNED =
  'http://heat:8000/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/1/resources/r?Signature=a%2Bb%3D&SignatureVersion=2';

describe('tocsin import aodh', () => {
  test('copies an alarm with id, owner, state and timestamps, muted', async () => {
    const id = await there.api.create(thresholdBody({ alarm_actions: [SIGNED], severity: 'critical' }), MEMBER);
    for (const { api } of [there, here]) await api.clock.advance(90_000);
    await there.api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: 'alarm' });
    const { exitCode, out } = await copy();
    expect(exitCode).toBe(0);
    expect(out).toContain('1 alarms in Aodh');
    expect(out).toContain('1  copied, muted until `tocsin import --activate`');
    const original = await alarmOf(there, id);
    expect(await alarmOf(here, id)).toEqual({ ...original, tocsin: { muted: true } });
    expect(original).toMatchObject({ project_id: 'p1', user_id: 'u1', state: 'alarm', alarm_actions: [SIGNED] });
  });

  test('does nothing the second time, even if the state has changed here', async () => {
    const id = await there.api.create(thresholdBody());
    await copy();
    await here.api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' });
    const before = await alarmOf(here, id);
    expect((await copy()).out).toContain('1  copied before, unchanged');
    expect(await alarmOf(here, id)).toEqual(before);
    expect((await here.api.ask('GET', `/v2/alarms/${id}/history?q.field=type&q.value=rule change`)).json()).toEqual([]);
  });

  test('updates the definition of a muted alarm and keeps its state', async () => {
    const id = await there.api.create(thresholdBody());
    await copy();
    await here.api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' });
    await there.api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ name: 'renamed', state: 'alarm' }) });
    expect((await copy()).out).toContain('copied before and changed in Aodh since then: updated');
    expect(await alarmOf(here, id)).toMatchObject({ name: 'renamed', state: 'ok', tocsin: { muted: true } });
  });

  test.each([
    { what: 'activated', path: '/v1/imports/activate', method: 'POST', says: '1  already active here: not changed' },
    { what: 'deleted', path: '/v2/alarms/{id}', method: 'DELETE', says: '1  deleted here: not copied again' },
  ])('does not change an alarm that was $what here', async ({ method, path, says }) => {
    const id = await there.api.create(thresholdBody());
    await copy();
    await here.api.ask(method, path.replace('{id}', id), method === 'POST' ? { body: {} } : {});
    const before = (await here.api.ask('GET', `/v2/alarms/${id}`)).text;
    await there.api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ name: 'renamed' }) });
    expect((await copy()).out).toContain(says);
    expect((await here.api.ask('GET', `/v2/alarms/${id}`)).text).toBe(before);
  });

  test('does not copy an alarm again that was deleted here, after its row is gone', async () => {
    const id = await there.api.create(thresholdBody());
    await copy();
    await here.api.ask('DELETE', `/v2/alarms/${id}`);
    await here.db.query('delete from alarms where id = $1', [id]);
    expect((await copy()).out).toContain('1  deleted here: not copied again');
  });

  test('copies combinations after their members, also if these are combinations', async () => {
    const a = await there.api.create(thresholdBody());
    const b = await there.api.create(thresholdBody());
    const c = await there.api.create(combinationBody([a, b]));
    const d = await there.api.create(combinationBody([c, a]));
    expect((await copy()).exitCode).toBe(0);
    for (const id of [a, b, c, d]) expect((await here.api.ask('GET', `/v2/alarms/${id}`)).status).toBe(200);
  });

  test('reads several pages, and alarms of all projects', async () => {
    const projects = ['p1', 'p2'];
    for (let index = 0; index < 502; index += 1) {
      await storeAlarm(there.db, { id: `alarm-${index}`, rule: thresholdRule(), projectId: projects[index % 2]! });
    }
    expect((await copy()).out).toContain('502  copied');
    const { rows } = await here.db.query('select project_id, count(*)::int as n from alarms group by 1 order by 1');
    expect(rows).toEqual([
      { project_id: 'p1', n: 251 },
      { project_id: 'p2', n: 251 },
    ]);
  });

  test('lists alarms that cannot be copied with the reason, and copies the others', async () => {
    const bad = await there.api.create(thresholdBody({ name: 'odd' }));
    await there.api.create(thresholdBody());
    await there.db.query(
      `update alarms set rule = '{"meter_name": "cpu", "threshold": 1, "period": 0}' where id = $1`,
      [bad],
    );
    const { exitCode, out } = await copy();
    expect(exitCode).toBe(1);
    expect(out).toContain('1  not copied');
    expect(out).toMatch(new RegExp(`${bad}.*odd.*period`));
    expect(out).toContain('1  copied, muted');
  });

  test('lists trust actions and copies the alarm without them', async () => {
    const id = await there.api.create(thresholdBody());
    const actions = ['trust+https://heat/signal?token=1', 'http://h/kept'];
    await there.db.query('update alarms set alarm_actions = $2 where id = $1', [id, actions]);
    const { exitCode, out } = await copy();
    expect(exitCode).toBe(1);
    expect(out).toMatch(new RegExp(`${id}.*alarm_actions.*trust\\+https://heat/signal\\?token=\\*\\*\\*`));
    expect(await alarmOf(here, id)).toMatchObject({ alarm_actions: ['http://h/kept'] });
  });
});

describe('tocsin import --activate', () => {
  test('unmutes all alarms once and records that in their history', async () => {
    const ids = [await there.api.create(thresholdBody(), MEMBER), await there.api.create(thresholdBody(), STRANGER)];
    await copy();
    await here.api.clock.advance(1_000);
    expect((await tocsin('--activate')).out).toContain('2 alarms run their actions now.');
    for (const id of ids) {
      expect(await alarmOf(here, id)).not.toHaveProperty('tocsin');
      const [entry] = (await here.api.ask('GET', `/v2/alarms/${id}/history`)).json<{ detail: string }[]>();
      expect(entry?.detail).toBe('{"tocsin": {"muted": false}}');
    }
    expect((await tocsin('--activate')).out).toBe('No muted alarms to activate.\n');
  });

  test('activates one project or one alarm', async () => {
    const mine = await there.api.create(thresholdBody(), MEMBER);
    const other = await there.api.create(thresholdBody(), STRANGER);
    await copy();
    expect((await tocsin('--activate', '--project', 'p1')).out).toContain(`activated ${mine}`);
    expect(await alarmOf(here, other)).toMatchObject({ tocsin: { muted: true } });
    expect((await tocsin('--activate', '--alarm', other)).out).toContain(`activated ${other}`);
  });

  test('exits 1 and names each alarm or project that has no muted alarm', async () => {
    const mine = await there.api.create(thresholdBody(), MEMBER);
    await copy();
    const left = (id: string, where = ''): string => `error: ${id} is not a muted imported alarm${where}\n`;
    expect(await tocsin('--activate', '--alarm', 'nope')).toEqual({
      exitCode: 1,
      out: 'No muted alarms to activate.\n',
      err: left('nope'),
    });
    expect(await tocsin('--activate', '--project', 'p9')).toEqual({
      exitCode: 1,
      out: 'No muted alarms to activate in project p9.\n',
      err: '',
    });
    expect(await tocsin('--activate', '--project', 'p9', '--alarm', mine)).toMatchObject({
      exitCode: 1,
      err: left(mine, ' in project p9'),
    });
    expect(await alarmOf(here, mine)).toMatchObject({ tocsin: { muted: true } });
    expect(await tocsin('--activate', '--alarm', 'nope', mine, 'none', 'nope')).toEqual({
      exitCode: 1,
      out: `activated ${mine}\n1 alarms run their actions now.\n`,
      err: left('nope') + left('none'),
    });
    expect(await tocsin('--activate', '--alarm', mine)).toMatchObject({ exitCode: 1, err: left(mine) });
  });

  test('exits 0 without --project and --alarm, also if there is no muted alarm', async () => {
    expect(await tocsin('--activate')).toEqual({ exitCode: 0, out: 'No muted alarms to activate.\n', err: '' });
  });

  test.each(['--activate', '--project=p1', '--alarm=a'])(
    '%s is refused by import aodh and import compare',
    async (option) => {
      for (const command of [
        ['aodh', '--from', 'http://127.0.0.1:1'],
        ['compare', '--with', 'http://127.0.0.1:1'],
      ]) {
        const { exitCode, err } = await tocsin(option, ...command);
        expect([exitCode, err]).toEqual([
          2,
          `error: ${option.replace(/=.*/, '')} can be used with import --activate only\n`,
        ]);
      }
    },
  );

  test('an edit of a muted alarm keeps it muted, also with muted: false', async () => {
    const id = await there.api.create(thresholdBody(), MEMBER);
    await copy();
    await here.api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ tocsin: { muted: false } }) });
    expect(await alarmOf(here, id)).toMatchObject({ tocsin: { muted: true } });
  });
});

describe('tocsin import compare', () => {
  test('lists alarms in different states and alarms that only one service has', async () => {
    const same = await there.api.create(thresholdBody());
    const differs = await there.api.create(thresholdBody({ name: 'wanders' }));
    await copy();
    expect(await tocsin('compare', '--with', there.api.url)).toEqual({
      exitCode: 0,
      out: '2 alarms in both, 0 differ\n',
      err: '',
    });
    await here.api.ask('PUT', `/v2/alarms/${differs}/state`, { body: 'alarm' });
    const late = await there.api.create(thresholdBody());
    const { exitCode, out } = await tocsin('compare', '--with', there.api.url);
    expect(exitCode).toBe(1);
    expect(out).toContain('2 alarms in both, 2 differ');
    expect(out).toMatch(new RegExp(`${differs}.*wanders.*insufficient data since .*alarm since`));
    expect(out).toMatch(new RegExp(`${late}.*missing`));
    expect(out).not.toContain(same);
  });
});

describe('tocsin import reports in one line the failure of', () => {
  test.each([
    {
      argv: ['aodh', '--from', 'http://127.0.0.1:1'],
      message: /^Aodh at http:\/\/127\.0\.0\.1:1: request for the list of alarms failed: .*ECONNREFUSED/,
    },
    {
      argv: ['--to', 'http://127.0.0.1:1', '--activate'],
      message: /^Tocsin at http:\/\/127\.0\.0\.1:1: request for v1\/imports\/activate failed/,
    },
  ])('$argv', async ({ argv, message }) => {
    await expect(tocsin(...argv)).rejects.toThrow(message);
  });

  test('only admins import', async () => {
    for (const path of ['/v1/imports', '/v1/imports/activate']) {
      expect((await here.api.ask('POST', path, { as: MEMBER, body: [] })).status).toBe(403);
    }
  });

  test.each([
    { body: {}, fault: /body\..*/ },
    { body: [{ name: 'x' }], fault: /body\.0\.alarm_id/ },
    { body: Array.from({ length: 501 }, (_, n) => ({ alarm_id: `a${n}` })), fault: /body/ },
  ])('POST /v1/imports refuses a body that is not a list of alarms: $fault', async ({ body, fault }) => {
    const answer = await here.api.ask('POST', '/v1/imports', { body });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringMatching(fault)]);
  });

  test('import without a subcommand is wrong usage', async () => {
    const { exitCode, err } = await tocsin();
    expect([exitCode, err]).toEqual([2, expect.stringContaining('one of aodh, compare and --activate is required')]);
  });
});
