import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
  for (const as of [ADMIN, MEMBER, STRANGER]) await api.create(thresholdBody({ name: as['x-project-id'] }), as);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

type Verdict = [status: number, fault: string | undefined];

async function ask(path: string, raw: string, as: Caller = ADMIN): Promise<Verdict> {
  const answer = await api.ask('POST', `/v2/query/${path}`, { as, raw });
  return [answer.status, answer.fault];
}

const nested = (levels: number): string =>
  '{"not": '.repeat(levels - 1) + '{"=": {"name": "x"}}' + '}'.repeat(levels - 1);
const comparisons = (count: number): string =>
  `{"or": [${Array.from({ length: count }, () => '{"=": {"name": "x"}}').join(', ')}]}`;

const members = (count: number): string => `{"in": {"name": [${Array(count).fill('1').join(',')}]}}`;
const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('a body is refused', () => {
  test.each([
    ['', 'Missing argument: "body"'],
    ['{"bogus": 1}', 'Unknown attribute for argument body: bogus'],
    [
      '{"filter": {"=": {"name": "x"}}}',
      `Invalid input for field/attribute filter. Value: '{'=': {'name': 'x'}}'. Wrong type. ` +
        `Expected '<class 'str'>', got '<class 'dict'>'`,
    ],
    [
      '{"orderby": []}',
      `Invalid input for field/attribute orderby. Value: '[]'. Wrong type. ` +
        `Expected '<class 'str'>', got '<class 'list'>'`,
    ],
    ['{"limit": 0}', 'Limit should be positive'],
    ['{"limit": "-1"}', 'Limit should be positive'],
    [
      '{"limit": "x"}',
      "Invalid input for field/attribute limit. Value: 'x'. invalid literal for int() with base 10: 'x'",
    ],
    ['[]', "Invalid input for field/attribute body. Value: '[]'. Wrong type. Expected an object, got a list"],
    ['null', "Invalid input for field/attribute body. Value: 'None'. Wrong type. Expected an object, got None"],
    ['{', 'Request is not in valid JSON format'],
  ])('%s', async (raw, fault) => {
    expect(await ask('alarms', raw)).toEqual([400, fault]);
    expect(await ask('alarms/history', raw)).toEqual([400, fault]);
  });
});

