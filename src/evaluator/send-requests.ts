import type { BackendAnswer } from '../alarm/series.js';
import type { QueryContext, Trace } from '../datasource/datasource.js';
import type { Datasources } from '../datasource/registry.js';
import type { PlannedRequest } from './plan.js';

/** Answers by the keys of the queries. */
export type BackendAnswers = ReadonlyMap<string, BackendAnswer>;

const NONE: BackendAnswers = new Map();

/** Sends a planned request to its datasource. The result is empty if the datasource is not configured. */
export async function sendRequest(
  datasources: Datasources,
  { datasource, backend, ...request }: PlannedRequest,
  context: QueryContext,
): Promise<BackendAnswers> {
  // The plan groups queries by datasource, so each datasource gets queries of its own type only.
  return datasources.find(datasource, backend)?.answers(request, context) ?? NONE;
}

/** The moment of evaluation, a signal that ends the requests, and optional traces. */
export interface RequestsContext extends Pick<QueryContext, 'now' | 'signal'> {
  /** Creates the listener of a request, for `explain`; undefined: the request has none. */
  traceOf?: (request: PlannedRequest) => Trace | undefined;
}

/** Sends all requests of an alarm at once and joins their answers. */
export async function sendRequests(
  datasources: Datasources,
  requests: readonly PlannedRequest[],
  { now, signal, traceOf }: RequestsContext,
): Promise<BackendAnswers> {
  const answers = await Promise.all(
    requests.map((planned) => sendRequest(datasources, planned, { now, signal, trace: traceOf?.(planned) })),
  );
  return new Map(answers.flatMap((some) => [...some]));
}
