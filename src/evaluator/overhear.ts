import type { Trace } from '../datasource/datasource.js';
import type { PlannedRequest } from './plan.js';

type Dropped = Parameters<Trace['dropped']>[0];

/** What was heard while backends were asked, by the keys of the questions. */
export interface Overheard {
  traceOf(request: PlannedRequest): Trace;
  requestsOf(key: string): string[];
  droppedOf(key: string): Dropped[];
}

/** Somebody who listens in on questions. Requests that serve several questions are heard for each of them. */
export function overhear(): Overheard {
  const requests = new Map<string, string[]>();
  const dropped = new Map<string, Dropped[]>();
  const add = <T>(to: Map<string, T[]>, key: string, one: T): void => void to.set(key, [...(to.get(key) ?? []), one]);
  return {
    traceOf: ({ questions }) => ({
      sent: (request) => {
        for (const { key } of questions) add(requests, key, request);
      },
      dropped: (point) => add(dropped, point.key, point),
    }),
    requestsOf: (key) => requests.get(key) ?? [],
    droppedOf: (key) => dropped.get(key) ?? [],
  };
}
