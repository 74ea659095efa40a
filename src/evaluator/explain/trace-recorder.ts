import type { SeriesLabels } from '../../alarm/series.js';
import type { Trace } from '../../datasource/datasource.js';
import type { PlannedRequest } from '../plan.js';

type Dropped = Parameters<Trace['dropped']>[0];

/** Records the traces of requests, by the keys of their queries. */
export interface TraceRecorder {
  traceOf(request: PlannedRequest): Trace;
  requestsOf(key: string): string[];
  droppedOf(key: string): readonly Dropped[];
  /** Labels of the answer's series, in its order; empty if the backend has no labels. */
  labelsOf(key: string): readonly SeriesLabels[];
}

/** Creates a recorder. A request that serves several queries is recorded for each of them. */
export function createTraceRecorder(): TraceRecorder {
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

/**
 * Traces of requests whose series have labels. Other requests have none: backends answer traced requests without what
 * they remember, so that all requests are seen, which only an explanation needs.
 */
export function labelTraces({ traceOf }: TraceRecorder): (request: PlannedRequest) => Trace | undefined {
  return (request) => (request.datasource === 'prometheus' ? traceOf(request) : undefined);
}

function add<T>(to: Map<string, T[]>, key: string, one: T): void {
  const others = to.get(key);
  if (others) others.push(one);
  else to.set(key, [one]);
}
