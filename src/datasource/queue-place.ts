/** Where a request comes from. No project has the name of a question. */
export interface Origin {
  project: string;
  question: string;
}

/** A question of alarms that are due, with their place among all that wait. Without one, as of people who look at an alarm, there is no line to stand in. */
export interface Queued {
  /** Rises with each alarm that becomes due; an alarm that could not be asked about keeps its own. */
  ticket?: number;
  /** Of the alarms that wait for the answer. */
  projects?: ReadonlySet<string>;
}

/** Where a request waits until it may be sent. */
export interface Place {
  /** The lowest of the alarms that wait for it comes first. */
  ticket: number;
  /** It is sent in the turn of any of these; of none: in one of its own. */
  projects: readonly string[];
  /** Several questions are answered by it. */
  isShared: boolean;
  /** It is a retry: what is due comes first. */
  isRetry: boolean;
  /** What is not sent when this aborts is not sent. */
  sendBy: AbortSignal | undefined;
}

/** How a batch asks; as in `Asking`. */
export interface Queueing {
  sendBy?: AbortSignal | undefined;
  isRetry?: boolean | undefined;
}

/** Each project costs a look when a request is chosen; a request of more projects than this comes soon enough. */
const MOST_PROJECTS = 64;

/** The place of a request that answers all these questions. */
export function placeOf(questions: readonly Queued[], { sendBy, isRetry = false }: Queueing): Place {
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