describe('a filter is refused', () => {
  test.each([
    ['', 'it is not valid JSON'],
    ['{"=": ', 'it is not valid JSON'],
    ['null', 'None is not an object with one operator'],
    ['{}', '{} is not an object with one operator'],
    ['[]', '[] is not an object with one operator'],
    ['"name"', 'name is not an object with one operator'],
    [
      '{"=": {"name": "a"}, "!=": {"name": "b"}}',
      "{'=': {'name': 'a'}, '!=': {'name': 'b'}} is not an object with one operator",
    ],
    ['{"eq": {"name": "a"}}', 'unknown operator eq'],
    ['{"constructor": {"name": "a"}}', 'unknown operator constructor'],
    ['{"=": "name"}', '= needs an object with one field'],
    ['{"=": {}}', '= needs an object with one field'],
    ['{"=": {"name": "a", "state": "ok"}}', '= needs an object with one field'],
    ['{"=": {"bogus": "a"}}', 'unknown field bogus'],
    ['{"=": {"Name": "a"}}', 'unknown field Name'],
    ['{"=": {"__proto__": "a"}}', 'unknown field __proto__'],
    ['{"=": {"toString": "a"}}', 'unknown field toString'],
    ['{"=": {"name; drop table alarms": "a"}}', 'unknown field name; drop table alarms'],
    ['{"=": {"name": null}}', 'the value of name must be a string, a finite number or a boolean, not None'],
    ['{"=": {"name": ["a"]}}', "the value of name must be a string, a finite number or a boolean, not ['a']"],
    ['{"=": {"name": 1e999}}', 'the value of name must be a string, a finite number or a boolean, not inf'],
    ['{"=": {"name": "\\u0000"}}', 'the value of name has characters that no value has'],
    ['{"=~": {"name": "\\ud800"}}', 'the value of name has characters that no value has'],
    ['{"in": {"name": []}}', 'in needs a list of at least one value for name'],
    ['{"in": {"name": "a"}}', 'in needs a list of at least one value for name'],
    ['{"in": {"name": [null]}}', 'the value of name must be a string, a finite number or a boolean, not None'],
    ['{"and": [{"=": {"name": "a"}}]}', 'and needs a list of at least two expressions'],
    ['{"or": {"=": {"name": "a"}}}', 'or needs a list of at least two expressions'],
    ['{"not": [{"=": {"name": "a"}}]}', "[{'=': {'name': 'a'}}] is not an object with one operator"],
    ['{"=": {"enabled": "maybe"}}', 'enabled is true or false, not maybe'],
    ['{"=": {"enabled": 0.5}}', 'enabled is true or false, not 0.5'],
    ['{"like": {"enabled": "t%"}}', 'operator like does not apply to enabled'],
    ['{"=~": {"timestamp": "2026"}}', 'operator =~ does not apply to timestamp'],
    ['{"<": {"ok_actions": "a"}}', 'operator < does not apply to ok_actions'],
    ['{"<": {"severity": "urgent"}}', 'severity has no value urgent to be compared with by <'],
    ['{"like": {"name": "a\\\\"}}', 'the pattern for name ends in a backslash'],
    ['{"like": {"name": "a\\\\\\\\\\\\"}}', 'the pattern for name ends in a backslash'],
    [`{"like": {"name": "${'a'.repeat(257)}"}}`, 'a pattern for name may have at most 256 characters'],
    [
      `{"or": [{"like": {"name": "${'a'.repeat(250)}"}}, {"like": {"rule": "${'b'.repeat(251)}"}}]}`,
      'its patterns may have at most 500 characters together',
    ],
    [`{"=~": {"name": "${'a'.repeat(257)}"}}`, 'name: a regular expression may have at most 256 characters'],
    ['{"=~": {"name": "["}}', 'name: error parsing regexp: missing closing ]: `[`'],
    ['{"=~": {"name": "(?=a)"}}', 'name: error parsing regexp: invalid or unsupported Perl syntax: `(?=`'],
    ['{"=~": {"name": "(a)\\\\1"}}', 'name: error parsing regexp: invalid escape sequence: `\\1`'],
    ['{"=~": {"name": ".{600}"}}', 'name: its regular expressions are too complex'],
    [
      '{"or": [{"=~": {"name": ".{300}"}}, {"=~": {"name": ".{300}"}}]}',
      'name: its regular expressions are too complex',
    ],
    ['{"=~": {"name": "((a{30}){30}){1000}"}}', 'name: its regular expressions are too complex'],
    [
      '{"=~": {"name": "(?i)[B-\\\\x{10000}C-\\\\x{10000}D-\\\\x{10000}E-\\\\x{10000}]"}}',
      'name: its regular expressions are too complex',
    ],
    [nested(9), 'it is nested deeper than 8 levels'],
    [comparisons(101), 'it has more than 100 comparisons'],
    [`{"or": [${members(500)}, ${members(501)}]}`, 'its lists of in have more than 1000 values'],
  ])('%s', async (filter, why) => {
    expect(await ask('alarms', JSON.stringify({ filter }))).toEqual([400, `Filter expression not valid: ${why}`]);
  });

  test.each([
    ['{"filter": %}', 30_000, 'Request is nested deeper than 16 levels'],
    ['{"orderby": %}', 30_000, 'Request is nested deeper than 16 levels'],
  ])('%s that is nested %i deep', async (body, depth, fault) => {
    for (const text of [lists(depth), `[${lists(depth)}]`, `{"=": {"name": ${lists(depth)}}}`])
      expect(await ask('alarms', body.replace('%', JSON.stringify(text)))).toEqual([400, fault]);
  });

  test('that holds more values than a body', async () => {
    const filter = `{"in": {"name": [${Array(5_000).fill('1').join(',')}]}}`;
    expect(await ask('alarms', JSON.stringify({ filter }))).toEqual([400, 'Request has more than 5000 values']);
  });

  test.each(['bad', '2026-02-30', 5, true])('with the moment %j', async (value) => {
    const filter = JSON.stringify({ not: { '<': { timestamp: value } } });
    const fault = `Failed to parse the timestamp value ${value === true ? 'true' : value}`;
    expect(await ask('alarms', JSON.stringify({ filter }))).toEqual([
      400,
      expect.stringMatching(new RegExp(`^${fault}$`, 'i')),
    ]);
    expect(await ask('alarms/history', JSON.stringify({ filter }))).toEqual([
      400,
      expect.stringMatching(new RegExp(`^${fault}$`, 'i')),
    ]);
  });

  test('on history for fields that only alarms have', async () => {
    const filter = '{"=": {"name": "x"}}';
    expect(await ask('alarms/history', JSON.stringify({ filter }))).toEqual([
      400,
      'Filter expression not valid: unknown field name',
    ]);
  });
});

