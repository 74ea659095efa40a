/** The project and the query of a request. No project has the name of a query. */
export interface RequestOrigin {
  project: string;
  query: string;
}

/** The position of a query among all waiting queries. Queries of API requests (`explain`, backtest) have none. */
export interface QueueTicket {
  /** A number that rises with each alarm that becomes due. An alarm that was not evaluated keeps its ticket. */
  ticket?: number;
  /** Projects of the alarms that wait for the answer. */
  projects?: ReadonlySet<string>;
}

/** The position of a request among the waiting requests. */
export interface QueuePosition {
  /** The lowest ticket of the alarms that wait for the request. Lower tickets are served first. */
  ticket: number;
  /** The request is sent when any of these projects is served. Without projects it has a queue of its own. */
  projects: readonly string[];
  /** The request answers several queries. */
  isShared: boolean;
  /** The request is a retry, which is served after requests of due alarms. */
  isRetry: boolean;
  /** A request that is not sent when this aborts is never sent. */
  sendBy: AbortSignal | undefined;
}

/** The parts of a `QueryContext` that position its requests. */
export interface QueueOptions {
  sendBy?: AbortSignal | undefined;
  isRetry?: boolean | undefined;
}

/**
 * Most projects of one request. Each costs time when a request is chosen, and a request of so many projects is served
 * soon.
 */
const MOST_PROJECTS = 64;

/** The position of one request that answers all queries with these tickets. */
export function queuePositionOf(
  tickets: readonly QueueTicket[],
  { sendBy, isRetry = false }: QueueOptions,
): QueuePosition {
  let ticket = Infinity;
  const projects = new Set<string>();
  for (const each of tickets) {
    if (each.ticket !== undefined && each.ticket < ticket) ticket = each.ticket;
    for (const project of each.projects ?? []) {
      if (projects.size >= MOST_PROJECTS) break;
      projects.add(project);
    }
  }
  return { ticket, projects: [...projects], isShared: tickets.length > 1, isRetry, sendBy };
}
