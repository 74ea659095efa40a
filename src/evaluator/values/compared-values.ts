import type { SeriesLabels, SeriesNeed } from '../../alarm/series.js';
import type { ThresholdCondition } from '../../alarm/types/threshold-judgement.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import {
  conditionOf,
  poolMembersOf,
  replayJudgement,
  rulesOf,
  type ExplainInput,
  type NamedRule,
} from '../explain/explain-queries.js';
import type { TraceRecorder } from '../explain/trace-recorder.js';

/** The newest datapoint of one series that an evaluation compared. */
export interface ComparedValue {
  /** Labels of a Prometheus series; null for series without labels. */
  labels: SeriesLabels | null;
  /** The time of the datapoint; null if none was compared. */
  timestamp: Date | null;
  value: number | null;
  /** True if the value fulfils the condition of the rule. */
  outside: boolean;
}

/** One query of an alarm, and how its values are compared. */
export interface ComparedQuery {
  need: SeriesNeed;
  /** `rule1`, `rule2` and so on within a composite rule; null for other rules. */
  rule: string | null;
  /** Null for rules that compare nothing with a threshold. */
  condition: ThresholdCondition | null;
  options: EvaluationOptions;
}

/** What `explain` is given, with the labels of the answers' series in place of its traces. */
type ComparedInput = Omit<ExplainInput, 'recorder'> & Pick<TraceRecorder, 'labelsOf'>;

/** The queries of an alarm, as `explain` names them. */
export function comparedQueries(input: Pick<ExplainInput, 'rule' | 'needs' | 'options'>): ComparedQuery[] {
  return rulesOf(input).map(({ rule, options, name }, index) => ({
    need: input.needs[index]!,
    rule: name ?? null,
    condition: conditionOf(rule),
    options,
  }));
}

/**
 * The newest compared datapoint of each series of each query, in the order of the queries. They are those that
 * `explain` shows as used. A pool of a load balancer has one value: the number of its unhealthy members.
 */
export function comparedValues(input: ComparedInput): ComparedValue[][] {
  return rulesOf(input).map((named, index) => valuesOf(input, index, named));
}

function valuesOf(input: ComparedInput, index: number, named: NamedRule): ComparedValue[] {
  const answer = input.answersInWindow[index]!;
  const { evaluation, points } = replayJudgement(input, { ...named, answer });
  if (answer.kind === 'members') {
    const unhealthy = poolMembersOf(answer.members, evaluation).filter((member) => member.unhealthy).length;
    return [{ labels: null, timestamp: input.at, value: unhealthy, outside: unhealthy > 0 }];
  }
  if (answer.kind !== 'series') return [];
  const need = input.needs[index]!;
  const labels = input.labelsOf(need.key);
  const values = answer.series.map((_, series): ComparedValue => ({
    // Series of Prometheus have labels, even if the set is empty; others have none.
    labels: need.datasource === 'prometheus' ? (labels[series] ?? {}) : null,
    timestamp: null,
    value: null,
    outside: false,
  }));
  // Points come with the oldest first, so the newest one is kept.
  for (const point of points) {
    if ('leftOut' in point) continue;
    const { series, at, value, outside } = point;
    Object.assign(values[series]!, { timestamp: new Date(at), value, outside });
  }
  return values;
}
