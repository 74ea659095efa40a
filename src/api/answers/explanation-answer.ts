import { z } from 'zod';

import type { Verdict as JudgedVerdict } from '../../alarm/decide.js';
import { MISSING_DATA_TREATMENTS } from '../../alarm/evaluation-options.js';
import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { COMPARISON_OPERATORS } from '../../alarm/types/threshold/schema.js';
import { PythonFloat } from '../../alarm/wire/python-json.js';
import type {
  Datapoint as ExplainedDatapoint,
  ExplainedPoolMember,
  ExplainedQuery,
  ExplainedSchedule,
  ExplainedSeries,
  Explanation,
} from '../../evaluator/explain/explanation.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { Float, NullableText } from './answer-fields.js';

const Moment = z.string();
const NullableMoment = z.string().nullable();
const State = z.enum(ALARM_STATES);
const Verdict = z
  .enum([...ALARM_STATES, 'trending ok', 'trending alarm', 'hold', 'trouble'])
  .nullable()
  .meta({
    description:
      'Result of the evaluation; null if the alarm cannot be evaluated. hold ' +
      'and trouble (backend unavailable) change no state.',
  });

const Options = z.strictObject({
  datapoints_to_alarm: z.int().optional(),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional(),
  clear_threshold: z.number().optional(),
  ingestion_lag: z.number().optional(),
  backend: z.string().optional(),
});

const Datapoint = z.strictObject({
  timestamp: NullableMoment,
  value: z.union([Float, z.string(), z.null()]),
  series: z.int().optional().meta({ description: 'Number of its series, if the answer has several.' }),
  used: z.boolean(),
  why: z.string().optional().meta({ description: 'Reason why it was not compared.' }),
  comparison: z.string().optional(),
  outside: z.boolean().optional().meta({ description: 'True if the comparison holds.' }),
});

const Series = z.strictObject({
  series: z.int().meta({ description: 'Number of the series. Its datapoints have it too.' }),
  labels: z.record(z.string(), z.string()).meta({ description: 'Labels from Prometheus.' }),
  labels_not_shown: z.int().optional().meta({ description: 'Number of labels that are too long to show.' }),
  verdict: Verdict.meta({ description: 'Result of this series alone; null if it has no datapoint to compare.' }),
  compared: z.int(),
  outside: z.int(),
});

const ShownPoolMember = z.strictObject({
  id: NullableText,
  name: NullableText,
  operating_status: NullableText,
  admin_state_up: z.boolean().nullable(),
  created_at: NullableText,
  unhealthy: z.boolean(),
});

const Question = z.strictObject({
  rule: z.strictObject({ name: z.string(), type: z.enum(ALARM_KINDS), verdict: Verdict, options: Options }).nullable(),
  backend: z.strictObject({
    kind: z.string(),
    name: NullableText,
    configured: z.boolean(),
    reachable: z.boolean().nullable(),
    trouble: NullableText,
  }),
  window: z.strictObject({
    start: Moment,
    stop: Moment,
    granularity: z.number(),
    evaluation_periods: z.int(),
    ingestion_lag: z.number(),
  }),
  requests: z.array(z.string()).meta({ description: 'Requests to the backend, without hosts and credentials.' }),
  refusal: NullableText,
  condition: z
    .strictObject({
      comparison_operator: z.enum(COMPARISON_OPERATORS),
      threshold: Float,
      effective_threshold: Float,
    })
    .nullable(),
  compared: z.int(),
  outside: z.int(),
  series: z.array(Series).nullable().meta({ description: 'Series of Prometheus; null for other backends.' }),
  series_not_shown: z.int().meta({ description: 'Number of series left out. Series in alarm are shown first.' }),
  datapoints: z.array(Datapoint),
  datapoints_not_shown: z.int(),
  pool_members: z.array(ShownPoolMember).nullable(),
});

const TimeConstraints = z.strictObject({
  within: z.boolean(),
  constraints: z.array(
    z.strictObject({
      name: z.string(),
      description: z.string(),
      start: z.string(),
      duration: z.int(),
      timezone: z.string(),
      holds: z.boolean(),
    }),
  ),
});

const Schedule = z.strictObject({
  enabled: z.boolean(),
  muted: z.boolean(),
  interval: z.number(),
  partition: z.int().nullable(),
  owner: NullableText.meta({
    description: 'Evaluator that owns the partition of the alarm; null while there is none.',
  }),
  epoch: z.int().nullable(),
  last_evaluated_at: NullableMoment,
  behind: z.int().nullable().meta({
    description:
      'Seconds by which the evaluation is late because of too many requests to the backend; null if it is on time.',
  }),
  next_evaluation_at: NullableMoment,
});

