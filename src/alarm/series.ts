/**
 * A measurement over one period. Series are ordered, the oldest point first. A period without a measurement has no
 * point.
 */
export interface Point {
  /** Start of the period, milliseconds since the epoch. */
  at: number;
  /**
   * The results of the period by statistic (`avg`, `count`, …), or `value` if there is only one. Infinite values count.
   * A value that is absent or NaN is missing and is not compared.
   */
  values: Readonly<Record<string, number>>;
}

/** Points of one metric, oldest first. */
export type Series = readonly Point[];

/** The labels of a Prometheus series, by name. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** The labels in an answer, whose form no one has checked yet. Malformed ones are left out. */
export function seriesLabels(metric: unknown): SeriesLabels {
  if (typeof metric !== 'object' || metric === null) return {};
  return Object.fromEntries(
    Object.entries(metric).filter((label): label is [string, string] => typeof label[1] === 'string'),
  );
}

/** The series that a state is due to, in the order of the answer. */
export interface DecidingSeries {
  /** The first of them, a bounded number. */
  first: readonly { labels: SeriesLabels; value: number | undefined }[];
  /** How many there are. */
  total: number;
}

/** A member of a load balancer's pool, as Octavia sent it. */
export type PoolMember = Readonly<Record<string, unknown>>;

/**
 * The answer to a query.
 * - `series`: sanitised data; the list may be empty. Only PromQL gives more than one series.
 * - `members`: all members of a pool. Those created within the last `creationTimeS` seconds need not be healthy yet.
 * - `absent`: the backend has no such metric or resource; `reason` is Aodh's text for that.
 * - `refused`: the backend will never answer this query; `reason` is Aodh's text for that.
 * - `outage`: the backend is unavailable, which says nothing about the alarm. Clients see `reason`, so it has no
 *   addresses and no texts of libraries.
 */
export type BackendAnswer =
  | {
      kind: 'series';
      series: readonly Series[];
      /** The labels of each series, as they were sent: `seriesLabels` reads them. Absent where series have none. */
      labels?: readonly unknown[];
    }
  | { kind: 'members'; members: readonly PoolMember[]; creationTimeS: number }
  | { kind: 'absent'; reason: string }
  | {
      kind: 'refused';
      reason: string;
      /** The text of the query is at fault: it is refused over any window. */
      isFaultOfQuery?: true;
    }
  | {
      kind: 'outage';
      reason: string;
      /** The request was not sent in time, which says nothing about the backend. */
      isUnsent?: true;
    };

/**
 * What an alarm is judged by: the answer of a backend or, when the backend has been unavailable for longer than the
 * grace, `lasting outage` in its place. Then the data counts as unknown.
 */
export type JudgedAnswer = BackendAnswer | { kind: 'lasting outage'; reason: string };

/** Data that an alarm needs from a backend at each evaluation. */
interface Need<Datasource extends string, Query> {
  readonly datasource: Datasource;
  /** Name of the configured backend; null is the default one of its kind. */
  readonly backend: string | null;
  /** Alarms with equal keys share one answer. The key contains all fields below except `periods`. */
  readonly key: string;
  readonly query: Query;
  /** Length of one period, in seconds; 0 for queries about one moment. */
  readonly granularityS: number;
  /** Number of periods in the window. */
  readonly periods: number;
  /** Seconds from the end of the window to the moment of evaluation. */
  readonly lagS: number;
  /**
   * The answer depends on the beginning of the window, so a wider window does not contain it. Then `key` includes
   * `periods`.
   */
  readonly ownWindow?: boolean;
}

export type PrometheusNeed = Need<'prometheus', PrometheusQuery>;

/** The data that an alarm needs, for each kind of datasource. */
export type SeriesNeed =
  Need<'meters', MeterQuery> | Need<'gnocchi', GnocchiQuery> | PrometheusNeed | Need<'octavia', PoolQuery>;

/** The kinds of backends that evaluators query. */
export type DatasourceKind = SeriesNeed['datasource'];

/**
 * Equality conditions on the samples of one meter; all must hold. `metadata` keys are dotted paths, and values are
 * compared as text. `project` is the scope, set by the server; `projectId` is the author's condition and can only
 * narrow it.
 */
export interface MeterQuery extends ProjectScoped {
  meter: string;
  projectId?: string | undefined;
  userId?: string | undefined;
  resourceId?: string | undefined;
  source?: string | undefined;
  messageId?: string | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** The conditions contradict each other: no sample can match. */
  impossible?: boolean | undefined;
}

/** The project whose data may be read; null means all projects. */
interface ProjectScoped {
  project: string | null;
}

/** A query to Gnocchi. `method` is the rule's aggregation method, with `rate:` if it has that. */
export type GnocchiQuery =
  | ({ kind: 'resource'; resourceId: string; metric: string; method: string } & ProjectScoped)
  | ({ kind: 'metrics'; metrics: readonly string[]; method: string } & ProjectScoped)
  /** The search is JSON text and contains the condition on the project. */
  | { kind: 'resources'; search: string; resourceType: string; metric: string; method: string };

/** An instant query if the need's granularity is 0, otherwise a range query with the granularity as its step. */
export interface PrometheusQuery extends ProjectScoped {
  promql: string;
}

/** The members of a load balancer's pool. */
export interface PoolQuery extends ProjectScoped {
  poolId: string;
}

/** The beginning of the window, in milliseconds. Points before it belong to other alarms that share the answer. */
export function windowStart(
  { datasource, granularityS, periods, lagS }: Pick<SeriesNeed, 'datasource' | 'granularityS' | 'periods' | 'lagS'>,
  now: number,
): number {
  const stop = now - lagS * 1000;
  const step = granularityS * 1000;
  // The end of a range is its newest point.
  if (datasource === 'prometheus') return stop - (periods - 1) * step;
  const start = stop - periods * step;
  // Gnocchi's periods begin at multiples of their length. A period that begins before the window and reaches into it is
  // part of it.
  return datasource === 'gnocchi' ? Math.floor(start / step) * step : start;
}
