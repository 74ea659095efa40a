/**
 * A backend's answer about one question: what was measured, period by period, oldest first.
 * Periods without any measurement are absent; nothing fills gaps.
 */
export interface Point {
  /** Start of the period, milliseconds since the epoch. */
  at: number;
  /**
   * What the backend computed over the period, by the name of the statistic (`avg`, `count`, …); `value` where there is
   * only one. Infinite values are values. A value that is absent or NaN is missing and cannot be compared.
   */
  values: Readonly<Record<string, number>>;
}

export type Series = readonly Point[];

/** What tells a series of Prometheus from others: values by the names of labels. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** Member of a load balancer's pool, as Octavia answers it. */
export type PoolMember = Readonly<Record<string, unknown>>;

/**
 * What came of a question.
 * - `series`: data, sanitised; an empty list is an answer too. Only PromQL can give more than one series.
 * - `members`: of a pool, all that Octavia listed. Those made within the last `creationTimeS` seconds are not expected
 *   to be healthy yet.
 * - `absent`: the backend says that there is no such metric or resource; `reason` is Aodh's text for that.
 * - `refused`: the backend understood, and will never answer this question; `reason` likewise.
 * - `trouble`: it could not be asked, which says nothing about the alarm. `reason` is fit for everybody's eyes: no
 *   addresses, no texts of libraries.
 */
export type BackendAnswer =
  | { kind: 'series'; series: readonly Series[] }
  | { kind: 'members'; members: readonly PoolMember[]; creationTimeS: number }
  | { kind: 'absent'; reason: string }
  | {
      kind: 'refused';
      reason: string;
      /** It stands for trouble that has lasted too long to be waited for. */ standsForOutage?: true;
    }
  | {
      kind: 'trouble';
      reason: string;
      /** The request was not sent in time, which says nothing about the backend. */ isUnsent?: true;
    };

/** A question that an alarm puts to a backend at each evaluation. */
interface Need<Datasource extends string, Query> {
  readonly datasource: Datasource;
  /** Name of the configured backend; null is the default one of its kind. */
  readonly backend: string | null;
  /** Alarms with equal keys can be served by one answer: it holds everything below but `periods`. */
  readonly key: string;
  readonly query: Query;
  /** Length of one period, in seconds; 0 for questions about one moment alone. */
  readonly granularityS: number;
  /** How many periods before the end of the window the alarm looks at. */
  readonly periods: number;
  /** How long before the moment of evaluation the window ends, in seconds. */
  readonly lagS: number;
  /**
   * The answer depends on where the window begins: a part of a wider one's is another. Then `key` holds `periods` too.
   */
  readonly ownWindow?: boolean;
}

export type PrometheusNeed = Need<'prometheus', PrometheusQuery>;

export type SeriesNeed =
  Need<'meters', MeterQuery> | Need<'gnocchi', GnocchiQuery> | PrometheusNeed | Need<'octavia', PoolQuery>;

export type DatasourceKind = SeriesNeed['datasource'];

/**
 * Equality conditions on the samples of one meter; all must hold. `metadata` keys are dotted paths, values are compared
 * as text. `project` is the scope, set by the server; `projectId` is the author's own condition and can only narrow it.
 */
export interface MeterQuery extends Scoped {
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

/** Whose data a question may be answered from: one project's, or (null) everybody's. */
interface Scoped {
  project: string | null;
}

/** `method` is the rule's aggregation method, a `rate:` before it included. */
export type GnocchiQuery =
  | ({ kind: 'resource'; resourceId: string; metric: string; method: string } & Scoped)
  | ({ kind: 'metrics'; metrics: readonly string[]; method: string } & Scoped)
  /** The project's condition is part of the search, which is JSON text. */
  | { kind: 'resources'; search: string; resourceType: string; metric: string; method: string };

/** Asked at one moment when the need's granularity is 0, else over a range with the granularity as its step. */
export interface PrometheusQuery extends Scoped {
  promql: string;
}

export interface PoolQuery extends Scoped {
  poolId: string;
}

/** Where the window of an alarm that asks this begins, in milliseconds; points before are another alarm's. */
export function windowStart(
  { datasource, granularityS, periods, lagS }: Pick<SeriesNeed, 'datasource' | 'granularityS' | 'periods' | 'lagS'>,
  now: number,
): number {
  const stop = now - lagS * 1000;
  const step = granularityS * 1000;
  // The end of a range is its newest point.
  if (datasource === 'prometheus') return stop - (periods - 1) * step;
  const start = stop - periods * step;
  // Gnocchi's periods begin at multiples of their length, and one that has begun before the window belongs to it.
  return datasource === 'gnocchi' ? Math.floor(start / step) * step : start;
}
