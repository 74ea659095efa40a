import { AppError } from '../../errors.js';
import type { Quota } from '../../storage/alarms/quota-store.js';
import { parseWith } from '../http/faultstring.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { Quotas } from '../ports.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { quotasAnswer } from '../answers/quota-answer.js';
import { QuotaRequest } from '../schema/quota-request.js';

export interface QuotaRoutesDeps {
  quotas: Quotas;
  /** Limit of projects without a quota. */
  projectAlarmQuota: number;
}

/** `/v2/quotas`. */
export function quotaRoutes(deps: QuotaRoutesDeps): Route[] {
  const path = '/v2/quotas';
  const named = `${path}/:id`;
  const query = ['project_id'];
  const ignoresOtherQuery = true;
  const ofPath = ({ params }: ApiRequest): string | undefined => params['id'];
  const ofQuery = (request: ApiRequest): string | undefined => request.query.one('project_id');
  return [
    {
      method: 'GET',
      path,
      policy: 'reader',
      audit: 'quota.read',
      query,
      ignoresOtherQuery,
      handle: (asked) => show(deps, asked, ofQuery(asked)),
    },
    {
      method: 'POST',
      path,
      policy: 'admin',
      audit: 'quota.set',
      keyed: 'transaction',
      body: SMALL_BODY,
      prepare: (asked) => set(deps, asked),
    },
    {
      method: 'DELETE',
      path,
      policy: 'admin',
      audit: 'quota.reset',
      query,
      prepare: (asked) => remove(deps, asked, ofQuery(asked)),
    },
    {
      method: 'GET',
      path: named,
      policy: 'reader',
      audit: 'quota.read',
      ignoresOtherQuery,
      handle: (asked) => show(deps, asked, ofPath(asked)),
    },
    {
      method: 'DELETE',
      path: named,
      policy: 'admin',
      audit: 'quota.reset',
      prepare: (asked) => remove(deps, asked, ofPath(asked)),
    },
  ];
}

/**
 * Reads the quota. (Aodh stores the default as the project's quota when it is read, and then refuses new alarms. Here a
 * GET changes nothing.)
 */
async function show(
  { quotas, projectAlarmQuota }: QuotaRoutesDeps,
  { identity, note }: ApiRequest,
  wanted: string | undefined,
): Promise<ApiAnswer> {
  const projectId = theProject(wanted || (identity.projectId ?? undefined));
  note({ objectId: projectId });
  if (projectId !== identity.projectId && !isAdmin(identity))
    throw new AppError('forbidden', 'RBAC Authorization Failed');
  note({ projectId });
  const set = await quotas.list(scopeOf(identity), projectId);
  const shown: readonly Quota[] = set.length > 0 ? set : [{ resource: 'alarms', limit: projectAlarmQuota }];
  return { status: 200, body: quotasAnswer(projectId, shown) };
}

function set({ quotas }: QuotaRoutesDeps, { body, note, write }: ApiRequest): () => Promise<ApiAnswer> {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "body"');
  const wanted = parseWith(QuotaRequest, { argument: 'body', value: body });
  note({ objectId: wanted.project_id });
  return async () => {
    note({ projectId: wanted.project_id, changed: wanted.quotas.map(({ resource }) => resource) });
    return write(async () => {
      const quotasSet = await quotas.set(wanted.project_id, wanted.quotas);
      return { status: 201, body: quotasAnswer(wanted.project_id, quotasSet) };
    });
  };
}

function remove(
  { quotas }: QuotaRoutesDeps,
  { note }: ApiRequest,
  wanted: string | undefined,
): () => Promise<ApiAnswer> {
  const projectId = theProject(wanted);
  note({ objectId: projectId });
  return async () => {
    note({ projectId });
    await quotas.remove(projectId);
    return { status: 204 };
  };
}

function theProject(projectId: string | undefined): string {
  if (projectId === undefined) throw new AppError('invalid_request', 'Missing argument: "project_id"');
  return projectId;
}
