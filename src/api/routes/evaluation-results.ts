import { convertPages } from '../../async/pages.js';
import { AppError } from '../../errors.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { EvaluationResults } from '../ports.js';
import { alarmResults } from '../answers/evaluation-results-answer.js';
import { booleanValue } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';

export interface EvaluationResultRoutesDeps {
  /** Undefined if results are not counted (`api.evaluation_results_metrics`). */
  evaluationResults: EvaluationResults | undefined;
  readLimit: ConcurrencyLimit;
}

/** `/v2/metrics`: as in Aodh, the numbers of evaluation results by alarm and state. */
export function evaluationResultRoutes(deps: EvaluationResultRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v2/metrics',
      policy: 'reader',
      audit: 'alarm.count_results',
      query: ['all_projects'],
      handle: (request) => list(deps, request),
    },
  ];
}

function list({ evaluationResults, readLimit }: EvaluationResultRoutesDeps, request: ApiRequest): ApiAnswer {
  const { identity, query, note } = request;
  if (!evaluationResults) throw new AppError('forbidden', 'metrics endpoint is disabled');
  const text = query.one('all_projects') || 'false'; // empty is absent, as in Aodh
  const allProjects = booleanValue({ value: text });
  if (allProjects && !isAdmin(identity)) throw new AppError('forbidden', 'RBAC Authorization Failed');
  if (allProjects) note({ projectId: ALL_PROJECTS });
  const projects = allProjects ? {} : { projectId: identity.projectId };
  return {
    status: 200,
    listName: 'evaluation_results',
    pages: readLimit.limitLongAnswer(
      identity.projectId,
      convertPages(evaluationResults.list(scopeOf(identity), projects), alarmResults),
    ),
  };
}
