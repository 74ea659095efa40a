import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { MISSING_DATA_TREATMENTS } from '../../alarm/evaluation-options.js';
import { ALARM_KINDS } from '../../alarm/types/index.js';
import { COMPARISON_OPERATORS } from '../../alarm/types/threshold/schema.js';

const NullableText = z.string().nullable();
const Moment = z.string();
const NullableMoment = z.string().nullable();
const State = z.enum(ALARM_STATES);
const Verdict = z
  .enum([...ALARM_STATES, 'trending ok', 'trending alarm', 'hold', 'trouble'])
  .nullable()
  .meta({ description: 'What was found; null where nobody could look. `hold` and `trouble` change no state.' });

const Options = z.strictObject({
  datapoints_to_alarm: z.int().optional(),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional(),
  clear_threshold: z.number().optional(),
  ingestion_lag: z.number().optional(),
  backend: z.string().optional(),
});

const Datapoint = z.strictObject({
  timestamp: NullableMoment,
  value: z.union([z.number(), z.string(), z.null()]),
  series: z.int().optional().meta({ description: 'Which one, where the answer has several.' }),
  used: z.boolean(),
  why: z.string().optional().meta({ description: 'Why it was not compared.' }),
  comparison: z.string().optional(),
  outside: z.boolean().optional().meta({ description: 'Whether the comparison holds.' }),
});

const Series = z.strictObject({
  series: z.int().meta({ description: 'Its number, which its datapoints have too.' }),
  labels: z.record(z.string(), z.string()).meta({ description: 'As Prometheus gave them.' }),
  labels_not_shown: z
    .int()
    .optional()
    .meta({ description: 'How many of its labels are left out, for they are too long.' }),
  verdict: Verdict.meta({ description: 'What it came to alone; null where it had no datapoint to judge.' }),
  compared: z.int(),
  outside: z.int(),
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
  requests: z.array(z.string()).meta({ description: 'As they were sent, without hosts and credentials.' }),
  refusal: NullableText,
  condition: z
    .strictObject({
      comparison_operator: z.enum(COMPARISON_OPERATORS),
      threshold: z.number(),
      effective_threshold: z.number(),
    })
    .nullable(),
  compared: z.int(),
  outside: z.int(),
  series: z
    .array(Series)
    .nullable()
    .meta({ description: 'Of the answer of a Prometheus; null for backends that have no series to tell apart.' }),
  series_not_shown: z.int().meta({ description: 'Of many series those in alarm are shown before others.' }),
  datapoints: z.array(Datapoint),
  datapoints_not_shown: z.int(),
  pool_members: z
    .array(
      z.strictObject({
        id: NullableText,
        name: NullableText,
        operating_status: NullableText,
        admin_state_up: z.boolean().nullable(),
        created_at: NullableText,
        unhealthy: z.boolean(),
      }),
    )
    .nullable(),
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
  owner: NullableText.meta({ description: 'The evaluator that has the alarm; null while none does.' }),
  epoch: z.int().nullable(),
  last_evaluated_at: NullableMoment,
  behind: z.int().nullable().meta({
    description:
      'How many seconds the alarm has been due and not evaluated, because of too many requests; null if it is on time.',
  }),
  next_evaluation_at: NullableMoment,
});

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
  .meta({ id: 'Explanation', description: 'What a look at an alarm finds, made by the code that evaluates it.' });

export const BacktestAnswer = z
  .strictObject({
    transitions: z.array(
      z.strictObject({ at: Moment, from: State, to: State, reason: z.string(), notifications: z.array(z.string()) }),
    ),
    repeats: z.int(),
    summary: z.strictObject({
      evaluations: z.int(),
      time_in_state: z.strictObject({ ok: z.number(), alarm: z.number(), 'insufficient data': z.number() }),
      notifications: z.int(),
      unanswered: z.int(),
      unknown_reason: z.string().nullable(),
      outside_time_constraints: z.int(),
    }),
  })
  .meta({ id: 'Backtest', description: 'What an alarm would have done; streamed, the summary last.' });
