import {
  listedMeterAnswer,
  listedResourceAnswer,
  type ListedMetersAnswer,
  type ListedResourcesAnswer,
} from '../answers/listed-meter-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { cursorAfter, cursorIn } from '../http/cursor.js';
import { pageLimit, textIn } from '../http/parameter-values.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import type { ApiRequest, Route } from '../http/route.js';
import { scopeWithin } from '../identity/authorize.js';
import type { ListedMeters } from '../ports.js';
import type { Scope } from '../../storage/scope.js';

export interface ListedMetersRoutesDeps {
  listedMeters: ListedMeters;
}

const LIMIT = { byDefault: 50, max: 100 };
const MAX_TEXT = 255;
const BY_NAME = [{ key: 'name', descending: false }] as const;
const BY_RESOURCE = [
  { key: 'resource_id', descending: false },
  { key: 'project_id', descending: false },
] as const;

/** `/v1/meters` and `/v1/resources`: the built-in meters as tables show them, of one project or, for admins, of all. */
export function listedMetersRoutes({ listedMeters }: ListedMetersRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/meters',
      policy: 'reader',
      audit: 'meter.list',
      query: ['name', 'search', 'resource_id', 'user_id', 'project_id', 'limit', 'cursor'],
      handle: (request) => listMeters(listedMeters, request),
    },
    {
      method: 'GET',
      path: '/v1/resources',
      policy: 'reader',
      audit: 'resource.list',
      query: ['meter', 'search', 'user_id', 'project_id', 'limit', 'cursor'],
      handle: (request) => listResources(listedMeters, request),
    },
  ];
}

async function listMeters(listedMeters: ListedMeters, request: ApiRequest): Promise<ApiAnswer> {
  const { query, signal } = request;
  const { scope, userId } = ownersOf(request);
  const filter = {
    userId,
    name: textIn(query, 'name', MAX_TEXT),
    search: searchIn(query),
    resourceId: textIn(query, 'resource_id', MAX_TEXT),
  };
  const after = cursorIn(query, BY_NAME, [])?.name;
  const limit = pageLimit(query, LIMIT);
  const { meters, next } = await listedMeters.meters(scope, { filter, limit, after, signal });
  const body = {
    meters: meters.map(listedMeterAnswer),
    next: next === undefined ? null : cursorAfter(BY_NAME, { name: next }),
  } satisfies ListedMetersAnswer;
  return { status: 200, body };
}

async function listResources(listedMeters: ListedMeters, request: ApiRequest): Promise<ApiAnswer> {
  const { query, signal } = request;
  const { scope, userId } = ownersOf(request);
  const filter = { userId, meter: textIn(query, 'meter', MAX_TEXT), search: searchIn(query) };
  const { resource_id: resourceId, project_id: projectId = '' } = cursorIn(query, BY_RESOURCE, []) ?? {};
  const after = resourceId === undefined ? undefined : { resourceId, projectId };
  const limit = pageLimit(query, LIMIT);
  const { resources, next } = await listedMeters.resources(scope, { filter, limit, after, signal });
  const body = {
    resources: resources.map(listedResourceAnswer),
    next: next ? cursorAfter(BY_RESOURCE, { resource_id: next.resourceId, project_id: next.projectId }) : null,
  } satisfies ListedResourcesAnswer;
  return { status: 200, body };
}

/** The project or projects of a list, and the user. @throws AppError for a user without a project. */
function ownersOf(request: ApiRequest): { scope: Scope; userId: string | undefined } {
  const { identity, query } = request;
  const projectId = textIn(query, 'project_id', MAX_TEXT);
  const userId = textIn(query, 'user_id', MAX_TEXT);
  const scope = scopeWithin(identity, projectId);
  noteProject(request, projectId);
  if (userId !== undefined && 'all' in scope)
    throw invalidInput('user_id', userId, 'It needs project_id: meters of a user are listed project by project.');
  return { scope, userId };
}

function searchIn(query: QueryParameters): string | undefined {
  return textIn(query, 'search', MAX_TEXT) || undefined;
}
