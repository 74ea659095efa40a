import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import type { QueryContext, Datasource, Datasources, Trace } from '../datasource/datasource.js';
import type { PlannedRequest } from './plan.js';

export type BackendAnswers = ReadonlyMap<string, BackendAnswer>;

const NONE: BackendAnswers = new Map();

/**
 * Puts a planned request to its datasource. Answers are by the keys of the questions; where nobody is configured there
 * are none.
 */
export async function askPlanned(
  datasources: Datasources,
  { datasource, backend, ...request }: PlannedRequest,
  asking: QueryContext,
): Promise<BackendAnswers> {
  // The plan puts questions together by their datasource, so that each gets those it understands.
  const asked = datasources.find(datasource, backend) as Datasource<SeriesNeed['query']> | undefined;
  return asked?.answers(request, asking) ?? NONE;
}

export interface AskingAll extends Pick<QueryContext, 'now' | 'signal'> {
  /** Who listens in on a request. */
  traceOf?: (request: PlannedRequest) => Trace;
}

/** All of an alarm's requests at once, with all of their answers. */
export async function askAll(
  datasources: Datasources,
  requests: readonly PlannedRequest[],
  { now, signal, traceOf }: AskingAll,
): Promise<BackendAnswers> {
  const answers = await Promise.all(
    requests.map((planned) => askPlanned(datasources, planned, { now, signal, trace: traceOf?.(planned) })),
  );
  return new Map(answers.flatMap((some) => [...some]));
}
