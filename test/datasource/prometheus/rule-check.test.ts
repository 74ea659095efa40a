import { describe, expect, test } from '@jest/globals';

import { alarmTypes, typeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import {
  createPrometheusRuleCheck,
  type PrometheusRuleCheckOptions,
} from '../../../src/datasource/prometheus/rule-check.js';
import type { AppError } from '../../../src/errors.js';

const MEMBER = { isAdmin: false };
const ADMIN = { isAdmin: true };
const BROKEN = 'up{';

function promql(query: string): AlarmRule {
  return alarmTypes.prometheus.schema.parse({ query, threshold: 1 });
}

function leafOf(query: string): AlarmRule {
  return alarmTypes.composite.schema.parse({ or: [{ and: [{ type: 'prometheus', query, threshold: 1 }] }] });
}

function within(project: string | null, rule: AlarmRule): AlarmRule {
  return typeOf(rule).scopedTo(rule, { projectId: project });
}

/** The problem; null if there is none. */
function problem(
  rule: AlarmRule,
  author: { isAdmin: boolean },
  options: Partial<PrometheusRuleCheckOptions> = {},
): unknown[] | null {
  const check = createPrometheusRuleCheck({
    tenancy: 'label',
    projectLabel: 'project',
    setting: 'prometheus.tenancy',
    isConfigured: true,
    ...options,
  });
  try {
    check(rule, author);
    return null;
  } catch (thrown) {
    return [(thrown as AppError).code, (thrown as AppError).message];
  }
}

describe.each([
  ['a prometheus rule', promql],
  ['a leaf of a composite rule', leafOf],
])('%s', (_, ruleOf) => {
  test('that can be limited to its project is accepted', () => {
    expect(problem(within('p1', ruleOf('sum(rate(requests[5m] offset 1m)) > 5')), MEMBER)).toBeNull();
  });

  test('of an author who is not an admin, which cannot be parsed, is refused with the problem', () => {
    const found = problem(within('p1', ruleOf(BROKEN)), MEMBER);
    expect(found).toEqual([
      'invalid_request',
      expect.stringMatching(/^Invalid input for field\/attribute query\. Value: 'up\{'\. [A-Z]/),
    ]);
  });

  test('of an admin for a project must be limited to it too', () => {
    expect(problem(within('p1', ruleOf(BROKEN)), ADMIN)).toMatchObject(['invalid_request', expect.any(String)]);
  });

  test.each<[string, Partial<PrometheusRuleCheckOptions>, string | null]>([
    ['of an admin who reads the data of all projects', {}, null],
    ['where no Prometheus is configured', { isConfigured: false }, 'p1'],
    ['where a header names the project', { tenancy: 'header' }, 'p1'],
  ])('that cannot be parsed is accepted %s', (__, options, project) => {
    expect(problem(within(project, ruleOf(BROKEN)), ADMIN, options)).toBeNull();
  });

  test('is refused if nothing keeps projects apart, except for admins', () => {
    const options = { tenancy: 'none', setting: 'prometheus.others.east.tenancy' } as const;
    const text =
      'Only admins may create prometheus rules, since ' +
      'prometheus.others.east.tenancy is none: nothing keeps projects apart';
    expect(problem(within('p1', ruleOf('up')), MEMBER, options)).toEqual(['forbidden', text]);
    expect(problem(within('p1', ruleOf('up')), MEMBER, { ...options, isConfigured: false })).toEqual([
      'forbidden',
      text,
    ]);
    expect(problem(within(null, ruleOf('up')), ADMIN, options)).toBeNull();
  });

  test('of an admin for a project is refused if nothing keeps projects apart: no evaluator would send it', () => {
    const found = problem(within('p1', ruleOf('up')), ADMIN, { tenancy: 'none' });
    expect(found).toEqual(['forbidden', expect.stringMatching(/^Admins .* since prometheus\.tenancy is none/)]);
  });
});

test('rules that do not use Prometheus pass', () => {
  const rule = alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 1 });
  expect(problem(rule, MEMBER, { tenancy: 'none' })).toBeNull();
});
