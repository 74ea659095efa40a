import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  MEMBER,
  READER,
  startApi,
  STRANGER,
  thresholdBody,
  type Answered,
  type Caller,
  type TestApi,
} from '../support/api.js';
import { embeddedDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;
let start: string;

/** Four alarms, a second apart: `a` and `b` of an admin, `c` of a member, `d` of another project. */
beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
  start = moment();
  const actions = { ok_actions: ['HTTP://up.example/ok', 'test://'], alarm_actions: ['http://h/100%_sure'] };
  await api.create(thresholdBody({ name: 'a', state: 'ok', severity: 'critical', description: 'x.y', ...actions }));
  await api.clock.advance(1_000);
  const rule = { meter_name: 'disk', threshold: 7 };
  await api.create(thresholdBody({ name: 'b', enabled: false, repeat_actions: true, threshold_rule: rule }));
  await api.clock.advance(1_000);
  const night = { name: 'night', start: '0 23 * * *', duration: 3600 };
  await api.create(
    thresholdBody({ name: 'c', severity: 'moderate', time_constraints: [night], ok_actions: null }),
    MEMBER,
  );
  await api.clock.advance(1_000);
  await api.create(thresholdBody({ name: 'd' }), STRANGER);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

function moment(): string {
  return api.clock.now().toISOString().slice(0, 19);
}

interface Asked {
  filter?: unknown;
  orderby?: unknown;
  limit?: unknown;
}

/** The expressions as clients send them: JSON within JSON. */
function bodyOf({ filter, orderby, limit }: Asked): Record<string, unknown> {
  return {
    ...(filter === undefined ? {} : { filter: JSON.stringify(filter) }),
    ...(orderby === undefined ? {} : { orderby: JSON.stringify(orderby) }),
    ...(limit === undefined ? {} : { limit }),
  };
}

function query(asked: Asked, as: Caller = ADMIN): Promise<Answered> {
  return api.ask('POST', '/v2/query/alarms', { as, body: bodyOf(asked) });
}

async function names(asked: Asked, as: Caller = ADMIN): Promise<string> {
  const answer = await query({ orderby: [{ name: 'asc' }], ...asked }, as);
  expect([answer.status, answer.fault]).toEqual([200, undefined]);
  return answer
    .json<{ name: string }[]>()
    .map(({ name }) => name)
    .join('');
}

describe('a filter on alarms finds', () => {
  test.each<[unknown, string]>([
    [{ '=': { name: 'a' } }, 'a'],
    [{ '!=': { name: 'a' } }, 'bcd'],
    [{ '<': { name: 'b' } }, 'a'],
    [{ '<=': { name: 'b' } }, 'ab'],
    [{ '=<': { name: 'b' } }, 'ab'],
    [{ '>': { name: 'b' } }, 'cd'],
    [{ '>=': { name: 'b' } }, 'bcd'],
    [{ '=>': { name: 'b' } }, 'bcd'],
    [{ in: { name: ['a', 'c', 'zz', 1] } }, 'ac'],
    [{ like: { description: '_._' } }, 'a'],
    [{ like: { description: 'x_' } }, ''],
    [{ like: { description: 'x%' } }, 'a'],
    [{ '=~': { name: '[bc]' } }, 'bc'],
    [{ '=~': { description: '\\.y$' } }, 'a'],
    [{ '=~': { state: '^insufficient' } }, 'bcd'],
    [{ '=~': { name: '' } }, 'abcd'],
    [{ '=': { name: true } }, ''],
    [{ '=': { type: 'threshold' } }, 'abcd'],
    [{ '=': { state: 'ok' } }, 'a'],
    [{ like: { state_reason: 'Not evaluated%' } }, 'abcd'],
    [{ '=': { user: 'u1' } }, 'c'],
    [{ '=': { user_id: 'u1' } }, 'c'],
    [{ '=': { project: 'p2' } }, 'd'],
    [{ in: { project_id: ['p1', 'p2'] } }, 'cd'],
    [{ '=': { enabled: false } }, 'b'],
    [{ '=': { enabled: 'False' } }, 'b'],
    [{ '!=': { enabled: 'true' } }, 'b'],
    [{ '<': { enabled: true } }, 'b'],
    [{ in: { enabled: ['true', 0] } }, 'abcd'],
    [{ '=': { repeat_actions: 1 } }, 'b'],
    [{ '=': { severity: 'critical' } }, 'a'],
    [{ '=': { severity: 'urgent' } }, ''],
    [{ '!=': { severity: 'urgent' } }, 'abcd'],
    [{ '>': { severity: 'low' } }, 'ac'],
    [{ '<=': { severity: 'moderate' } }, 'bcd'],
    [{ in: { severity: ['low', 'critical'] } }, 'abd'],
    [{ like: { severity: '%o%' } }, 'bcd'],
    [{ '=~': { severity: '^[cm]' } }, 'ac'],
    [{ '=': { ok_actions: 'test://' } }, 'a'],
    [{ '!=': { ok_actions: 'test://' } }, 'bcd'],
    [{ in: { ok_actions: ['x', 'HTTP://up.example/ok'] } }, 'a'],
    [{ like: { alarm_actions: '%100\\%\\_sure' } }, 'a'],
    [{ like: { alarm_actions: '%100\\%x%' } }, ''],
    [{ '=~': { alarm_actions: 'h/\\d+' } }, 'a'],
    [{ '=': { insufficient_data_actions: 'test://' } }, ''],
    [{ like: { rule: '%"meter_name": "disk"%' } }, 'b'],
    [{ '=~': { rule: '"threshold": 80\\.0' } }, 'acd'],
    [{ '=~': { time_constraints: 'night' } }, 'c'],
    [{ '=': { time_constraints: '[]' } }, 'abd'],
    [{ '>': { timestamp: '1999-12-31' } }, 'abcd'],
    [{ '<': { state_timestamp: '1999-12-31' } }, ''],
    [{ '>=': { evaluate_timestamp: '1999-12-31T00:00' } }, 'abcd'],
    [{ AND: [{ '=': { enabled: true } }, { Or: [{ '=': { name: 'a' } }, { IN: { name: ['b', 'c'] } }] }] }, 'ac'],
    [{ not: { '=': { name: 'a' } } }, 'bcd'],
    [{ nOt: { '=~': { name: '[ab]' } } }, 'cd'],
    [{ not: { not: { '=~': { name: '[ab]' } } } }, 'ab'],
    [{ or: [{ '=~': { name: 'a' } }, { not: { or: [{ '=~': { name: 'b' } }, { '=': { name: 'c' } }] } }] }, 'ad'],
  ])('%j: %j', async (filter, expected) => {
    expect(await names({ filter })).toBe(expected);
  });

  test.each([
    ['', '', 'a'],
    ['Z', '', 'a'],
    ['.000', '', 'a'],
    // Aodh takes offsets off without using them.
    ['+02:00', '', 'a'],
    ['', '2000-01-01T00:00:00', ''],
  ])('an alarm by its moment, written with %j', async (zone, other, expected) => {
    expect(await names({ filter: { '=': { timestamp: other || start + zone } } })).toBe(expected);
    expect(await names({ filter: { in: { state_timestamp: [other || start + zone] } } })).toBe(expected);
  });
});

describe('the order of an answer', () => {
  test.each<[unknown, string]>([
    [undefined, 'dcba'],
    [[], 'dcba'],
    [[{ name: 'desc' }], 'dcba'],
    [[{ timestamp: 'ASC' }], 'abcd'],
    [[{ severity: 'asc' }, { name: 'Desc' }], 'dbca'],
    [[{ severity: 'desc' }, { name: 'asc' }], 'acbd'],
    [[{ enabled: 'asc' }, { user: 'asc' }], 'bacd'],
    [[{ ok_actions: 'desc' }, { name: 'asc' }], 'abcd'],
    [[{ name: 'asc' }, { name: 'desc' }], 'abcd'],
  ])('with orderby %j is %s', async (orderby, expected) => {
    expect(await names({ orderby })).toBe(expected);
  });

  test.each<[unknown, string]>([
    [2, 'dc'],
    ['1', 'd'],
    [1.5, 'd'],
    [100, 'dcba'],
    [null, 'dcba'],
  ])('ends at the limit %j', async (limit, expected) => {
    expect(await names({ orderby: [{ timestamp: 'desc' }], limit })).toBe(expected);
    expect(await names({ orderby: [{ timestamp: 'desc' }], limit, filter: { '=~': { name: '.' } } })).toBe(expected);
  });
});

describe('what clients send', () => {
  test.each<[string, string]>([
    ['{"filter": "{\\"=\\": {\\"name\\": \\"a\\"}}"}', 'a'],
    [
      '{"filter": "{\\"and\\": [{\\"or\\": [{\\"!=\\": {\\"state\\": \\"ok\\"}}, {\\"=\\": ' +
        '{\\"severity\\": \\"low\\"}}]}, {\\"=\\": {\\"name\\": \\"b\\"}}]}"}',
      'b',
    ],
    ['{"filter": "{\\"not\\": {\\"=\\": {\\"name\\": \\"a\\"}}}"}', 'dcb'],
    ['{"filter": "{\\"=\\": {\\"enabled\\": false}}"}', 'b'],
    ['{"filter": null}', 'dcba'],
    ['{"filter": null, "orderby": null, "limit": null}', 'dcba'],
    ['{}', 'dcba'],
  ])('%s is answered with %s', async (raw, expected) => {
    const answer = await api.ask('POST', '/v2/query/alarms/', { raw });
    expect(
      answer
        .json<{ name: string }[]>()
        .map(({ name }) => name)
        .join(''),
    ).toBe(expected);
  });

  test('an alarm is the same as in other answers, with its actions as they were given', async () => {
    const [found] = (await query({ filter: { '=': { name: 'a' } } })).json<Record<string, unknown>[]>();
    const shown = (await api.ask('GET', `/v2/alarms/${String(found?.['alarm_id'])}`)).json();
    expect(found).toEqual({ ...shown, ok_actions: ['HTTP://up.example/ok', 'test://'] });
    expect(shown).toMatchObject({ ok_actions: ['http://up.example/ok', 'test:'] });
  });
});

describe('history', () => {
  async function found(asked: Asked, as: Caller = ADMIN): Promise<string[]> {
    const answer = await api.ask('POST', '/v2/query/alarms/history', { as, body: bodyOf(asked) });
    expect([answer.status, answer.fault]).toEqual([200, undefined]);
    return answer
      .json<{ type: string; on_behalf_of: string }[]>()
      .map(({ type, on_behalf_of }) => `${type} ${on_behalf_of}`);
  }

  test.each<[Asked, string[]]>([
    [{}, ['creation p2', 'creation p1', 'creation ops', 'creation ops']],
    [{ filter: { '=': { type: 'creation' } }, limit: 1 }, ['creation p2']],
    [{ filter: { '=': { on_behalf_of: 'p1' } } }, ['creation p1']],
    [{ filter: { '=': { project: 'p1' } } }, ['creation p1']],
    [{ filter: { '=': { user: 'u2' } } }, ['creation p2']],
    [{ filter: { '=~': { detail: '"name": "c"' } } }, ['creation p1']],
    [{ filter: { '>': { severity: 'moderate' } } }, ['creation ops']],
    [{ filter: { '<': { timestamp: '2000-01-01' } } }, []],
    [{ orderby: [{ on_behalf_of: 'desc' }, { event_id: 'asc' }], limit: 2 }, ['creation p2', 'creation p1']],
    [{ orderby: [{ severity: 'desc' }], limit: 1 }, ['creation ops']],
  ])('with %j is %j', async (asked, expected) => {
    expect(await found(asked)).toEqual(expected);
  });

  test('has the entries of deleted alarms', async () => {
    const id = await api.create(thresholdBody({ name: 'gone' }), MEMBER);
    await api.clock.advance(1_000);
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER });
    expect(await found({ filter: { '=': { alarm_id: id } } }, READER)).toEqual(['deletion p1', 'creation p1']);
    expect(await names({ filter: { '=': { alarm_id: id } } })).toBe('');
  });
});

