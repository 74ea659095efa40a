import type { DropReason } from '../alarm/sanitise.js';
import type { BackendAnswer, DatasourceKind, SeriesLabels, SeriesNeed } from '../alarm/series.js';
import type { QueueTicket, QueueOptions } from './gate/queue-ticket.js';

/** Several queries for one backend over the same window, so that they can share requests. */
export interface SeriesRequest<Query> {
  /** As in `SeriesNeed`; `periods` may be more than a single alarm needs. */
  granularityS: number;
  periods: number;
  lagS: number;
  /** Any number of queries; the datasource decides how many fit into one request. */
  queries: readonly KeyedQuery<Query>[];
}

/** A query with the key of its answer. */
export interface KeyedQuery<Query> extends QueueTicket {
  key: string;
  query: Query;
}

/** Records what happens to one query, for `explain`. */
export interface Trace {
  /** A request as it was sent: method, path with query, and body. No host, no credentials. */
  sent(request: string): void;
  /**
   * A point of the answer that was not accepted. `labels` are those of its series, as the same object that `labelled`
   * gets; absent where series have no labels.
   */
  dropped(point: { key: string; at: number | null; value: unknown; why: DropReason; labels?: SeriesLabels }): void;
  /** A series of the answer, in the order of the answer. Only called by backends whose series have labels. */
  labelled?(series: { key: string; labels: SeriesLabels }): void;
}

/** The circumstances that all queries of a call share. */
export interface QueryContext extends QueueOptions {
  /** The moment of evaluation. */
  now: Date;
  /** When this aborts, `answers` waits no longer for any answer. */
  signal: AbortSignal;
  /**
   * When this aborts, requests that are not yet sent are never sent, and their queries are answered with `isUnsent`.
   */
  sendBy?: AbortSignal | undefined;
  /** True for retries, which are sent after the requests of due alarms. */
  isRetry?: boolean | undefined;
  trace?: Trace | undefined;
}

/**
 * A backend that alarms query. Each has a folder of its own. A datasource may merge
 * queries into shared requests under one law: each query gets the answer that it would have had alone.
 */
export interface Datasource<Query> {
  /**
   * Resolves to an answer for each query, by its key. Never rejects: an unavailable backend is an answer too
   * (`outage`), so that the failure of one query cannot become that of others.
   */
  answers(request: SeriesRequest<Query>, context: QueryContext): Promise<ReadonlyMap<string, BackendAnswer>>;
  close?(): void;
}

/** Observes every request to one backend, for its health and its metrics. */
export interface BackendObserver {
  /** The backend answered. An answer that refuses the query is an answer. */
  succeeded(): void;
  /**
   * A request failed. `reason` is that of the `outage` answer; `cause` is for the log. `answersProbe`: the backend
   * does answer its probe, which is not reported by `succeeded`.
   */
  failed(reason: string, cause: unknown, answersProbe?: boolean): void;
}

/** The query of a need, by its kind of datasource. */
export type QueryOf<Kind extends DatasourceKind> = Extract<SeriesNeed, { datasource: Kind }>['query'];
