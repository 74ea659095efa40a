import { describe, expect, test } from '@jest/globals';

import type { AlarmState } from '../../../src/alarm/state.js';
import { decide } from '../../../src/alarm/decide.js';
import { NO_OPTIONS } from '../../../src/alarm/evaluation-options.js';
import { pythonJson } from '../../../src/alarm/wire/python-json.js';
import type { BackendAnswer, PoolMember } from '../../../src/alarm/series.js';
import { loadbalancerMemberHealth as kind } from '../../../src/alarm/types/loadbalancer-member-health/index.js';
import { evaluationInput } from '../../support/builders.js';

const rule = kind.schema.parse({ pool_id: 'pool-1', stack_id: 'stack-1', autoscaling_group_id: 'group-1' });
const ILL = { id: 'm1', operating_status: 'ERROR', admin_state_up: true, created_at: '2026-01-01T11:00:00' };

function evaluate(answer: BackendAnswer) {
  return kind.evaluate(rule, { ...evaluationInput([]), answers: [answer] });
}

function pool(...members: PoolMember[]): BackendAnswer {
  return { kind: 'members', members, creationTimeS: 120 };
}

function told(answer: BackendAnswer, state: AlarmState): string {
  const decision = decide({ state, repeatActions: true }, evaluate(answer), kind);
  return decision.kind === 'stay' ? 'stay' : `${decision.kind}: ${decision.reason}`;
}

describe('a member is unhealthy', () => {
  test.each([
    ['in ERROR, switched on, and old enough', {}, 'alarm'],
    ['but not in another status', { operating_status: 'OFFLINE' }, 'ok'],
    ['but not without a status', { operating_status: undefined }, 'ok'],
    ['but not switched off', { admin_state_up: false }, 'ok'],
    ['when it is 120 seconds old (it is noon)', { created_at: '2026-01-01T11:58:00' }, 'alarm'],
    ['but not when it is younger', { created_at: '2026-01-01T11:58:00.001' }, 'ok'],
    ['but not when it was made in the future', { created_at: '2026-01-02T00:00:00' }, 'ok'],
    ['also if its time has another zone', { created_at: '2026-01-01T11:58:00+05:00' }, 'alarm'],
    ['and no zone makes it older', { created_at: '2026-01-01T11:59:00+05:00' }, 'ok'],
    ['with microseconds and Z', { created_at: '2026-01-01T11:57:59.123456Z' }, 'alarm'],
    ['made on some day', { created_at: '2025-12-31' }, 'alarm'],
    ['but not if its creation time is invalid', { created_at: 'yesterday' }, 'ok'],
    ['but not when it was made on no day', { created_at: '2025-02-31T00:00:00' }, 'ok'],
    ['but not without a time', { created_at: undefined }, 'ok'],
    ['but not when the time is null', { created_at: null }, 'ok'],
  ])('%s', (_, given, verdict) => {
    expect(evaluate(pool({ ...ILL, ...given })).verdict).toBe(verdict);
  });
});

describe('the reason', () => {
  const healthy = { ...ILL, id: 'm2', operating_status: 'ONLINE' };
  const second = { ...ILL, id: "it's", tags: ['a'], backup: false, weight: 1, monitor_port: null };
  const REPR =
    `{'id': "it's", 'operating_status': 'ERROR', 'admin_state_up': True, ` +
    `'created_at': '2026-01-01T11:00:00', 'tags': ['a'], ` +
    `'backup': False, 'weight': 1, 'monitor_port': None}`;
  const NOT_REACHED = 'failed to communicate with load balancing service';

  test.each<[answer: BackendAnswer, state: AlarmState, text: string]>([
    [
      pool(ILL, healthy, second),
      'ok',
      `transition: Transition to alarm due to 2 members unhealthy, most recent: ${REPR}`,
    ],
    [pool(ILL), 'alarm', 'repeat: Remaining as alarm'],
    [pool(healthy), 'alarm', 'transition: Transition to ok due to 0 members unhealthy, most recent: None'],
    [pool(), 'insufficient data', 'transition: Transition to ok due to 0 members unhealthy, most recent: None'],
    [pool(), 'ok', 'repeat: Remaining as ok'],
    [{ kind: 'absent', reason: 'pool pool-1 does not exist' }, 'ok', 'transition: pool pool-1 does not exist'],
    [
      { kind: 'absent', reason: 'pool pool-1 does not exist' },
      'insufficient data',
      'repeat: pool pool-1 does not exist',
    ],
    [
      { kind: 'refused', reason: 'alarm statistics retrieval failed: no answer in time' },
      'ok',
      `transition: ${NOT_REACHED}`,
    ],
    [{ kind: 'refused', reason: 'it answered with status 403' }, 'insufficient data', `repeat: ${NOT_REACHED}`],
    [{ kind: 'outage', reason: 'connection refused' }, 'ok', 'stay'],
  ])('of %j, when the alarm is %s: %s', (answer, state, text) => {
    expect(told(answer, state)).toBe(text);
  });

  test('contains the members as Octavia sent them', () => {
    const { reasonData } = kind.explain(evaluate(pool(ILL, healthy)).findings, 'alarm', false);
    const member =
      '{"id": "m1", "operating_status": "ERROR", "admin_state_up": true, "created_at": "2026-01-01T11:00:00"}';
    expect(pythonJson(reasonData)).toBe(
      `{"type": "loadbalancer_member_health", "count": 1, "most_recent": ` +
        `${member}, "unhealthy_members": [${member}], ` +
        '"pool_id": "pool-1", "stack_id": "stack-1", "asg_id": "group-1"}',
    );
    const unknown = kind.explain(evaluate({ kind: 'absent', reason: 'gone' }).findings, 'insufficient data', false);
    expect(unknown.reasonData).toMatchObject({ count: 0, most_recent: null, unhealthy_members: [] });
  });

  test('of an outage names no backend', () => {
    expect(evaluate({ kind: 'outage', reason: 'connection refused' })).toMatchObject({
      verdict: 'outage',
      findings: { unknownReason: NOT_REACHED },
    });
  });
});

describe('the query', () => {
  test('is for a pool as its own project may see it', () => {
    const [need] = kind.seriesNeeded(kind.scopedTo(rule, { projectId: 'p1' }), NO_OPTIONS);
    const [other] = kind.seriesNeeded(kind.scopedTo(rule, { projectId: 'p2' }), NO_OPTIONS);
    expect(need).toMatchObject({ datasource: 'octavia', backend: null, query: { poolId: 'pool-1', project: 'p1' } });
    expect(other?.key).not.toBe(need?.key);
  });

  test('does not show the project to clients', () => {
    const scoped = kind.scopedTo(rule, { projectId: 'p1' });
    expect(kind.shownJson?.(scoped)).toBe(
      '{"pool_id": "pool-1", "stack_id": "stack-1", "autoscaling_group_id": "group-1"}',
    );
    expect(kind.ruleJson(scoped)).toContain('"scope_to_project": "p1"');
  });

  test('accepts no options', () => {
    expect(kind.optionProblem(rule, {})).toBeUndefined();
    expect(kind.optionProblem(rule, { ingestion_lag: 5 })?.option).toBe('ingestion_lag');
  });
});
