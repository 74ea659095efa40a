import { randomBytes } from 'node:crypto';

import { ALL_ORIGINS } from '../../alarm/receiver/origin.js';
import { SECRET_BYTES, signingSecretOf } from '../../alarm/receiver/signing-secret.js';
import { AppError } from '../../errors.js';
import { canCarrySecrets } from '../../loopback.js';
import type { Scope } from '../../storage/scope.js';
import { MOST_RECEIVERS, type OwnHeaders, type StoredReceiver } from '../../storage/receivers/receiver-store.js';
import type { RotationRules } from '../../storage/receivers/signing-secret-store.js';
import {
  receiverAnswer,
  signingSecretAnswer,
  type NewSigningSecretAnswer,
  type ReceiversAnswer,
} from '../answers/receiver-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import { cursorAfter, cursorIn } from '../http/cursor.js';
import { receiverVersionOf, refuseOtherReceiverVersion } from '../http/entity-tag.js';
import { parseWith } from '../http/faultstring.js';
import { pageLimit } from '../http/parameter-values.js';
import { invalidInput } from '../http/query-parameters.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, scopeOf } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { ReceiverRecords, SigningSecrets } from '../ports.js';
import { ReceiverReplacement, ReceiverRequest, SigningSecretRequest } from '../schema/receiver-request.js';

export interface ReceiverRoutesDeps {
  receivers: ReceiverRecords;
  signingSecrets: SigningSecrets;
  signing: RotationRules;
  /** True if headers may be sent to this machine over a connection without TLS. */
  headersToLoopback: boolean;
  now: () => Date;
  newId: () => string;
}

const LIMIT = { byDefault: 100, max: 1_000 };
const NEWEST_FIRST = [
  { key: 'created_at', descending: true },
  { key: 'id', descending: true },
] as const;

/** `/v1/receivers`: records of a project about its webhooks, one for each origin. Secrets are shown once. */
export function receiverRoutes(deps: ReceiverRoutesDeps): Route[] {
  const path = '/v1/receivers';
  const one = `${path}/:id`;
  const secrets = `${one}/secrets`;
  const [policy, body] = ['member', SMALL_BODY] as const;
  return [
    {
      method: 'GET',
      path,
      policy,
      audit: 'receiver.list',
      query: ['project_id', 'limit', 'cursor'],
      handle: (r) => list(deps, r),
    },
    {
      method: 'POST',
      path,
      policy,
      audit: 'receiver.create',
      keyed: 'transaction',
      body,
      handle: (r) => create(deps, r),
    },
    { method: 'GET', path: one, policy, audit: 'receiver.read', handle: (r) => show(deps, r) },
    { method: 'PUT', path: one, policy, audit: 'receiver.update', body, handle: (r) => replace(deps, r) },
    { method: 'DELETE', path: one, policy, audit: 'receiver.delete', handle: (r) => remove(deps, r) },
    {
      method: 'POST',
      path: secrets,
      policy,
      audit: 'signing_secret.create',
      keyed: 'transaction',
      showsSecret: true,
      body,
      handle: (r) => rotate(deps, r),
    },
    {
      method: 'DELETE',
      path: `${secrets}/:secret`,
      policy,
      audit: 'signing_secret.end',
      handle: (r) => endSecret(deps, r),
    },
  ];
}

async function list({ receivers, now }: ReceiverRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, query } = request;
  const limit = pageLimit(query, LIMIT);
  const { created_at: createdAt, id } = cursorIn(query, NEWEST_FIRST, ['created_at']) ?? {};
  const after = createdAt === undefined || id === undefined ? undefined : { createdAt: new Date(createdAt), id };
  const projectId = query.one('project_id');
  const scope: Scope = projectId === undefined ? scopeOf(identity) : { projectId: named(identity, projectId) };
  noteProject(request, projectId);
  const { receivers: found, next } = await receivers.list(scope, { limit, after, now: now() });
  const answer = {
    receivers: found.map(receiverAnswer),
    next: next ? cursorAfter(NEWEST_FIRST, { created_at: next.createdAt.toISOString(), id: next.id }) : null,
  } satisfies ReceiversAnswer;
  return { status: 200, body: answer };
}

async function create(
  { receivers, headersToLoopback, now, newId }: ReceiverRoutesDeps,
  { identity, body, note, write }: ApiRequest,
): Promise<ApiAnswer> {
  const { project_id, ...wanted } = parseWith(ReceiverRequest, { argument: 'data', value: body ?? {} });
  const projectId = project_id === null ? identity.projectId : named(identity, project_id);
  if (projectId === null) throw invalidInput('project_id', 'None', 'Mandatory field missing.').at(['project_id']);
  const headers = wanted.headers ?? undefined;
  refuseOpenHeaders(wanted.origin, headers, headersToLoopback);
  const receiver = { id: newId(), projectId, ...wanted, headers, createdAt: now() };
  note({ objectId: receiver.id, projectId });
  return write(async () => {
    const created = await receivers.create(receiver);
    if (created === 'exists')
      throw new AppError('conflict', `The project has a receiver ${wanted.origin} already`, { field: ['origin'] });
    if (created === 'full')
      throw new AppError('forbidden', `The project has ${MOST_RECEIVERS} receivers, which is the limit: delete one`);
    return { status: 201, headers: tagOf(created), body: receiverAnswer(created) };
  });
}

