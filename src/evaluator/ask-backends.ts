import type { BackendAnswer, SeriesNeed } from '../alarm/series.js';
import type { Asking, Datasource, Datasources, Trace } from '../datasource/datasource.js';
import type { PlannedRequest } from './plan.js';

export interface AskingBackends extends Pick<Asking, 'now' | 'signal'> {
  /** Who listens in on a request. */
  traceOf?: (request: PlannedRequest) => Trace;
}

/** Puts planned requests to their datasources, all at once. Answers by the keys of the questions; where nobody is configured there is none. */
export async function askBackends(
  datasources: Datasources,
  requests: readonly PlannedRequest[],
  { now, signal, traceOf }: AskingBackends,
): Promise<ReadonlyMap<string, BackendAnswer>> {
  const answers = await Promise.all(
    requests.map(async (planned): Promise<ReadonlyMap<string, BackendAnswer>> => {
      const { datasource, backend, ...request } = planned;
      // The plan puts questions together by their datasource, so that each gets those it understands.
      const asked = datasources.find(datasource, backend) as Datasource<SeriesNeed['query']> | undefined;
      const asking = { now, signal, ...(traceOf && { trace: traceOf(planned) }) };
      return (await asked?.answers(request, asking)) ?? new Map<string, BackendAnswer>();
    }),
  );
  return new Map(answers.flatMap((some) => [...some]));
}
