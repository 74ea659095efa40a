import { z } from 'zod';

import { ALARM_STATES } from '../../alarm/state.js';
import { COMPARISON_OPERATORS } from '../../alarm/types/threshold/schema.js';
import { effectiveThreshold } from '../../alarm/types/threshold-judgement.js';
import { PythonFloat, pythonFloat, type PythonValue } from '../../alarm/wire/python-json.js';
import type { AlarmValues, ValuesSpan } from '../../evaluator/values/alarm-values.js';
import type { ComparedQuery } from '../../evaluator/values/compared-values.js';
import type { LatestValue } from '../../evaluator/values/latest-values.js';
import type { TimeBand } from '../../evaluator/values/time-bands.js';
import type { ValueSeries } from '../../evaluator/values/value-series.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { AnyObject, Float, NullableText, UtcTimestamp } from './answer-fields.js';

const State = z.enum(ALARM_STATES);
const Value = z
  .union([Float, z.enum(['inf', '-inf']), z.null()])
  .meta({ description: 'Null: no value was compared. Infinite values are texts.' });

/** What the values of a query are compared with. */
const COMPARISON = {
  rule: NullableText.meta({ description: 'rule1, rule2 and so on within a composite rule.' }),
  granularity: z.number().meta({ description: 'Seconds; 0: a value of one moment.' }),
  comparison_operator: z.enum(COMPARISON_OPERATORS).nullable(),
  threshold: Float.nullable(),
  clear_threshold: Float.nullable().meta({ description: 'Compared instead of the threshold in state alarm.' }),
} as const;

const SeriesOfValues = z.strictObject({
  name: NullableText.meta({ description: 'Labels in which the series differ; null for series without labels.' }),
  labels: z.record(z.string(), z.string()).nullable(),
  ...COMPARISON,
  points: z.array(
    z.strictObject({
      at: UtcTimestamp.meta({ description: 'Moment of evaluation.' }),
      timestamp: UtcTimestamp.nullable().meta({ description: 'Time of the datapoint.' }),
      value: Value,
    }),
  ),
});

const StateBand = z.strictObject({ state: State, start: UtcTimestamp, stop: UtcTimestamp });
const NullableStateBand = z.strictObject({ state: State.nullable(), start: UtcTimestamp, stop: UtcTimestamp });

/** The values of an alarm over a time span. */
export const ValuesAnswer = z
  .strictObject({
    alarm_id: NullableText.meta({ description: 'Null for a draft.' }),
    start: UtcTimestamp,
    stop: UtcTimestamp,
    step: z.number(),
    created_at: UtcTimestamp.nullable().meta({
      description: 'When the alarm was created; null for a draft, or if it is not known.',
    }),
    initial_state: State.meta({ description: 'The state before the start.' }),
    series: z.array(SeriesOfValues),
    series_not_shown: z.int(),
    states: z.array(StateBand).nullable().meta({ description: 'As a backtest has them; null for event alarms.' }),
    not_evaluated: z
      .array(z.strictObject({ start: UtcTimestamp, stop: UtcTimestamp }))
      .meta({ description: 'Outside the time constraints.' }),
    notifications: z.int().nullable().meta({
      description: 'Number for transitions and repeats, as in a backtest. Null for combinations and event alarms.',
    }),
    unanswered: z.int().meta({ description: 'Evaluations during which a backend was unavailable.' }),
    unknown_reason: NullableText.meta({ description: 'Why the last evaluation without data had none.' }),
    members: z
      .array(z.strictObject({ alarm_id: z.string(), states: z.array(NullableStateBand) }))
      .nullable()
      .meta({ description: 'Members of a combination. A state of null: there is no such alarm.' }),
    events: z
      .array(
        z.strictObject({
          message_id: z.string(),
          event_type: z.string(),
          generated: UtcTimestamp.nullable(),
          received_at: UtcTimestamp,
          event: AnyObject,
        }),
      )
      .nullable()
      .meta({ description: 'Events that matched an event alarm, newest first.' }),
    events_searched_since: UtcTimestamp.nullable().meta({ description: 'Later than start if there are many events.' }),
    transitions: z
      .array(z.strictObject({ at: UtcTimestamp, from: State, to: State, reason: NullableText }))
      .nullable()
      .meta({ description: 'Changes of the stored alarm’s state; null for a draft.' }),
    has_more_transitions: z.boolean(),
  })
  .meta({ id: 'AlarmValues', description: 'Values that an alarm compares, evaluated by the code of the evaluators.' });
export type ValuesAnswer = z.infer<typeof ValuesAnswer>;

/** The answer about the values of an alarm. `id`: null for a draft. */
export function valuesAnswer(id: string | null, span: ValuesSpan, values: AlarmValues): ValuesAnswer {
  const { series, combination, matched, transitions } = values;
  return {
    alarm_id: id,
    start: utcTimestamp(span.start),
    stop: utcTimestamp(span.stop),
    step: span.stepMs / 1000,
    created_at: values.createdAt && utcTimestamp(values.createdAt),
    initial_state: values.initialState,
    ...seriesMembers(series),
    ...bandMembers(series ?? combination),
    members:
      combination &&
      combination.members.map(({ alarmId, states }) => ({ alarm_id: alarmId, states: states.map(stateBand) })),
    events: matched && matched.events.map(eventAnswer),
    events_searched_since: matched && utcTimestamp(matched.searchedSince),
    transitions:
      transitions && transitions.map(({ at, from, to, reason }) => ({ at: utcTimestamp(at), from, to, reason })),
    has_more_transitions: values.hasMoreTransitions,
    notifications: series && series.notifications,
  };
}