async function show({ receivers, now }: ReceiverRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const id = idIn(request);
  const found = (await receivers.find(scopeOf(request.identity), id, now())) ?? throwReceiverNotFound(id);
  noteProject(request, found.projectId);
  return { status: 200, headers: tagOf(found), body: receiverAnswer(found) };
}

async function replace(
  { receivers, headersToLoopback, now }: ReceiverRoutesDeps,
  request: ApiRequest,
): Promise<ApiAnswer> {
  const wanted = parseWith(ReceiverReplacement, { argument: 'data', value: request.body ?? {} });
  const headers = wanted.headers ?? undefined;
  const id = idIn(request);
  const replaced = await receivers.replace(scopeOf(request.identity), id, now(), (current) => {
    refuseOtherReceiverVersion(current, request);
    request.note({ projectId: current.projectId });
    refuseOpenHeaders(current.origin, headers, headersToLoopback);
    const changed = (['name', 'description'] as const).filter((field) => wanted[field] !== current[field]);
    request.note({ changed: headers ? [...changed, 'headers'] : changed });
    return { ...wanted, headers };
  });
  const stored = replaced ?? throwReceiverNotFound(id);
  return { status: 200, headers: tagOf(stored), body: receiverAnswer(stored) };
}

async function remove({ receivers, now }: ReceiverRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const id = idIn(request);
  const isRemoved = await receivers.remove(scopeOf(request.identity), id, now(), (current) => {
    request.note({ projectId: current.projectId });
    refuseOtherReceiverVersion(current, request);
  });
  if (!isRemoved) throwReceiverNotFound(id);
  return { status: 204 };
}

async function rotate(deps: ReceiverRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { signingSecrets, signing, now, newId } = deps;
  const wanted = parseWith(SigningSecretRequest, { argument: 'data', value: request.body ?? {} });
  const secret = wanted.secret ?? signingSecretOf(randomBytes(SECRET_BYTES));
  const [receiverId, id] = [idIn(request), newId()];
  const scope = scopeOf(request.identity);
  return request.write(async () => {
    const added = await signingSecrets.rotate(scope, receiverId, { id, secret, at: now() }, signing);
    if (added === undefined) throwReceiverNotFound(receiverId);
    request.note({ objectId: id, projectId: added.projectId });
    if (added.secret === undefined) throw tooManySecrets(signing);
    const shown = { secret, ...signingSecretAnswer(added.secret) } satisfies NewSigningSecretAnswer;
    return { status: 201, body: shown };
  });
}

async function endSecret({ signingSecrets, now }: ReceiverRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const [receiverId, id] = [idIn(request), request.params['secret'] ?? ''];
  request.note({ objectId: id });
  const projectId = await signingSecrets.end(scopeOf(request.identity), receiverId, { id, now: now() });
  if (projectId === undefined)
    throw new AppError('not_found', `Receiver ${receiverId} has no signing secret ${id} that signs`);
  request.note({ projectId });
  return { status: 204 };
}

function tooManySecrets({ most }: RotationRules): AppError {
  return new AppError(
    'conflict',
    `There are ${most} signing secrets, which is the limit (signing.max_secrets): end one first`,
  );
}

/** @throws AppError `invalid_request` for headers that would be sent without TLS, or to all receivers. */
function refuseOpenHeaders(origin: string, headers: OwnHeaders | undefined, toLoopback: boolean): void {
  if (headers === undefined || Object.keys(headers).length === 0) return;
  if (origin === ALL_ORIGINS) throw headersRefused('The receiver * cannot have headers: set them for each origin.');
  if (!canCarrySecrets(new URL(origin), toLoopback))
    throw headersRefused(`${origin} cannot have headers: headers are secrets, so the origin must be https.`);
}

function headersRefused(reason: string): AppError {
  const message = `Invalid input for field/attribute headers. ${reason}`;
  return new AppError('invalid_request', message, { field: ['headers'] });
}

/** @throws AppError `not_found` for a project of others. */
function named(identity: Identity, projectId: string): string {
  if (isAdmin(identity) || projectId === identity.projectId) return projectId;
  throw new AppError('not_found', `Project ${projectId} not found`);
}

function tagOf(receiver: StoredReceiver): { ETag: string } {
  return { ETag: receiverVersionOf(receiver) };
}

function idIn({ params }: ApiRequest): string {
  return params['id'] ?? '';
}

function throwReceiverNotFound(id: string): never {
  throw new AppError('not_found', `Receiver ${id} not found`);
}
