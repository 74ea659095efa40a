import type { MeterQuery, Series } from '../alarm/series.js';

/** Several questions put to a backend at once: all over the same periods, so that one request can carry them. */
export interface SeriesRequest {
  granularityS: number;
  /** Length of the window that ends (exclusively) at the moment of evaluation, in periods. */
  periods: number;
  /** `key` names the question in the answer. */
  questions: readonly { key: string; query: MeterQuery }[];
}

/** A metrics backend. One folder each; `registry.ts` lists them. */
export interface Datasource {
  /**
   * The series of every question, oldest point first; a question without data has an empty series.
   * Rejects when the backend cannot be asked: that is trouble, not absence of data.
   */
  series(request: SeriesRequest, now: Date, signal: AbortSignal): Promise<ReadonlyMap<string, Series>>;
}