function seriesMembers(
  found: AlarmValues['series'],
): Pick<ValuesAnswer, 'series' | 'series_not_shown' | 'unanswered' | 'unknown_reason'> {
  if (found === null) return { series: [], series_not_shown: 0, unanswered: 0, unknown_reason: null };
  const { series, seriesNotShown, unanswered, unknownReason } = found;
  return {
    series: series.map(seriesAnswer),
    series_not_shown: seriesNotShown,
    unanswered,
    unknown_reason: unknownReason,
  };
}

function bandMembers(
  found: AlarmValues['series'] | AlarmValues['combination'],
): Pick<ValuesAnswer, 'states' | 'not_evaluated'> {
  if (found === null) return { states: null, not_evaluated: [] };
  return { states: found.states.map(stateBand), not_evaluated: found.notEvaluated.map(timesOf) };
}

function seriesAnswer({ name, labels, points, ...query }: ValueSeries): ValuesAnswer['series'][number] {
  return {
    name,
    labels,
    ...comparisonOf(query),
    points: points.map(({ at, timestamp, value }) => ({
      at: utcTimestamp(at),
      timestamp: timestamp && utcTimestamp(timestamp),
      value: shownValue(value),
    })),
  };
}

function comparisonOf({ rule, need, condition, options }: ComparedQuery) {
  const { clear_threshold: clear } = options;
  return {
    rule,
    granularity: need.granularityS,
    comparison_operator: condition?.comparison_operator ?? null,
    threshold: condition && new PythonFloat(condition.threshold),
    clear_threshold: condition && clear !== undefined ? new PythonFloat(clear) : null,
  };
}

function shownValue(value: number | null): z.infer<typeof Value> {
  if (value === null) return null;
  return Number.isFinite(value) ? new PythonFloat(value) : (pythonFloat(value) as 'inf' | '-inf');
}

function timesOf({ start, stop }: TimeBand<unknown>): { start: string; stop: string } {
  return { start: utcTimestamp(start), stop: utcTimestamp(stop) };
}

function stateBand<S>(band: TimeBand<S>): { state: S; start: string; stop: string } {
  return { state: band.value, ...timesOf(band) };
}

type MatchedEvent = NonNullable<AlarmValues['matched']>['events'][number];

function eventAnswer({ event, receivedAt }: MatchedEvent): NonNullable<ValuesAnswer['events']>[number] {
  const { messageId, eventType, generated, raw } = event;
  return {
    message_id: messageId,
    event_type: eventType,
    generated: generated ? utcTimestamp(generated) : null,
    received_at: utcTimestamp(receivedAt),
    // It came as JSON, so the cast is safe.
    event: raw as Record<string, PythonValue>,
  };
}

const LatestValueAnswer = z.strictObject({
  alarm_id: z.string(),
  at: UtcTimestamp.meta({ description: 'Moment of evaluation: at most one interval ago.' }),
  name: NullableText.meta({ description: 'Labels in which the series differs from the others.' }),
  ...COMPARISON,
  granularity: z.number().nullable(),
  effective_threshold: Float.nullable().meta({ description: 'The threshold or clear threshold that counts now.' }),
  timestamp: UtcTimestamp.nullable(),
  value: Value,
  outside: z.boolean().nullable().meta({ description: 'True if the comparison holds.' }),
  compared_series: z.int().meta({ description: 'Number of series with a value; one of them is shown.' }),
  error: NullableText.meta({ description: 'Why a backend gave no answer.' }),
});

/** The latest values of some alarms. */
export const LatestValuesAnswer = z
  .strictObject({ values: z.array(LatestValueAnswer) })
  .meta({ id: 'LatestValues', description: 'In the order of the request, without alarms that the caller cannot see.' });
export type LatestValuesAnswer = z.infer<typeof LatestValuesAnswer>;

/** The latest value of an alarm. */
export function latestValueAnswer(
  { id, state }: Pick<StoredAlarm, 'id' | 'state'>,
  { at, shown, comparedSeries, error }: LatestValue,
): LatestValuesAnswer['values'][number] {
  const { name = null, value } = shown ?? {};
  return {
    alarm_id: id,
    at: utcTimestamp(at),
    name,
    ...latestComparison(shown?.query, state),
    timestamp: value?.timestamp ? utcTimestamp(value.timestamp) : null,
    value: shownValue(value?.value ?? null),
    outside: value?.outside ?? null,
    compared_series: comparedSeries,
    error,
  };
}

const NO_COMPARISON = {
  rule: null,
  granularity: null,
  comparison_operator: null,
  threshold: null,
  clear_threshold: null,
  effective_threshold: null,
} as const;

function latestComparison(query: ComparedQuery | undefined, state: StoredAlarm['state']) {
  if (query === undefined) return NO_COMPARISON;
  const { condition, options } = query;
  const effective = condition && effectiveThreshold(condition, { state, options });
  return { ...comparisonOf(query), effective_threshold: effective === null ? null : new PythonFloat(effective) };
}
