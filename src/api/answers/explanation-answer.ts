import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import type { ExplainedSchedule, Explanation } from '../../evaluator/explain/explanation.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { NullableText } from './answer-fields.js';
import { Options, QueryAnswer, queryAnswer, shownVerdict, Verdict } from './explained-query-answer.js';

const Moment = z.string();
const NullableMoment = z.string().nullable();
const State = z.enum(ALARM_STATES);
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

const HoldingSilence = z.strictObject({
  id: z.string(),
  reason: z.string(),
  owner: z.string(),
  ends_at: Moment.meta({ description: 'End of its present opening.' }),
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
    questions: z.array(QueryAnswer),
    time_constraints: TimeConstraints,
    members: z.array(z.strictObject({ alarm_id: z.string(), state: State.nullable() })).nullable(),
    last_firing: z.strictObject({ timestamp: Moment, reason: z.string() }).nullable(),
    silences: z
      .array(HoldingSilence)
      .meta({ description: 'Silences that hold the alarm now; none for a past moment.' }),
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
    questions: explanation.queries.map(queryAnswer),
    time_constraints: {
      within: timeConstraints.within,
      constraints: timeConstraints.constraints.map(({ constraint, holds }) => ({ ...constraint, holds })),
    },
    members: members && members.map(({ alarmId, state }) => ({ alarm_id: alarmId, state })),
    last_firing: lastFiring && { timestamp: isoTimestamp(lastFiring.at), reason: lastFiring.reason },
    silences: explanation.silences.map(({ id, reason, owner, until }) => ({
      id,
      reason,
      owner,
      ends_at: isoTimestamp(until),
    })),
    evaluation_schedule: scheduleAnswer(explanation.schedule),
  };
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
