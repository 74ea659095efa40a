import { AppError } from '../../errors.js';
import { AUDIT_OUTCOMES, printable, type AuditEntry } from '../../storage/audit/audit-entry.js';
import type { AuditQuery } from '../../storage/audit/audit-store.js';
import type { Scope } from '../../storage/scope.js';
import { auditAnswer } from '../answers/audit-answer.js';
import { AUDIT_ACTIONS } from '../audit/audit-actions.js';
import type { AuditRecorder } from '../audit/audit-recorder.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { AuditTrail } from '../ports.js';
import { parseTimestamp } from '../schema/timestamp.js';

export interface AuditRoutesDeps {
  auditTrail: AuditTrail;
  audit: Pick<AuditRecorder, 'stored'>;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
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
  const limit = query.limit() ?? DEFAULT_LIMIT;
  if (limit > MAX_LIMIT) throw invalidInput('limit', String(limit), `at most ${MAX_LIMIT}`);
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
    projectId: textIn(query, 'project_id'),
    actor: textIn(query, 'actor'),
    action: oneOf(AUDIT_ACTIONS, query, 'action'),
    objectId: textIn(query, 'object_id'),
    outcome: oneOf(AUDIT_OUTCOMES, query, 'outcome'),
    since: momentIn(query, 'since'),
    until: momentIn(query, 'until'),
  };
}

function textIn(query: QueryParameters, name: string): string | undefined {
  const text = query.one(name);
  return text === undefined ? undefined : printable(text);
}

function oneOf<Text extends string>(known: readonly Text[], query: QueryParameters, name: string): Text | undefined {
  const text = query.one(name);
  const value = known.find((each) => each === text);
  if (text !== undefined && value === undefined)
    throw invalidInput(name, text, `Value should be one of: ${known.join(', ')}`);
  return value;
}

function momentIn(query: QueryParameters, name: string): Date | undefined {
  const text = query.one(name);
  const at = text === undefined ? undefined : parseTimestamp(text);
  if (text !== undefined && at === undefined) throw invalidInput(name, text, 'It is not a timestamp in ISO 8601.');
  return at;
}
