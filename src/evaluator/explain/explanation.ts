import type { AlarmState } from '../../alarm/state.js';
import type { Verdict } from '../../alarm/decide.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import type { DatasourceKind, PoolMember, SeriesLabels } from '../../alarm/series.js';
import type { OpenSilence } from '../../alarm/silence/silence.js';
import type { TimeConstraint } from '../../alarm/time-constraint/time-constraint.js';
import type { AlarmKind } from '../../alarm/types/index.js';
import type { ThresholdCondition } from '../../alarm/types/threshold-judgement.js';
import type { Firing } from '../../storage/evaluation/explanation-store.js';

/** Why an alarm is in its state: what an evaluation finds, made by the code of the evaluator. */
export interface Explanation {
  at: Date;
  stateAt: StateThen;
  /** One or two sentences. */
  summary: string;
  /** Further sentences about the alarm. */
  notes: string[];
  judgedBy: 'series' | 'members' | 'events';
  options: EvaluationOptions;
  queries: ExplainedQuery[];
  timeConstraints: { within: boolean; constraints: { constraint: TimeConstraint; holds: boolean }[] };
  evaluation: ExplainedEvaluation;
  /** The members of a combination; null for other kinds. */
  members: { alarmId: string; state: AlarmState | null }[] | null;
  /** The last firing of an event alarm; null if there was none. */
  lastFiring: Firing | null;
  /** The silences that hold the alarm at present. */
  silences: readonly OpenSilence[];
  schedule: ExplainedSchedule;
}

/** The state at the explained moment. */
export interface StateThen {
  state: AlarmState;
  since: Date | null;
  reason: string | null;
  /** Where the state is known from. */
  from: 'the alarm' | 'its history';
}

/** A query to a backend, its answer, and what the judgement did with it. */
export interface ExplainedQuery {
  backend: {
    kind: DatasourceKind;
    name: string | null;
    configured: boolean;
    /** Null if no request was sent. */
    reachable: boolean | null;
    /** The reason of the outage; null if there is none. */
    outage: string | null;
  };
  window: { start: Date; stop: Date; granularityS: number; evaluationPeriods: number; lagS: number };
  /** The requests as they were sent, without hosts and credentials. */
  requests: string[];
  /** The error text of the backend; null if it sent data. */
  refusal: string | null;
  /** Null for queries whose answers are not compared with a threshold. */
  condition: (ThresholdCondition & { effectiveThreshold: number }) | null;
  /** The number of compared datapoints, and how many of them fulfil the condition. */
  compared: number;
  outside: number;
  /** The last compared datapoint; null if none was compared. */
  mostRecent: number | null;
  /** Ordered by series, oldest first. */
  datapoints: Datapoint[];
  datapointsNotShown: number;
  /** The series of a PromQL answer; null for backends whose answers have one series. */
  series: ExplainedSeries[] | null;
  seriesNotShown: number;
  judgedSeries: JudgedSeriesCount | null;
  /** The members of a load balancer's pool. */
  poolMembers: ExplainedPoolMember[] | null;
  /** The part of a composite rule that has this query; null for other rules. */
  part: { name: string; type: AlarmKind; verdict: Verdict | null; options: EvaluationOptions } | null;
}

/** One series of a PromQL answer. */
export interface ExplainedSeries {
  /** Its number. Its datapoints have the same one. */
  series: number;
  /** The labels as the backend sent them. Labels beyond the length limit are left out. */
  labels: SeriesLabels;
  labelsNotShown: number;
  /** The verdict on this series by itself; null if it had no datapoint to judge. */
  verdict: Verdict | null;
  compared: number;
  outside: number;
}

/** Counts of all series of an answer that had a datapoint to judge, shown or not. */
export interface JudgedSeriesCount {
  count: number;
  inAlarm: number;
  /** The names of a few series in alarm, for the summary. */
  first: { name: string; mostRecent: number | null }[];
  /** The last series with enough datapoints. A trend takes its side. */
  last: string | null;
}

/** A member of a load balancer's pool, as Octavia sent it. */
export interface ExplainedPoolMember {
  member: PoolMember;
  unhealthy: boolean;
}

/** A datapoint of an answer, compared or not. */
export interface Datapoint {
  at: Date | null;
  /** A number, or a text for a value that is not a number; `inf` and `-inf` are infinite values. */
  value: number | string | null;
  /** Set if there are several series. */
  series: number | undefined;
  used: boolean;
  /** Why it was not compared. */
  why: string | undefined;
  /** Such as `91.0 > 80.0`. `outside` says whether it is true. */
  comparison: string | undefined;
  outside: boolean | undefined;
}

/** The result of the evaluation. */
export interface ExplainedEvaluation {
  /** Null if the alarm could not be evaluated. */
  verdict: Verdict | null;
  wouldBe: AlarmState;
  decision: 'stay' | 'transition' | 'repeat';
  reason: string;
}

/** Which evaluator evaluates the alarm, and when. */
export interface ExplainedSchedule {
  partition: number | null;
  owner: string | null;
  epoch: number | null;
  lastEvaluatedAt: Date | null;
  /** Null for alarms that are not evaluated on a schedule. */
  nextEvaluationAt: Date | null;
  /**
   * How long the alarm has been due without being evaluated, because of too many requests. Null if it is on time, and
   * for past moments.
   */
  behindMs: number | null;
  intervalMs: number;
  muted: boolean;
  enabled: boolean;
}
