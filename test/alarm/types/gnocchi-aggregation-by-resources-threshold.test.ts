import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { gnocchiAggregationByResourcesThreshold as kind } from '../../../src/alarm/types/gnocchi-aggregation-by-resources-threshold/index.js';

const FIELDS = { metric: 'cpu', resource_type: 'instance', aggregation_method: 'mean', threshold: 5 };
const SEARCH = '{"=": {"server_group": "g"}}';

function narrowed(query: string, projectId: string | null, externalOwner?: string | null): string {
  const rule = kind.schema.parse({ ...FIELDS, query });
  return kind.scopedTo(rule, externalOwner === undefined ? { projectId } : { projectId, externalOwner }).query;
}

function faultsOf(query: string): string[] | undefined {
  return kind.schema.safeParse({ ...FIELDS, query }).error?.issues.map(({ message }) => message);
}

const alone = (project: string, search = SEARCH): string =>
  `{"and": [{"=": {"created_by_project_id": "${project}"}}, ${search}]}`;
const withOwner = (project: string, owner: string, search = SEARCH): string =>
  `{"and": [{"or": [{"=": {"created_by_project_id": "${project}"}}, {"and": ` +
  `[{"=": {"created_by_project_id": "${owner}"}}, ` +
  `{"=": {"project_id": "${project}"}}]}]}, ${search}]}`;

