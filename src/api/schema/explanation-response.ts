import type { Verdict } from '../../alarm/decide.js';
import { PythonFloat, type PythonValue } from '../../alarm/wire/python-json.js';
import type { PoolMember } from '../../alarm/series.js';
import type {
  Datapoint,
  ExplainedQuery,
  ExplainedSchedule,
  ExplainedSeries,
  Explanation,
} from '../../evaluator/explain/explanation.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { isoTimestamp } from './timestamp.js';

/** An explanation as JSON. Fields of the alarm show the alarm as it is now, also for an explanation of the past. */
export function explanationResponse(alarm: StoredAlarm, explanation: Explanation): PythonValue {
  const { at, stateAt, summary, notes, judgedBy, options, timeConstraints, evaluation, members, lastFiring } =
    explanation;
  return {
    alarm_id: alarm.id,
    name: alarm.name,
    type: alarm.rule.type,
    at: isoTimestamp(at),
    summary,
    notes,
    state: alarm.state,
    state_reason: alarm.stateReason,
    state_timestamp: isoTimestamp(alarm.stateTimestamp),
    state_at: {
      state: stateAt.state,
      since: momentOrNull(stateAt.since),
      reason: stateAt.reason,
      known_from: stateAt.from,
    },
    evaluation: {
      verdict: shownVerdict(evaluation.verdict),
      would_be_state: evaluation.wouldBe,
      decision: evaluation.decision,
      reason: evaluation.reason,
    },
    judged_by: judgedBy,
    options: { ...options },
    questions: explanation.queries.map(queryResponse),
    time_constraints: {
      within: timeConstraints.within,
      constraints: timeConstraints.constraints.map(({ constraint, holds }) => ({ ...constraint, holds })),
    },
    members: members && members.map(({ alarmId, state }) => ({ alarm_id: alarmId, state })),
    last_firing: lastFiring && { timestamp: isoTimestamp(lastFiring.at), reason: lastFiring.reason },
    evaluation_schedule: scheduleResponse(explanation.schedule),
  };
}

function queryResponse(query: ExplainedQuery): PythonValue {
  const { part, backend, window, condition, series, poolMembers } = query;
  return {
    rule: part && {
      name: part.name,
      type: part.type,
      verdict: shownVerdict(part.verdict),
      options: { ...part.options },
    },
    backend: {
      kind: backend.kind,
      name: backend.name,
      configured: backend.configured,
      reachable: backend.reachable,
      trouble: backend.outage,
    },
    window: {
      start: isoTimestamp(window.start),
      stop: isoTimestamp(window.stop),
      granularity: window.granularityS,
      evaluation_periods: window.evaluationPeriods,
      ingestion_lag: window.lagS,
    },
    requests: query.requests,
    refusal: query.refusal,
    condition: condition && {
      comparison_operator: condition.comparison_operator,
      threshold: new PythonFloat(condition.threshold),
      effective_threshold: new PythonFloat(condition.effectiveThreshold),
    },
    compared: query.compared,
    outside: query.outside,
    series: series && series.map(seriesResponse),
    series_not_shown: query.seriesNotShown,
    datapoints: query.datapoints.map(datapointResponse),
    datapoints_not_shown: query.datapointsNotShown,
    pool_members: poolMembers && poolMembers.map(({ member, unhealthy }) => ({ ...shownMember(member), unhealthy })),
  };
}

function seriesResponse({ series, labels, labelsNotShown, verdict, compared, outside }: ExplainedSeries): PythonValue {
  return {
    series,
    labels,
    labels_not_shown: labelsNotShown > 0 ? labelsNotShown : undefined,
    verdict: shownVerdict(verdict),
    compared,
    outside,
  };
}

function datapointResponse({ at, value, series, used, why, comparison, outside }: Datapoint): PythonValue {
  return {
    timestamp: momentOrNull(at),
    value: typeof value === 'number' ? new PythonFloat(value) : value,
    series,
    used,
    why,
    comparison,
    outside,
  };
}

/** Clients know the verdict `outage` as `trouble`. */
function shownVerdict(verdict: Verdict | null): string | null {
  return verdict === 'outage' ? 'trouble' : verdict;
}

const MEMBER_FIELDS = ['id', 'name', 'operating_status', 'admin_state_up', 'created_at'];

/** The fields that decide whether a member is unhealthy, as Octavia sent them. */
function shownMember(member: PoolMember): Record<string, PythonValue> {
  return Object.fromEntries(MEMBER_FIELDS.map((name) => [name, plain(member[name])]));
}

function plain(value: unknown): string | boolean | null {
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}

function scheduleResponse(schedule: ExplainedSchedule): PythonValue {
  return {
    enabled: schedule.enabled,
    muted: schedule.muted,
    interval: schedule.intervalMs / 1000,
    partition: schedule.partition,
    owner: schedule.owner,
    epoch: schedule.epoch,
    last_evaluated_at: momentOrNull(schedule.lastEvaluatedAt),
    behind: schedule.behindMs === null ? null : Math.round(schedule.behindMs / 1000),
    next_evaluation_at: momentOrNull(schedule.nextEvaluationAt),
  };
}

function momentOrNull(at: Date | null): string | null {
  return at && isoTimestamp(at);
}
