import { describe, expect, test } from '@jest/globals';

import { aggregated } from '../../../src/datasource/gnocchi/queries/local-aggregate.js';
import { momentOf } from '../../../src/datasource/gnocchi/client/measures.js';
import { variantsOf } from '../../../src/datasource/gnocchi/queries/mergeable-search.js';
import { mayRead, projectFilter } from '../../../src/datasource/gnocchi/project-scope.js';
import { resourceUuid } from '../../../src/datasource/gnocchi/client/resource-id.js';

const UUID = '97d4fe33-b3a2-4d16-8fef-00000000000a';

describe('the id of a resource', () => {
  test.each([
    [UUID, UUID],
    [UUID.toUpperCase(), UUID],
    [`urn:uuid:${UUID}`, UUID],
    [`{${UUID.replaceAll('-', '')}}`, UUID],
    ['instance-7', '7a9100fb-6c95-5e68-979b-3be5757f5269'],
    ['a/b', null],
    ['', null],
    ['..', null],
    ['x'.repeat(256), null],
  ])('%p is %p to Gnocchi', (id, expected) => {
    expect(resourceUuid(id, 'admin')).toBe(expected);
  });

  test('is known to Gnocchi alone if its name of this service is unknown', () => {
    expect(resourceUuid('instance-7', undefined)).toBeUndefined();
    expect(resourceUuid(UUID, undefined)).toBe(UUID);
  });
});

describe('a search can be merged by', () => {
  const stack = { '=': { server_group: 's' } };
  test.each<[string, unknown, string[]]>([
    ['its only condition', stack, ['server_group']],
    ['each of its conditions', { and: [stack, { '=': { project_id: 'p' } }] }, ['server_group', 'project_id']],
    ['a condition deep among others', { and: [{ '=': { ended_at: null } }, { and: [stack] }] }, ['server_group']],
    ['no attribute that occurs twice', { and: [stack, { '=': { server_group: 't' } }] }, []],
    ['nothing under "or"', { or: [stack] }, []],
    ['nothing under "not"', { and: [{ not: stack }] }, []],
    ['no attribute that is not plainly compared', { '=': { created_by_project_id: 'p' } }, []],
    ['no attribute that no address can hold', { '=': { '\ud800': 'x' } }, []],
    ['no value that is no text', { '=': { flavor: 7 } }, []],
    ['texts in which numbers stand', { '=': { id_of: '0e5a7e44-10b1-426f-1234567890123456' } }, ['id_of']],
    ['nothing where there is nothing', {}, []],
  ])('%s', (_, search, attributes) => {
    expect(variantsOf(JSON.stringify(search)).map(({ attribute }) => attribute)).toEqual(attributes);
  });

  test.each(['12345678901234567890', '1e3', '1E3'])('no attribute if numbers would change: %s', (number) => {
    expect(variantsOf(`{"and": [${JSON.stringify(stack)}, {"=": {"n": ${number}}}]}`)).toEqual([]);
  });

  test('a condition on any of the values', () => {
    const [variant] = variantsOf(JSON.stringify({ and: [stack, { '=': { ended_at: null } }] }));
    expect(variant!.searchFor(['s', 't'])).toEqual({
      and: [{ in: { server_group: ['s', 't'] } }, { '=': { ended_at: null } }],
    });
  });
});

describe('a project', () => {
  test.each<[string, Parameters<typeof mayRead>, boolean]>([
    ['may read what it created', ['p', { created_by_project_id: 'p' }, null], true],
    ['may not read what others created', ['p', { created_by_project_id: 'q', project_id: 'p' }, 'svc'], false],
    [
      'may read its own metrics among those created for all projects',
      ['p', { created_by_project_id: 'svc', project_id: 'p' }, 'svc'],
      true,
    ],
    ['may not read others’ of that', ['p', { created_by_project_id: 'svc', project_id: 'q' }, 'svc'], false],
    [
      'may read nothing where creators have no projects',
      ['p', { created_by_project_id: '', project_id: 'p' }, ''],
      false,
    ],
    ['without a name may read nothing', ['', { created_by_project_id: '', project_id: '' }, null], false],
  ])('%s', (_, question, expected) => {
    expect(mayRead(...question)).toBe(expected);
  });

  test('is compared as it is, not as a pattern', () => {
    expect(projectFilter('a_b%', null)).toEqual({ '=': { created_by_project_id: 'a\\_b\\%' } });
    expect(projectFilter(null, 'svc')).toBeUndefined();
  });
});

describe('an aggregate across series', () => {
  const series = [
    [1, 10],
    [2, 20],
    [4, 40],
  ].map(([at, value]) => ({ at: at!, values: { value: value! } }));
  const other = [
    [2, 40],
    [3, 30],
  ].map(([at, value]) => ({ at: at!, values: { value: value! } }));
  test.each<[string, [number, number][]]>([
    [
      'sum',
      [
        [1, 10],
        [2, 60],
        [3, 30],
        [4, 40],
      ],
    ],
    [
      'count',
      [
        [1, 1],
        [2, 2],
        [3, 1],
        [4, 1],
      ],
    ],
    [
      'var',
      [
        [1, 0],
        [2, 100],
        [3, 0],
        [4, 0],
      ],
    ],
    [
      'rate:sum',
      [
        [2, 50],
        [3, -30],
        [4, 10],
      ],
    ],
  ])('by %s uses the values that exist at each time', (method, expected) => {
    const points = expected.map(([at, value]) => ({ at, values: { value } }));
    expect(aggregated([series, other], method)).toEqual(points);
  });
});

describe('a timestamp', () => {
  test.each([
    ['2015-03-06T14:33:00+00:00', Date.UTC(2015, 2, 6, 14, 33)],
    ['2015-03-31T14:33:00+00:00', Date.UTC(2015, 2, 31, 14, 33)],
    ['2015-03-06T14:33:00.250000+00:00', Date.UTC(2015, 2, 6, 14, 33, 0, 250)],
    ['2015-02-30T14:33:00+00:00', Number.NaN],
    ['2015-03-06T24:33:00+00:00', Number.NaN],
    ['2015-03', Number.NaN],
    [1425652380, Number.NaN],
    [null, Number.NaN],
  ])('%p is parsed strictly', (text, expected) => {
    expect(momentOf(text)).toBe(expected);
  });
});