describe('many alarms', () => {
  test(
    'come whole, however many, also through a pattern, and ' + 'patterns that hang other engines do not hang',
    async () => {
      const crowd = await embeddedDatabase();
      const other = await startApi(crowd);
      await crowd.query(
        `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
        time_constraints,
         timestamp, created_at, state, state_reason, state_timestamp, query_key, partition)
       select 'x' || n, 'p1', 'u', 'threshold', repeat('a', 250) || n, repeat('a', 2000) || '!', true, $1, false,
         'low', '[]', now(), now(),
         'ok', '', now(), 'k', 1
       from generate_series(1, 1203) n`,
        ['{"period": 60, "meter_name": "m", "threshold": 1.0, "query": []}'],
      );
      const count = async (asked: Asked): Promise<[number, number]> => {
        const answer = await other.ask('POST', '/v2/query/alarms', { as: READER, body: bodyOf(asked) });
        const ids = answer.json<{ alarm_id: string }[]>().map(({ alarm_id }) => alarm_id);
        return [ids.length, new Set(ids).size];
      };
      expect(await count({})).toEqual([1203, 1203]);
      expect(await count({ orderby: [{ severity: 'asc' }] })).toEqual([1203, 1203]);
      expect(await count({ filter: { not: { '=~': { name: '7$' } } } })).toEqual([1083, 1083]);
      expect(await count({ filter: { '=~': { name: '7$' } }, limit: 100 })).toEqual([100, 100]);
      for (const evil of ['(a+)+$', '^(a|a)*$', '(a|aa)+$', '^(([a-z])+.)+[A-Z]([a-z])+$', '(.*a){20}$', '(a*)*b']) {
        expect(await count({ filter: { '=~': { description: evil } } })).toEqual([0, 0]);
      }
      await other.close();
      await crowd.close();
    },
  );
});
