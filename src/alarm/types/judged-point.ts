import type { Verdict } from '../decide.js';

/** A datapoint of an answer and how it was judged. */
export type JudgedPoint = {
  /** The index of its series in the answer; only PromQL gives more than one. */
  series: number;
  at: number;
} & (
  | { value: number; /** Whether the compared value fulfils the rule's condition. */ outside: boolean }
  | { /** NaN if infinite values gave no number. */ value: number; /** Why it was not compared. */ leftOut: string }
);

/** The verdict on one series by itself, if it has points. */
export interface JudgedSeries {
  series: number;
  verdict: Verdict;
}

/** Receives the details of a judgement. Only `explain` uses it. */
export interface JudgementListener {
  point(point: JudgedPoint): void;
  series(series: JudgedSeries): void;
}