describe('the search of a tenant', () => {
  test.each([
    ['its own resources', SEARCH, null, alone('p1')],
    ['its own resources, if the external owner is unknown', SEARCH, undefined, alone('p1')],
    ['its own resources and those that another service created for it', SEARCH, 'svc', withOwner('p1', 'svc')],
    ['its own, written as Python spaces it', ' {"=":{"server_group":\n"g"} } ', 'svc', withOwner('p1', 'svc')],
    ['its own, in ASCII', '{"=":{"name":"東"}}', null, alone('p1', '{"=": {"name": "\\u6771"}}')],
    [
      'its own, numbers as they were',
      '{"=":{"n":12345678901234567890.0}}',
      null,
      alone('p1', '{"=": {"n": 12345678901234567890.0}}'),
    ],
    [
      'its own, colons in texts as they were',
      '{"=":{"a,b":"c:d\\"e"}}',
      null,
      alone('p1', '{"=": {"a,b": "c:d\\"e"}}'),
    ],
  ])('is narrowed to %s', (_, query, owner, expected) => {
    expect(narrowed(query, 'p1', owner)).toBe(expected);
  });

  test('stays as it is for an admin', () => {
    expect(narrowed('{"=":{"server_group":"g"}}', null, 'svc')).toBe('{"=":{"server_group":"g"}}');
  });

  test.each([
    ['the same', withOwner('p1', 'svc'), 'svc', withOwner('p1', 'svc')],
    ['one without the service', alone('p1'), 'svc', withOwner('p1', 'svc')],
    ['one with the service, now unknown', withOwner('p1', 'svc'), null, alone('p1')],
    ['one with a service of another id', withOwner('p1', 'old'), 'svc', withOwner('p1', 'svc')],
    ['one in other spacing', withOwner('p1', 'svc').replaceAll(' ', ''), 'svc', withOwner('p1', 'svc')],
    [
      'three, as Aodh piles them up',
      withOwner('p1', 'svc', alone('p1', withOwner('p1', 'svc'))),
      'svc',
      withOwner('p1', 'svc'),
    ],
  ])('has its condition once, after %s', (_, query, owner, expected) => {
    expect(narrowed(query, 'p1', owner)).toBe(expected);
  });

  test.each([
    ['of another project', withOwner('p2', 'svc')],
    ['of another project, alone', alone('p2')],
    [
      'whose second half names another project',
      withOwner('p1', 'svc').replace('"project_id": "p1"', '"project_id": "p2"'),
    ],
    ['of three parts', alone('p1', `${SEARCH}, ${SEARCH}`)],
    ['that is an alternative', alone('p1').replace('{"and"', '{"or"')],
    ['without a search behind it', '{"and": [{"=": {"created_by_project_id": "p1"}}]}'],
    ['that lies deeper', `{"not": ${alone('p1')}}`],
    ['about another attribute', alone('p1').replace('created_by_project_id', 'project_id')],
    ['with more beside it', alone('p1').replace(/\}$/, ', "or": []}')],
  ])('is narrowed as any other if it contains a condition %s', (_, query) => {
    expect(narrowed(query, 'p1', 'svc')).toBe(withOwner('p1', 'svc', query));
  });

  test('is always inside its own condition', () => {
    const names = fc.constantFrom('p1', 'p2', 'svc', '"', '\\', 'é');
    const search = fc.letrec((tie) => ({
      node: fc.oneof(
        fc.record({ '=': fc.record({ created_by_project_id: names }) }),
        fc.record({ '=': fc.record({ project_id: names }) }),
        fc.record({ and: fc.array(tie('node'), { maxLength: 3 }) }),
        fc.record({ or: fc.array(tie('node'), { maxLength: 3 }) }),
      ),
    })).node; // prettier-ignore
    fc.assert(
      fc.property(search, names, fc.option(names), (query, project, owner) => {
        const once = narrowed(JSON.stringify(query), project, owner);
        const { and } = JSON.parse(once) as { and: unknown[] };
        const created = (name: string) => ({ '=': { created_by_project_id: name } });
        const forIt = owner === null ? [] : [{ and: [created(owner), { '=': { project_id: project } }] }];
        expect(and).toHaveLength(2);
        expect(and[0]).toEqual(owner === null ? created(project) : { or: [created(project), ...forIt] });
        expect(narrowed(once, project, owner)).toBe(once);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a search', () => {
  test.each(['null', '5', '"x"', '[]', '{}'])('may be any JSON: %s', (query) => {
    expect(faultsOf(query)).toBeUndefined();
  });

  test.each(['bad', '', '{', "{'=': {}}", '{"=": NaN}'])('must be JSON: %j is refused', (query) => {
    expect(faultsOf(query)).toEqual([`Invalid input for field/attribute rule/query. Value: '${query}'. `]);
  });

  const sized = (length: number): string => `"${'x'.repeat(length - 2)}"`;
  const TOO_LONG = ['Value should have a maximum character requirement of 4096'];

  test.each([
    ['4,096 characters', sized(4096), undefined],
    ['4,096 characters below its condition', withOwner('p'.repeat(128), 's'.repeat(128), sized(4096)), undefined],
    ['4,096 characters below many conditions', alone('p1', alone('p1', withOwner('p1', 's', sized(4096)))), undefined],
    ['one character more', sized(4097), TOO_LONG],
    ['one character more, below its condition', alone('p1', sized(4097)), TOO_LONG],
    ['many blanks', `${sized(2000)}${' '.repeat(2097)}`, TOO_LONG],
    ['characters that make more than 4,096 in ASCII', sized(1000).replaceAll('x', 'é'), TOO_LONG],
    [
      'alternating conditions of two projects',
      alone('p1', alone('p2', alone('p1', alone('p2', sized(4000))))),
      TOO_LONG,
    ],
    ['far too much', sized(20_000), TOO_LONG],
  ])('of %s', (_, query, faults) => {
    expect(faultsOf(query)).toEqual(faults);
  });

  test('keeps the outermost condition of several for one project', () => {
    expect(narrowed(withOwner('p1', 'a', alone('p1')), null)).toBe(withOwner('p1', 'a'));
    expect(narrowed(alone('p1', alone('p2')), null)).toBe(alone('p1', alone('p2')));
    const ownWork = alone('p1', alone('p1', `${SEARCH}, ${SEARCH}`));
    expect(narrowed(ownWork, null)).toBe(ownWork);
    expect(narrowed(ownWork, 'p1', null)).toBe(ownWork);
  });
});

describe('the search that is sent to Gnocchi', () => {
  const asked = (query: string): string => {
    const [need] = kind.seriesNeeded(kind.schema.parse({ ...FIELDS, query }), {});
    return (need!.query as { search: string }).search;
  };

  test('is the stored one', () => {
    for (const query of [SEARCH, alone('p1'), withOwner('p1', 'svc'), ` {"=":{"server_group":\n"a_%"} } `])
      expect(asked(query)).toBe(query);
  });

  test.each([
    ['alone', alone('a_1'), alone('a\\\\_1')],
    [
      'beside another service',
      withOwner('a_1', '100%'),
      withOwner('a\\\\_1', '100\\\\%').replace('"project_id": "a\\\\_1"', '"project_id": "a_1"'),
    ],
  ])('escapes the project’s id, which is not a pattern: %s', (_, stored, expected) => {
    expect(asked(stored)).toBe(expected);
  });

  test('keeps patterns that the author of the search wrote', () => {
    const own = '{"=": {"created_by_project_id": "x%"}}';
    expect(asked(own)).toBe(own);
    expect(asked(alone('p_1', own))).toBe(alone('p\\\\_1', own));
  });
});
