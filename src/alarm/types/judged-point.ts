import type { Verdict } from '../decide.js';

/** A datapoint of an answer, as a judgement took it. */
export type JudgedPoint = {
  /** Which series of the answer; only PromQL can give more than one. */
  series: number;
  at: number;
} & (
  | { value: number; /** Whether the compared value fulfils the rule's condition. */ outside: boolean }
  | { /** NaN if infinite values gave no number. */ value: number; /** Why it was not compared. */ leftOut: string }
);

/** What a series that has points comes to when it is judged alone. */
export interface JudgedSeries {
  series: number;
  verdict: Verdict;
}

/** Told of all that the answers to one rule come to; only those who explain an alarm listen. */
export interface JudgementListener {
  point(point: JudgedPoint): void;
  series(series: JudgedSeries): void;
}
