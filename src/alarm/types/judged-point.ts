/** A datapoint of an answer, as a judgement took it. */
export type JudgedPoint = {
  /** Which series of the answer; only PromQL can give more than one. */
  series: number;
  at: number;
} & (
  | { value: number; /** Whether the compared value fulfils the rule's condition. */ outside: boolean }
  | { value: number | null; /** Why it was not compared. */ leftOut: string }
);

/** Told of every point of the answers to one rule; only those who explain an alarm listen. */
export type OnJudgedPoint = (point: JudgedPoint) => void;
