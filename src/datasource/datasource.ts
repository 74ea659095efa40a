import type { DropReason } from '../alarm/sanitise.js';
import type { BackendAnswer, DatasourceKind, SeriesLabels, SeriesNeed } from '../alarm/series.js';
import type { QueueTicket, QueueOptions } from './gate/queue-ticket.js';

/** Several questions put to a backend at once: all over the same window, so that requests can be shared. */
export interface SeriesRequest<Query> {
  /** As in `SeriesNeed`; `periods` may be more than a single alarm needs. */
  granularityS: number;
  periods: number;
  lagS: number;
  /**
   * `key` names the question in the answer. Of any number: how many fit into one request is the backend's own affair.
   */
  queries: readonly ({ key: string; query: Query } & QueueTicket)[];
}

/** Listens in on a question, for people who want to know why an alarm is in its state. */
export interface Trace {
  /** A request as it was sent: method, path with query, and body. No host, no credentials. */
  sent(request: string): void;
  /**
   * A point of the answer that was not believed. `labels` are of its series, the same object that `labelled` is told,
   * where there are any.
   */
  dropped(point: { key: string; at: number | null; value: unknown; why: DropReason; labels?: SeriesLabels }): void;
  /** A series of the answer, by a backend whose series have labels: one after the other, in the order of the answer. */
  labelled?(series: { key: string; labels: SeriesLabels }): void;
}

export interface QueryContext extends QueueOptions {
  /** The moment of evaluation. */
  now: Date;
  /** When this aborts, answers are no longer waited for. */
  signal: AbortSignal;
  /**
   * When this aborts, requests that are not yet sent are never sent, and their queries are answered with `isBehind`.
   */
  sendBy?: AbortSignal | undefined;
  /** True for retries, which are sent after the requests of due alarms. */
  isRetry?: boolean | undefined;
  trace?: Trace | undefined;
}

/**
 * A backend that alarms ask. One folder each; `registry.ts` lists them. Merging is an implementation's own business,
 * under one law: each question gets the answer that it would have had alone.
 */
export interface Datasource<Query> {
  /**
   * An answer to every question. Never rejects: trouble is an answer too, so that one question's cannot become that of
   * others.
   */
  answers(request: SeriesRequest<Query>, context: QueryContext): Promise<ReadonlyMap<string, BackendAnswer>>;
  close?(): void;
}

/** Told of every request to one backend, for its health and for figures. */
export interface BackendObserver {
  /** It answered; a refusal is an answer. */
  succeeded(): void;
  /**
   * As in a `trouble` answer; `cause` is for the log. `answersNeutral`: it does answer a question that is nobody's,
   * which nobody is told of.
   */
  failed(reason: string, cause: unknown, answersNeutral?: boolean): void;
}

/** The query of a need, by its kind of datasource. */
export type QueryOf<Kind extends DatasourceKind> = Extract<SeriesNeed, { datasource: Kind }>['query'];

/** What is configured. */
export interface Datasources {
  /** Undefined when there is no such backend. `name` is null for the default one of its kind. */
  find(kind: DatasourceKind, name: string | null): Datasource<never> | undefined;
  close(): void;
}
