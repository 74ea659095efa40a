import type { AlarmState } from '../../state.js';
import type { Evaluation, Reason } from '../../decide.js';
import { pythonRepr, type PythonValue } from '../../wire/python-json.js';
import type { JudgedAnswer, PoolMember } from '../../series.js';
import { parseTimestamp } from '../../wire/timestamp.js';
import type { LoadbalancerMemberHealthRule } from './schema.js';

/** The unhealthy members of a pool. */
export interface MemberHealthFindings {
  rule: LoadbalancerMemberHealthRule;
  /** In the order of the answer. */
  unhealthy: readonly PoolMember[];
  /** Why the state is unknown. */
  unknownReason?: string;
}

/** Aodh's text if the members could not be read. */
const NOT_REACHED = 'failed to communicate with load balancing service';

/** In alarm as soon as one member is unhealthy. A pool without members is ok. */
export function evaluateMemberHealth(
  rule: LoadbalancerMemberHealthRule,
  answer: JudgedAnswer,
  now: Date,
): Evaluation<MemberHealthFindings> {
  if (answer.kind !== 'members') {
    const unknownReason = answer.kind === 'absent' ? answer.reason : NOT_REACHED;
    const verdict = answer.kind === 'outage' ? 'outage' : 'insufficient data';
    return { verdict, findings: { rule, unhealthy: [], unknownReason } };
  }
  const bornBefore = now.getTime() - answer.creationTimeS * 1000;
  const unhealthy = answer.members.filter((member) => isUnhealthy(member) && bornAt(member) <= bornBefore);
  return { verdict: unhealthy.length > 0 ? 'alarm' : 'ok', findings: { rule, unhealthy } };
}

/** Aodh's reason text and `reason_data`. */
export function explainMemberHealth(
  { rule, unhealthy, unknownReason }: MemberHealthFindings,
  state: AlarmState,
  remaining: boolean,
): Reason {
  const last = unhealthy.at(-1) ?? null;
  const changed =
    `Transition to ${state} due to ${unhealthy.length} members unhealthy, ` + `most recent: ${pythonRepr(last)}`;
  return {
    reason: unknownReason ?? (remaining ? `Remaining as ${state}` : changed),
    reasonData: {
      type: rule.type,
      count: unhealthy.length,
      // The members came as JSON, so the cast is safe.
      most_recent: last as PythonValue,
      unhealthy_members: unhealthy as PythonValue,
      pool_id: rule.pool_id,
      stack_id: rule.stack_id,
      asg_id: rule.autoscaling_group_id,
    },
  };
}

function isUnhealthy({ admin_state_up, operating_status }: PoolMember): boolean {
  return admin_state_up === true && operating_status === 'ERROR';
}

/**
 * Octavia writes UTC, and a zone in the timestamp is ignored. A member without a creation time is never old
 * enough.
 */
function bornAt({ created_at }: PoolMember): number {
  if (typeof created_at !== 'string') return Infinity;
  return parseTimestamp(created_at.replace(ZONE, '$1'))?.getTime() ?? Infinity;
}

const ZONE = /(:\d{2}(?:[.,]\d+)?)\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$/i;
