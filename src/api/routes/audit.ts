import { AppError } from '../../errors.js';
import { AUDIT_OUTCOMES, printable, type AuditEntry } from '../../storage/audit/audit-entry.js';
import type { AuditQuery } from '../../storage/audit/audit-store.js';
import type { Scope } from '../../storage/scope.js';
import { auditAnswer } from '../answers/audit-answer.js';
import { AUDIT_ACTIONS } from '../audit/audit-actions.js';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { momentIn, oneOf, pageLimit } from '../http/parameter-values.js';
import type { QueryParameters } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { AuditTrail } from '../ports.js';

export interface AuditRoutesDeps {
  auditTrail: AuditTrail;
  audit: Pick<AuditRecorder, 'stored'>;
}

const LIMIT = { byDefault: 100, max: 1_000 };
const FILTERS = ['project_id', 'actor', 'action', 'object_id', 'outcome', 'since', 'until'];

/** `/v1/audit`: the audit trail. An admin of one project sees the entries of that project. */
export function auditRoutes(deps: AuditRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/audit',
      policy: 'project_admin',
      audit: 'audit.list',
      query: [...FILTERS, 'limit', 'marker'],
      handle: (request) => list(deps, request),
    },
  ];
}

/** Lists entries, newest first. Those that this process recorded before the request are stored first. */
async function list({ auditTrail, audit }: AuditRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const limit = pageLimit(query, LIMIT);
  const scope = scopeOf(identity);
  const filter = filterOf(query);
  noteProject(request, filter.projectId);
  await audit.stored();
  const marker = query.marker();
  const after = marker === undefined ? undefined : await markedEntry(auditTrail, scope, marker);
  const found = await auditTrail.list(scope, { ...filter, limit, after });
  return { status: 200, body: found.map((entry) => auditAnswer(entry, isAdmin(identity) ? null : identity.projectId)) };
}

async function markedEntry(auditTrail: AuditTrail, scope: Scope, marker: string): Promise<AuditEntry> {
  const [entry] = await auditTrail.list(scope, { id: marker, limit: 1 });
  if (!entry) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  return entry;
}

function filterOf(query: QueryParameters): Omit<AuditQuery, 'limit'> {
  return {
    projectId: printableIn(query, 'project_id'),
    actor: printableIn(query, 'actor'),
    action: oneOf(AUDIT_ACTIONS, query, 'action'),
    objectId: printableIn(query, 'object_id'),
    outcome: oneOf(AUDIT_OUTCOMES, query, 'outcome'),
    since: momentIn(query, 'since'),
    until: momentIn(query, 'until'),
  };
}

function printableIn(query: QueryParameters, name: string): string | undefined {
  const text = query.one(name);
  return text === undefined ? undefined : printable(text);
}