/** The explanation of an alarm. */
export const ExplanationAnswer = z
  .strictObject({
    alarm_id: z.string(),
    name: z.string(),
    type: z.enum(ALARM_KINDS),
    at: Moment,
    summary: z.string(),
    notes: z.array(z.string()),
    state: State,
    state_reason: z.string(),
    state_timestamp: Moment,
    state_at: z.strictObject({
      state: State,
      since: NullableMoment,
      reason: NullableText,
      known_from: z.enum(['the alarm', 'its history']),
    }),
    evaluation: z.strictObject({
      verdict: Verdict,
      would_be_state: State,
      decision: z.enum(['stay', 'transition', 'repeat']),
      reason: z.string(),
    }),
    judged_by: z.enum(['series', 'members', 'events']),
    options: Options,
    questions: z.array(Question),
    time_constraints: TimeConstraints,
    members: z.array(z.strictObject({ alarm_id: z.string(), state: State.nullable() })).nullable(),
    last_firing: z.strictObject({ timestamp: Moment, reason: z.string() }).nullable(),
    evaluation_schedule: Schedule,
  })
  .meta({ id: 'Explanation', description: 'A trial evaluation of an alarm, by the code of the evaluators.' });
export type ExplanationAnswer = z.infer<typeof ExplanationAnswer>;

/** The answer about an explanation. Its fields of the alarm show the alarm as it is now, also for a past moment. */
export function explanationAnswer(alarm: StoredAlarm, explanation: Explanation): ExplanationAnswer {
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
    options,
    questions: explanation.questions.map(questionAnswer),
    time_constraints: {
      within: timeConstraints.within,
      constraints: timeConstraints.constraints.map(({ constraint, holds }) => ({ ...constraint, holds })),
    },
    members: members && members.map(({ alarmId, state }) => ({ alarm_id: alarmId, state })),
    last_firing: lastFiring && { timestamp: isoTimestamp(lastFiring.at), reason: lastFiring.reason },
    evaluation_schedule: scheduleAnswer(explanation.schedule),
  };
}

function questionAnswer(question: ExplainedQuery): z.infer<typeof Question> {
  const { part, backend, window, condition, series, poolMembers } = question;
  return {
    rule: part && {
      name: part.name,
      type: part.type,
      verdict: shownVerdict(part.verdict),
      options: part.options,
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
    requests: question.requests,
    refusal: question.refusal,
    condition: condition && {
      comparison_operator: condition.comparison_operator,
      threshold: new PythonFloat(condition.threshold),
      effective_threshold: new PythonFloat(condition.effectiveThreshold),
    },
    compared: question.compared,
    outside: question.outside,
    series: series && series.map(seriesAnswer),
    series_not_shown: question.seriesNotShown,
    datapoints: question.datapoints.map(datapointAnswer),
    datapoints_not_shown: question.datapointsNotShown,
    pool_members: poolMembers && poolMembers.map(poolMemberAnswer),
  };
}

function seriesAnswer({
  series,
  labels,
  labelsNotShown,
  verdict,
  compared,
  outside,
}: ExplainedSeries): z.infer<typeof Series> {
  return {
    series,
    labels,
    labels_not_shown: labelsNotShown > 0 ? labelsNotShown : undefined,
    verdict: shownVerdict(verdict),
    compared,
    outside,
  };
}

/** Clients know the verdict `outage` as `trouble`. */
function shownVerdict(verdict: JudgedVerdict | null): z.infer<typeof Verdict> {
  return verdict === 'outage' ? 'trouble' : verdict;
}

function datapointAnswer({
  at,
  value,
  series,
  used,
  why,
  comparison,
  outside,
}: ExplainedDatapoint): z.infer<typeof Datapoint> {
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

/** The fields that decide whether a member is unhealthy. What Octavia sent in another type is shown as null. */
function poolMemberAnswer({ member, unhealthy }: ExplainedPoolMember): z.infer<typeof ShownPoolMember> {
  const { id, name, operating_status, admin_state_up, created_at } = member;
  return {
    id: textOrNull(id),
    name: textOrNull(name),
    operating_status: textOrNull(operating_status),
    admin_state_up: typeof admin_state_up === 'boolean' ? admin_state_up : null,
    created_at: textOrNull(created_at),
    unhealthy,
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function scheduleAnswer(schedule: ExplainedSchedule): z.infer<typeof Schedule> {
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
