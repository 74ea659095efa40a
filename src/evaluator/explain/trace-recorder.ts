import type { SeriesLabels } from '../../alarm/series.js';
import type { Trace } from '../../datasource/datasource.js';
import type { PlannedRequest } from '../plan.js';

type Dropped = Parameters<Trace['dropped']>[0];

/** What was heard while backends were asked, by the keys of the questions. */
export interface Overheard {
  traceOf(request: PlannedRequest): Trace;
  requestsOf(key: string): string[];
  droppedOf(key: string): readonly Dropped[];
  /** Of the series of the answer, in its order; empty where the backend's have none. */
  labelsOf(key: string): readonly SeriesLabels[];
}

/** Somebody who listens in on questions. Requests that serve several questions are heard for each of them. */
export function overhear(): Overheard {
  const requests = new Map<string, string[]>();
  const dropped = new Map<string, Dropped[]>();
  const labels = new Map<string, SeriesLabels[]>();
  return {
    traceOf: ({ queries }) => ({
      sent: (request) => {
        for (const { key } of queries) add(requests, key, request);
      },
      dropped: (point) => add(dropped, point.key, point),
      labelled: (series) => add(labels, series.key, series.labels),
    }),
    requestsOf: (key) => requests.get(key) ?? [],
    droppedOf: (key) => dropped.get(key) ?? [],
    labelsOf: (key) => labels.get(key) ?? [],
  };
}

function add<T>(to: Map<string, T[]>, key: string, one: T): void {
  const others = to.get(key);
  if (others) others.push(one);
  else to.set(key, [one]);
}
