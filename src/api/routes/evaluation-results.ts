import { AppError } from '../../errors.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { Scope } from '../../storage/scope.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { EvaluationResults } from '../ports.js';
import { alarmResults, type EvaluationResultsAnswer } from '../answers/evaluation-results-answer.js';
import { booleanValue } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';

export interface EvaluationResultRoutesDeps {
  /** Undefined if results are not counted (`api.evaluation_results_metrics`). */
  evaluationResults: EvaluationResults | undefined;
}

/** Alarms that one SQL statement reads. Their rows are small. */
const PAGE = 2_000;

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

function list({ evaluationResults }: EvaluationResultRoutesDeps, { identity, query, note }: ApiRequest): ApiAnswer {
  if (!evaluationResults) throw new AppError('forbidden', 'metrics endpoint is disabled');
  const text = query.one('all_projects') || 'false'; // empty is absent, as in Aodh
  const allProjects = booleanValue({ value: text });
  if (allProjects && !isAdmin(identity)) throw new AppError('forbidden', 'RBAC Authorization Failed');
  if (allProjects) note({ projectId: ALL_PROJECTS });
  const projects = allProjects ? {} : { projectId: identity.projectId };
  return {
    status: 200,
    listName: 'evaluation_results',
    pages: pagesOf(evaluationResults, scopeOf(identity), projects),
  };
}

async function* pagesOf(
  results: EvaluationResults,
  scope: Scope,
  projects: { projectId?: string | null },
): AsyncIterable<EvaluationResultsAnswer['evaluation_results']> {
  let after: string | undefined;
  for (;;) {
    const page = await results.list(scope, { ...projects, after, limit: PAGE });
    yield page.map(alarmResults);
    if (page.length < PAGE) return;
    after = page.at(-1)?.alarmId;
  }
}
