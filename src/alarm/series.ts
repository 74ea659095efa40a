/**
 * A backend's answer about one question: what was measured, period by period, oldest first.
 * Periods without any measurement are absent; nothing fills gaps.
 */
export interface Point {
  /** Start of the period, milliseconds since the epoch. */
  at: number;
  /** What the backend computed over the period, by the name of the statistic (`avg`, `count`, …). */
  values: Readonly<Record<string, number>>;
}

export type Series = readonly Point[];

/** The question that an alarm puts to a backend at each evaluation. */
export interface SeriesNeed {
  datasource: 'meters';
  /** Alarms with equal keys can be served by one answer. */
  key: string;
  query: MeterQuery;
  /** Length of one period, in seconds. */
  granularityS: number;
  /** How many periods before the moment of evaluation the alarm looks at. */
  periods: number;
}

/** Equality conditions on the samples of one meter; all must hold. `metadata` keys are dotted paths, values are compared as text. */
export interface MeterQuery {
  meter: string;
  projectId?: string | undefined;
  userId?: string | undefined;
  resourceId?: string | undefined;
  source?: string | undefined;
  messageId?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** Conditions contradict each other: no sample can match. */
  impossible?: boolean | undefined;
}
