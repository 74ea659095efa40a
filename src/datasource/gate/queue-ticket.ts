/** The project and the query of a request. No project has the name of a query. */
export interface RequestOrigin {
  project: string;
  query: string;
}

/**
 * A query with the place of its alarms among all waiting alarms. Queries of API requests (`explain`, backtest) have no
 * place.
 */
export interface QueueTicket {
  /** A number that rises with each alarm that becomes due. An alarm that was not evaluated keeps its ticket. */
  ticket?: number;
  /** Projects of the alarms that wait for the answer. */
  projects?: ReadonlySet<string>;
}

/** Where a request waits until it may be sent. */
export interface QueuePosition {
  /** The lowest ticket of the alarms that wait for the request. Lower tickets are served first. */
  ticket: number;
  /** The request is sent when any of these projects is served. Without projects it has a line of its own. */
  projects: readonly string[];
  /** The request answers several queries. */
  isShared: boolean;
  /** The request is a retry, which is served after requests of due alarms. */
  isRetry: boolean;
  /** A request that is not sent when this aborts is never sent. */
  sendBy: AbortSignal | undefined;
}

/** The options of a batch that place its requests; see `QueryContext`. */
export interface QueueOptions {
  sendBy?: AbortSignal | undefined;
  isRetry?: boolean | undefined;
}

/**
 * Most projects of one request. Each costs time when a request is chosen, and a request of so many projects is served
 * soon.
 */
const MOST_PROJECTS = 64;

/** The place of one request that answers all these queries. */
export function queuePositionOf(
  questions: readonly QueueTicket[],
  { sendBy, isRetry = false }: QueueOptions,
): QueuePosition {
  let ticket = Infinity;
  const projects = new Set<string>();
  for (const question of questions) {
    if (question.ticket !== undefined && question.ticket < ticket) ticket = question.ticket;
    for (const project of question.projects ?? []) {
      if (projects.size >= MOST_PROJECTS) break;
      projects.add(project);
    }
  }
  return { ticket, projects: [...projects], isShared: questions.length > 1, isRetry, sendBy };
}
