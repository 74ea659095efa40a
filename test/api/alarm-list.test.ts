import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

interface Listed {
  alarm_id: string;
  name: string;
}

async function list(query: string, as = ADMIN): Promise<Listed[]> {
  const answer = await api.ask('GET', `/v2/alarms${query}`, { as });
  expect([answer.status, answer.fault]).toEqual([200, undefined]);
  return answer.json();
}

async function names(query: string, as = ADMIN): Promise<string[]> {
  return (await list(query, as)).map(({ name }) => name);
}

describe('a list', () => {
  beforeEach(async () => {
    await api.create(thresholdBody({ name: 'a', state: 'ok', severity: 'critical' }));
    await api.clock.advance(1_000);
    const a = await api.create(thresholdBody({ name: 'b', enabled: false, severity: 'low', repeat_actions: true }));
    await api.clock.advance(1_000);
    await api.create({
      name: 'c',
      type: 'combination',
      severity: 'moderate',
      combination_rule: { alarm_ids: [a, await idOf('a')] },
    });
    await api.clock.advance(1_000);
    await api.create(thresholdBody({ name: 'd' }), MEMBER);
  });

  async function idOf(name: string): Promise<string> {
    return (await list(`?q.field=name&q.value=${name}`))[0]?.alarm_id ?? '';
  }

  test.each([
    ['', ['c', 'b', 'a']],
    ['?q.field=name&q.value=b', ['b']],
    ['?q.field=name&q.op=eq&q.value=b&q.type=', ['b']],
    ['?q[0].field=name&q[0].value=b', ['b']],
    ['?q.field=type&q.value=combination', ['c']],
    ['?q.field=state&q.value=ok', ['a']],
    ['?q.field=state&q.value=insufficient%20data&sort=name', ['b', 'c']],
    ['?q.field=enabled&q.value=false', ['b']],
    ['?q.field=enabled&q.value=False', ['b']],
    ['?q.field=enabled&q.value=true&q.type=boolean&sort=name', ['a', 'c']],
    ['?q.field=repeat_actions&q.value=1', ['b']],
    ['?q.field=severity&q.value=critical', ['a']],
    ['?q.field=severity&q.value=urgent', []],
    ['?q.field=user_id&q.value=root&sort=name', ['a', 'b', 'c']],
    ['?q.field=project_id&q.value=p1', ['d']],
    ['?q.field=project_id&q.field=name&q.value=p1&q.value=a', []],
    ['?q.field=all_projects&q.value=true&sort=name', ['a', 'b', 'c', 'd']],
    ['?q.field=all_projects&q.value=false&sort=name', ['a', 'b', 'c']],
    ['?q.field=all_projects&q.value=True&q.field=project_id&q.value=p1', ['d']],
    ['?sort=name:desc', ['c', 'b', 'a']],
    ['?sort=severity', ['b', 'c', 'a']],
    ['?sort=severity:desc', ['a', 'c', 'b']],
    ['?sort=enabled:asc&sort=name:desc', ['b', 'c', 'a']],
    ['?limit=2', ['c', 'b']],
    ['?limit=0', ['c', 'b', 'a']],
  ])('%s gives %j', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  test('shows a member the own alarms only', async () => {
    expect(await names('', MEMBER)).toEqual(['d']);
    expect(await names('?q.field=all_projects&q.value=false', MEMBER)).toEqual(['d']);
    expect(await names('?q.field=project_id&q.value=p1', MEMBER)).toEqual(['d']);
    expect(await names('', STRANGER)).toEqual([]);
  });

  test('finds an alarm by the moment of its definition', async () => {
    const at =
      (await api.ask('GET', '/v2/alarms?q.field=name&q.value=b')).json<{ timestamp: string }[]>()[0]?.timestamp ?? '';
    expect(await names(`?q.field=timestamp&q.value=${at}`)).toEqual(['b']);
  });
});

describe('pages of a list', () => {
  test.each([
    '',
    'sort=name',
    'sort=severity:desc',
    'sort=enabled&sort=timestamp:desc',
    'sort=state_timestamp',
    'sort=user_id',
  ])('over alarms that are all alike, ordered by %j, neither skip nor repeat one', async (sort) => {
    for (let made = 0; made < 7; made += 1) await api.create(thresholdBody({ name: 'same' }));
    const all = (await list(`?${sort}`)).map(({ alarm_id }) => alarm_id);
    const paged: string[] = [];
    for (let marker = ''; ;) {
      const page = await list(`?${sort}&limit=3${marker && `&marker=${marker}`}`);
      paged.push(...page.map(({ alarm_id }) => alarm_id));
      if (page.length < 3) break;
      marker = page.at(-1)?.alarm_id ?? '';
    }
    expect(new Set(all).size).toBe(7);
    expect(paged).toEqual(all);
  });

  test('start only at an alarm of the list', async () => {
    const foreign = await api.create(thresholdBody(), MEMBER);
    for (const marker of ['nope', foreign]) {
      const answer = await api.ask('GET', `/v2/alarms?marker=${marker}`, { as: STRANGER });
      expect([answer.status, answer.fault]).toEqual([400, `Marker ${marker} not found.`]);
    }
  });

  test('without a limit hold everything', async () => {
    const rule = '{"period": 60, "meter_name": "m", "threshold": 1.0, "query": []}';
    await db.query(
      `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
        time_constraints,
         timestamp, created_at, state, state_reason, state_timestamp, query_key, partition)
       select 'x' || n, 'ops', 'u', 'threshold', 'n', 'd', true, $1, false, 'low', '[]', now(), now(), 'ok', '', now(),
         'k', 1
       from generate_series(1, 1203) n`,
      [rule],
    );
    expect(new Set((await list('')).map(({ alarm_id }) => alarm_id)).size).toBe(1203);
    expect(await list('?limit=1001')).toHaveLength(1001);
  });
});

describe('a list is refused', () => {
  const SORT_FAULT =
    'the sort parameter should be a pair of sort key and sort dir combined ' +
    "with ':', or only sort key specified and sort dir will be " +
    "default 'asc', the supported sort keys are: ('alarm_id', 'enabled', " +
    "'name', 'type', 'severity', 'timestamp', 'user_id', " +
    "'project_id', 'state', 'repeat_actions', 'state_timestamp')";
  const FIELD_FAULT =
    "only fields {'all_projects', 'user_id', 'project_id', 'type', 'name', 'enabled', " +
    "'state', 'severity', 'timestamp', 'repeat_actions'} are allowed";

  test.each([
    ['q.field=alarm_id&q.value=x', `Invalid input for field/attribute field. Value: '{'alarm_id'}'. ${FIELD_FAULT}`],
    [
      'q.field=name&q.op=ne&q.value=x',
      "Invalid input for field/attribute op. Value: '{'ne'}'. only operations {'eq'} are allowed",
    ],
    [
      'q.field=timestamp&q.op=gt&q.value=2026-01-01',
      "Invalid input for field/attribute op. Value: '{'gt'}'. only operations {'eq'} are allowed",
    ],
    ['q.field=name', "Invalid input for field/attribute value. Value: 'None'. Mandatory field missing."],
    ['q.value=name', "Invalid input for field/attribute q. Value: 'name'. more q.value than q.field"],
    ['q.field=all_projects&q.value=zz', 'Unable to convert the value zz to the expected data type boolean.'],
    ['q.field=enabled&q.value=x', 'Unable to convert the value x to the expected data type boolean.'],
    ['q.field=name&q.value=x&q.type=integer', 'Unable to convert the value x to the expected data type integer.'],
    [
      'q.field=name&q.value=x&q.type=bogus',
      'The data type bogus is not supported. The supported data type list is: ' +
        "['integer', 'float', 'string', 'boolean', 'datetime']",
    ],
    [
      'q.field=project_id&q.value=p1&q.field=project_id&q.value=p2',
      "Invalid input for field/attribute field. Value: '{'project_id'}'. duplicate query fields are not allowed",
    ],
    ['sort=zz', `Invalid input for field/attribute sort. Value: 'zz'. ${SORT_FAULT}`],
    ['sort=', `Invalid input for field/attribute sort. Value: ''. ${SORT_FAULT}`],
    ['sort=name,type', `Invalid input for field/attribute sort. Value: 'name,type'. ${SORT_FAULT}`],
    ['sort=name:up', `Invalid input for field/attribute sort. Value: 'name:up'. ${SORT_FAULT}`],
    ['limit=-1', "Invalid input for field/attribute limit. Value: '-1'. it should be a positive integer."],
    [
      'limit=x',
      "Invalid input for field/attribute limit. Value: 'x'. unable to convert to " +
        "int. Error: invalid literal for int() with base 10: 'x'",
    ],
    ['limit=1&limit=2', "Invalid input for field/attribute limit. Value: '1,2'. Value should be given once"],
    ['bogus=1', 'Unknown argument: "bogus"'],
    ['Limit=1', 'Unknown argument: "Limit"'],
    ['all_projects=true', 'Unknown argument: "all_projects"'],
    ['q.bogus=1', 'Unknown argument: "q.bogus"'],
    ['q=x', 'Unknown argument: "q"'],
  ])('for %s', async (query, fault) => {
    const answer = await api.ask('GET', `/v2/alarms?${query}`);
    expect([answer.status, answer.fault]).toEqual([400, fault]);
  });
});
