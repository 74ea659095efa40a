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
  value: z.union([z.number(), z.string(), z.null()]),
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
      threshold: z.number(),
      effective_threshold: z.number(),
    })
    .nullable(),
  compared: z.int(),
  outside: z.int(),
  series: z.array(Series).nullable().meta({ description: 'Series of Prometheus; null for other backends.' }),
  series_not_shown: z.int().meta({ description: 'Number of series left out. Series in alarm are shown first.' }),
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

/** The result of a backtest. */
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
  .meta({ id: 'Backtest', description: 'Transitions of the draft. Streamed; the summary comes last.' });
