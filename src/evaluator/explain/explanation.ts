import type { AlarmState } from '../../alarm/state.js';
import type { Verdict } from '../../alarm/decide.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import type { DatasourceKind, PoolMember, SeriesLabels } from '../../alarm/series.js';
import type { TimeConstraint } from '../../alarm/time-constraint/time-constraint.js';
import type { ThresholdCondition } from '../../alarm/types/threshold-judgement.js';
import type { Firing } from '../../storage/evaluation/explanation-store.js';

/** Why an alarm is in its state: what a look at it finds, made by the code that evaluates it. */
export interface Explanation {
  at: Date;
  stateAt: StateThen;
  /** For people in a hurry. */
  summary: string;
  /** What to know beside it, in sentences. */
  notes: string[];
  judgedBy: 'series' | 'members' | 'events';
  options: EvaluationOptions;
  questions: ExplainedQuery[];
  timeConstraints: { within: boolean; constraints: { constraint: TimeConstraint; holds: boolean }[] };
  evaluation: ExplainedEvaluation;
  /** Of a combination; null for other kinds. */
  members: { alarmId: string; state: AlarmState | null }[] | null;
  /** Of an event alarm that has fired before. */
  lastFiring: Firing | null;
  schedule: ExplainedSchedule;
}

export interface StateThen {
  state: AlarmState;
  since: Date | null;
  reason: string | null;
  /** Where this is known from. */
  from: 'the alarm' | 'its history';
}

export interface ExplainedQuery {
  backend: {
    kind: DatasourceKind;
    name: string | null;
    configured: boolean;
    /** Null where it was not asked. */
    reachable: boolean | null;
    trouble: string | null;
  };
  window: { start: Date; stop: Date; granularityS: number; evaluationPeriods: number; lagS: number };
  /** As they were sent, without hosts and credentials. */
  requests: string[];
  /** What the backend said, where that is no data. */
  refusal: string | null;
  /** Null for questions whose answers are not compared with a threshold. */
  condition: (ThresholdCondition & { effectiveThreshold: number }) | null;
  /** How many datapoints were compared, and how many of them fulfil the condition. */
  compared: number;
  outside: number;
  /** What the last of the compared datapoints is; null where none was compared. */
  mostRecent: number | null;
  /** In an order of their own: series after series, oldest first. */
  datapoints: Datapoint[];
  datapointsNotShown: number;
  /** Of PromQL's answers; null for those of backends that have no series to tell apart. */
  series: ExplainedSeries[] | null;
  seriesNotShown: number;
  judgedSeries: JudgedSeriesCount | null;
  /** Of a load balancer's pool. */
  poolMembers: ExplainedPoolMember[] | null;
  /** The part of a composite rule that asks this. */
  part: { name: string; type: string; verdict: Verdict | null; options: EvaluationOptions } | null;
}

export interface ExplainedSeries {
  /** Its number, which its datapoints have too. */
  series: number;
  /** As the backend gave them, but for those that are too long to be shown. */
  labels: SeriesLabels;
  labelsNotShown: number;
  /** What it came to alone; null where it had no datapoint to judge. */
  verdict: Verdict | null;
  compared: number;
  outside: number;
}

/** What became of all series of an answer that had a datapoint to judge, be they shown or not. */
export interface JudgedSeriesCount {
  count: number;
  inAlarm: number;
  /** Of those in alarm a few, for people in a hurry. */
  first: { name: string; mostRecent: number | null }[];
  /** The last that has enough datapoints, whose side a trend takes. */
  last: string | null;
}

export interface ExplainedPoolMember {
  member: PoolMember;
  unhealthy: boolean;
}

export interface Datapoint {
  at: Date | null;
  /** A number, or the text of a value that is not a number; `inf` and `-inf` are infinite values. */
  value: number | string | null;
  /** Set where there are several series. */
  series: number | undefined;
  used: boolean;
  /** Why it was not compared. */
  why: string | undefined;
  /** Such as `91.0 > 80.0`, and whether that is so. */
  comparison: string | undefined;
  outside: boolean | undefined;
}

export interface ExplainedEvaluation {
  /** Null where nobody could look. */
  verdict: Verdict | null;
  wouldBe: AlarmState;
  decision: 'stay' | 'transition' | 'repeat';
  reason: string;
}

export interface ExplainedSchedule {
  partition: number | null;
  owner: string | null;
  epoch: number | null;
  lastEvaluatedAt: Date | null;
  /** Null for alarms that no evaluator looks at by the clock. */
  nextEvaluationAt: Date | null;
  /**
   * How long the alarm has been due and not evaluated, because of too many requests; null if it is on time, and for
   * moments of the past.
   */
  behindMs: number | null;
  intervalMs: number;
  muted: boolean;
  enabled: boolean;
}
