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
  ExplainedSeries,
} from '../../evaluator/explain/explanation.js';
import { isoTimestamp } from '../schema/timestamp.js';
import { Float, NullableText } from './answer-fields.js';

const Moment = z.string();

/** A verdict in explanations. */
export const Verdict = z
  .enum([...ALARM_STATES, 'trending ok', 'trending alarm', 'hold', 'trouble'])
  .nullable()
  .meta({
    description:
      'Result of the evaluation; null if the alarm cannot be evaluated. hold ' +
      'and trouble (backend unavailable) change no state.',
  });

/** The evaluation options of a rule that are set. */
export const Options = z.strictObject({
  datapoints_to_alarm: z.int().optional(),
  treat_missing_data: z.enum(MISSING_DATA_TREATMENTS).optional(),
  clear_threshold: z.number().optional(),
  ingestion_lag: z.number().optional(),
  backend: z.string().optional(),
});

const Datapoint = z.strictObject({
  timestamp: Moment.nullable(),
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

/** One query to a backend and its answer. The JSON calls it a question. */
export const QueryAnswer = z.strictObject({
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

/** The answer about one query. */
export function queryAnswer(query: ExplainedQuery): z.infer<typeof QueryAnswer> {
  const { part, backend, window, condition, series, poolMembers } = query;
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
    requests: query.requests,
    refusal: query.refusal,
    condition: condition && {
      comparison_operator: condition.comparison_operator,
      threshold: new PythonFloat(condition.threshold),
      effective_threshold: new PythonFloat(condition.effectiveThreshold),
    },
    compared: query.compared,
    outside: query.outside,
    series: series && series.map(seriesAnswer),
    series_not_shown: query.seriesNotShown,
    datapoints: query.datapoints.map(datapointAnswer),
    datapoints_not_shown: query.datapointsNotShown,
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
export function shownVerdict(verdict: JudgedVerdict | null): z.infer<typeof Verdict> {
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
    timestamp: at && isoTimestamp(at),
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