test.each([
  ['of 8 levels', nested(8)],
  ['of 100 comparisons', comparisons(100)],
  ['with a pattern of 256 characters', `{"=~": {"name": "${'a'.repeat(256)}"}}`],
  [
    'with a likeness of 256 characters that ends in an escaped backslash',
    `{"like": {"name": "${'a'.repeat(254)}\\\\\\\\"}}`,
  ],
  ['with hundreds of values', JSON.stringify({ in: { name: Array.from({ length: 900 }, (_, n) => `n${n}`) } })],
])('a filter %s is taken', async (_, filter) => {
  expect(await ask('alarms', JSON.stringify({ filter }))).toEqual([200, undefined]);
});

describe('an order is refused', () => {
  test.each([
    ['', 'it is not valid JSON'],
    ['{}', 'it is not a list'],
    ['["name"]', 'name is not an object with one field'],
    ['[{}]', '{} is not an object with one field'],
    ['[{"name": "asc", "type": "asc"}]', "{'name': 'asc', 'type': 'asc'} is not an object with one field"],
    ['[{"bogus": "asc"}]', 'unknown field bogus'],
    ['[{"name": "up"}]', 'the direction of name is asc or desc, not up'],
    ['[{"name": 1}]', 'the direction of name is asc or desc, not 1'],
    [JSON.stringify(Array.from({ length: 6 }, () => ({ name: 'asc' }))), 'it has more than 5 fields'],
  ])('%s', async (orderby, why) => {
    expect(await ask('alarms', JSON.stringify({ orderby }))).toEqual([400, `Order-by expression not valid: ${why}`]);
  });
});

