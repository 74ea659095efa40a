import { noteProject } from '../audit/request-audit.js';
import { scopeOf } from '../identity/authorize.js';
import type { ComplexQueries } from '../ports.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { queriedAlarmAnswer } from '../answers/alarm-answer.js';
import { ALARM_QUERY, complexQuery, complexQueryRequest, HISTORY_QUERY } from '../schema/complex-query.js';
import { historyAnswer } from '../answers/history-answer.js';

export interface QueryRoutesDeps {
  queries: ComplexQueries;
  queryLimit: ConcurrencyLimit;
}

/** The path above those of complex queries. As in Aodh it exists and has no method. */
export const QUERY_ROOT = '/v2/query';

/** `/v2/query/alarms` and `/v2/query/alarms/history`. */
export function queryRoutes(deps: QueryRoutesDeps): Route[] {
  const row = { method: 'POST', policy: 'reader', body: SMALL_BODY } as const;
  return [
    { ...row, audit: 'alarm.query', path: `${QUERY_ROOT}/alarms`, prepare: (request) => queryAlarms(deps, request) },
    {
      ...row,
      audit: 'alarm.query_history',
      path: `${QUERY_ROOT}/alarms/history`,
      prepare: (request) => queryHistory(deps, request),
    },
  ];
}

/** As in Aodh, the role is checked after the body and before the expressions in the body. */
function queryAlarms({ queries, queryLimit }: QueryRoutesDeps, asked: ApiRequest): () => ApiAnswer {
  const { identity } = asked;
  const request = complexQueryRequest(asked.body);
  return () => {
    const query = complexQuery(request, ALARM_QUERY, identity);
    noteProject(asked);
    const alarms = queries.alarms(scopeOf(identity), query);
    return { status: 200, pages: queryLimit.limitLongAnswer(identity.projectId, shown(alarms, queriedAlarmAnswer)) };
  };
}

function queryHistory({ queries, queryLimit }: QueryRoutesDeps, asked: ApiRequest): () => ApiAnswer {
  const { identity } = asked;
  const request = complexQueryRequest(asked.body);
  return () => {
    const query = complexQuery(request, HISTORY_QUERY, identity);
    noteProject(asked);
    const entries = queries.history(scopeOf(identity), query);
    return { status: 200, pages: queryLimit.limitLongAnswer(identity.projectId, shown(entries, historyAnswer)) };
  };
}

async function* shown<Row, Answer>(
  pages: AsyncIterable<readonly Row[]>,
  answer: (row: Row) => Answer,
): AsyncIterable<readonly Answer[]> {
  for await (const page of pages) yield page.map(answer);
}
