import { AppError } from '../../errors.js';
import { maskSecrets } from '../../logger.js';
import type { ApiKeySelection, NewApiKey } from '../../storage/secrets/api-key-store.js';
import { parseWith } from '../http/faultstring.js';
import { generateApiKey } from '../identity/api-key-form.js';
import { noteProject } from '../audit/request-audit.js';
import { holds, isAdmin, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import { ROLES } from '../../role.js';
import type { ApiKeyAdmin } from '../ports.js';
import { invalidInput } from '../http/query-parameters.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { ApiKeyRequest } from '../schema/api-key-request.js';
import { apiKeyAnswer, type NewApiKeyAnswer } from '../answers/api-key-answer.js';

export interface ApiKeyRoutesDeps {
  apiKeys: ApiKeyAdmin;
  /** Life of a key that is made without `expires_in`. */
  keyLifetimeMs: number;
  now: () => Date;
}

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;
const SECOND_MS = 1_000;

/**
 * `/v1/api-keys`: keys of the caller's project, with at most the caller's rights. Only their creation shows a secret.
 */
export function apiKeyRoutes(deps: ApiKeyRoutesDeps): Route[] {
  const path = '/v1/api-keys';
  const filters = ['project_id', 'limit', 'marker'];
  return [
    {
      method: 'GET',
      path,
      policy: 'member',
      audit: 'api_key.list',
      query: filters,
      handle: (request) => list(deps, request),
    },
    {
      method: 'POST',
      path,
      policy: 'member',
      audit: 'api_key.create',
      keyed: 'transaction',
      showsSecret: true,
      body: SMALL_BODY,
      handle: (request) => create(deps, request),
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      policy: 'member',
      audit: 'api_key.revoke',
      handle: (request) => revoke(deps, request),
    },
  ];
}

/** Newest first. Admins see the keys of all projects. */
async function list({ apiKeys }: ApiKeyRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const limit = query.limit() ?? DEFAULT_LIMIT;
  if (limit > MAX_LIMIT) throw invalidInput('limit', String(limit), `at most ${MAX_LIMIT}`);
  const scope = scopeOf(identity);
  const projectId = query.one('project_id');
  if (projectId !== undefined) refuseOtherProject(identity, projectId);
  noteProject(request, projectId);
  const selection = { ...within(identity), projectId };
  const marker = query.marker();
  const [after] = marker === undefined ? [] : await apiKeys.list(scope, { ...selection, id: marker, limit: 1 });
  if (marker !== undefined && !after) throw new AppError('invalid_request', `Marker ${marker} not found.`);
  const found = await apiKeys.list(scope, { ...selection, limit, after });
  return { status: 200, body: found.map(apiKeyAnswer) };
}

async function create(
  { apiKeys, keyLifetimeMs, now }: ApiKeyRoutesDeps,
  { identity, body, note, write }: ApiRequest,
): Promise<ApiAnswer> {
  const request = parseWith(ApiKeyRequest, { argument: 'data', value: body ?? {} });
  const { key, ...parts } = generateApiKey();
  const createdAt = now();
  const lifeMs = request.expires_in === undefined ? keyLifetimeMs : request.expires_in * SECOND_MS;
  const expiresAt = new Date(createdAt.getTime() + lifeMs);
  const record = { ...parts, ...grantedTo(identity, request), createdAt, expiresAt };
  note({ objectId: record.id, projectId: record.projectId });
  const created = { key, ...apiKeyAnswer({ ...record, revokedAt: null, lastUsedAt: null }) } satisfies NewApiKeyAnswer;
  return write(async () => {
    await apiKeys.create(record);
    return { status: 201, body: created };
  });
}

async function revoke({ apiKeys, now }: ApiKeyRoutesDeps, { identity, params, note }: ApiRequest): Promise<ApiAnswer> {
  const id = params['id'] ?? '';
  const revoked = await apiKeys.revoke(scopeOf(identity), { id, ...within(identity) }, now());
  // A client may have sent a whole key instead of its id.
  if (!revoked) throw new AppError('not_found', `API key ${maskSecrets(id)} not found`);
  note({ projectId: revoked.projectId });
  return { status: 204 };
}

/** Hides keys with more rights than the caller has. */
function within(identity: Identity): ApiKeySelection {
  return { roles: ROLES.filter((role) => holds(identity, role)), allProjects: isAdmin(identity) };
}

type Granted = Pick<NewApiKey, 'projectId' | 'userId' | 'role' | 'allProjects' | 'description' | 'createdBy'>;

/** @throws AppError `forbidden` if the key would have more rights than the caller. */
function grantedTo(identity: Identity, request: ApiKeyRequest): Granted {
  const { role, description, all_projects: allProjects } = request;
  const projectId = request.project_id ?? identity.projectId;
  if (projectId === null) throw invalidInput('project_id', 'None', 'Mandatory field missing.').at(['project_id']);
  refuseOtherProject(identity, projectId);
  if (allProjects && role !== 'admin')
    throw invalidInput('all_projects', 'True', 'only for keys of the role admin').at(['all_projects']);
  const createdBy = identity.userId ?? '';
  const userId = request.user_id ?? createdBy;
  const isForAdmins = allProjects || userId !== createdBy;
  if (!holds(identity, role) || (isForAdmins && !isAdmin(identity)))
    throw new AppError('forbidden', 'RBAC Authorization Failed');
  return { projectId, userId, role, allProjects, description, createdBy };
}

function refuseOtherProject(identity: Identity, projectId: string): void {
  if (!isAdmin(identity) && projectId !== identity.projectId) {
    throw new AppError('not_found', `Project ${projectId} not found`);
  }
}