describe('visibility of rows', () => {
  const OTHERS = 'Not Authorized to access project p2';
  const foreign = (field: string): unknown[] => [
    { '=': { [field]: 'p2' } },
    { '!=': { [field]: 'p2' } },
    { '>': { [field]: 'p2' } },
    { like: { [field]: 'p2' } },
    { '=~': { [field]: 'p2' } },
    { in: { [field]: ['p1', 'p2'] } },
    { not: { '=': { [field]: 'p2' } } },
    { Not: { IN: { [field]: ['p2'] } } },
    { or: [{ '=': { [field]: 'p1' } }, { '=': { [field]: 'p2' } }] },
    { and: [{ '=': { type: 'threshold' } }, { not: { or: [{ '=': { type: 'x' } }, { '=': { [field]: 'p2' } }] } }] },
  ];

  test.each([...foreign('project_id'), ...foreign('project')])(
    '%j is refused to members of p1, and not to an admin',
    async (filter) => {
      const raw = JSON.stringify({ filter: JSON.stringify(filter) });
      expect(await ask('alarms', raw, MEMBER)).toEqual([401, OTHERS]);
      expect(await ask('alarms', raw, READER)).toEqual([401, OTHERS]);
      expect(await ask('alarms', raw, ADMIN)).toEqual([200, undefined]);
    },
  );

  test.each(foreign('on_behalf_of'))(
    '%j on history is refused to members of p1, and not to an admin',
    async (filter) => {
      const raw = JSON.stringify({ filter: JSON.stringify(filter) });
      expect(await ask('alarms/history', raw, READER)).toEqual([401, OTHERS]);
      expect(await ask('alarms/history', raw, ADMIN)).toEqual([200, undefined]);
    },
  );

  test('a pattern that is another’s project too', async () => {
    const raw = JSON.stringify({ filter: '{"=~": {"project_id": ".*"}}' });
    expect(await ask('alarms', raw, MEMBER)).toEqual([401, 'Not Authorized to access project .*']);
  });

  test.each<[unknown, string[]]>([
    [undefined, ['p1']],
    [{ '=': { project_id: 'p1' } }, ['p1']],
    [{ in: { project: ['p1'] } }, ['p1']],
    [{ not: { '=': { project_id: 'p1' } } }, []],
    [{ or: [{ '!=': { name: 'p1' } }, { '=': { project_id: 'p1' } }] }, ['p1']],
    [{ '!=': { alarm_id: 'x' } }, ['p1']],
    [{ not: { '=~': { name: 'p1' } } }, []],
    [{ '=~': { name: '' } }, ['p1']],
  ])('%j shows a member of p1 nothing that is another’s', async (filter, expected) => {
    const body = filter === undefined ? {} : { filter: JSON.stringify(filter) };
    const alarms = await api.ask('POST', '/v2/query/alarms', { as: MEMBER, body });
    expect(alarms.json<{ project_id: string }[]>().map(({ project_id }) => project_id)).toEqual(expected);
  });

  test('history of another project is not visible, even if the caller made the change', async () => {
    const body = { filter: '{"=": {"project_id": "p2"}}' };
    expect((await api.ask('POST', '/v2/query/alarms/history', { as: MEMBER, body })).text).toBe('[]');
    const own = await api.ask('POST', '/v2/query/alarms/history', { as: READER, body: {} });
    expect(own.json<{ on_behalf_of: string }[]>().map(({ on_behalf_of }) => on_behalf_of)).toEqual(['p1']);
  });

  test('a caller without role or project is refused, after an invalid body', async () => {
    const nobody: Caller = { 'x-user-id': 'u', 'x-project-id': 'p1', 'x-roles': 'other' };
    const homeless: Caller = { 'x-user-id': 'u', 'x-roles': 'member' };
    for (const as of [nobody, homeless]) {
      expect(await ask('alarms', '{}', as)).toEqual([403, 'RBAC Authorization Failed']);
      expect(await ask('alarms', '{"filter": "{"}', as)).toEqual([403, 'RBAC Authorization Failed']);
      expect(await ask('alarms', '{"bogus": 1}', as)).toEqual([400, 'Unknown attribute for argument body: bogus']);
    }
  });
});

test.each([
  ['GET', '/v2/query', ''],
  ['POST', '/v2/query', ''],
  ['GET', '/v2/query/', ''],
  ['GET', '/v2/query/alarms', 'POST'],
  ['PUT', '/v2/query/alarms', 'POST'],
  ['GET', '/v2/query/alarms/history', 'POST'],
  ['DELETE', '/v2/query/alarms/history', 'POST'],
])('%s %s is not allowed', async (method, path, allow) => {
  const answer = await api.ask(method, path);
  expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
  expect(answer.fault).toContain(`The method ${method} is not allowed for this resource.`);
});
