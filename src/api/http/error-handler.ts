import type { ErrorRequestHandler, Request, Response } from 'express';

import { firstCharacters } from '../../alarm/wire/first-characters.js';
import { pythonJson } from '../../alarm/wire/python-json.js';
import { AppError, toError, UpstreamRefusal, type ErrorCode } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { DatabaseUnavailable } from '../../storage/engine/outage.js';
import { MissingKey } from '../../storage/secrets/sealed.js';
import { errorAnswer, type ErrorAnswer, type Faultstring, type KeystoneErrorAnswer } from '../answers/error-answer.js';
import { discardBody } from './request-body.js';
import { requestIdOf } from './request-id.js';

/** HTTP status of each error code. The only place that maps codes to statuses. */
const STATUS = {
  invalid_request: 400,
  unauthenticated: 401,
  not_authorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  key_reused: 422,
  too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  too_many_requests: 429,
  header_too_large: 431,
  unavailable: 503,
} as const satisfies Record<ErrorCode, number>;

const RETRY_AFTER_S = 5;

/** Header with the path of the refused field, for forms. Aodh's texts have only the last name of the path. */
const FIELD_HEADER = 'Tocsin-Field';
/** Most characters of one name in the header. */
const MOST_NAME = 64;

const UNAVAILABLE = 'The database is not available: send the request again later';
const OUTCOME_UNKNOWN =
  'The connection to the database broke while the change was being committed: it may or may not have been made. ' +
  'Read the object to see which, or, if it had an Idempotency-Key, send it again with the same key';
/** Texts for some SQLSTATEs, which say more. */
const UNAVAILABLE_TEXTS: Readonly<Record<string, string>> = {
  '57014':
    'The database needed too long for the request: ask for less with limit, filters or a shorter time, or try later',
  '25006': 'The database accepts no changes now, only reads: send the change again later',
  '53100': 'The database has no space left, so it accepts no changes: send the change again later',
};

/** Tells clients, in a 401, how to authenticate. */
export interface Challenge {
  /** Value of `WWW-Authenticate`. */
  header: string;
  /** Replaces the error envelope. Keystone's clients expect the body that its middleware sends. */
  body?: KeystoneErrorAnswer;
}

/** Dependencies of the error handler. */
export interface ErrorHandlerDeps {
  log: Logger;
  challenge?: Challenge | undefined;
}

/** Express middleware that turns errors into answers, and logs those that are not the client's fault. */
export function createErrorHandler({ log, challenge }: ErrorHandlerDeps): ErrorRequestHandler {
  // Express recognises an error handler by its four parameters.
  return (thrown: unknown, request, response, _next) => {
    const error = asAppError(thrown);
    if (!error || error.code === 'unavailable') logFailure(log, thrown, { error, request, response });
    void discardBody(request);
    if (response.headersSent) {
      response.destroy(); // the client must see that the answer is incomplete
      return;
    }
    if (error) sendRefusal(request, response, { error, challenge });
    else sendError(response, 500, errorAnswer(500, `Internal server error (request id ${requestIdOf(response)})`));
  };
}

/** The status of the answer to an error. */
export function statusOf(thrown: unknown): number {
  const error = asAppError(thrown);
  if (!error) return 500;
  return error instanceof UpstreamRefusal ? error.status : STATUS[error.code];
}

function logFailure(
  log: Logger,
  thrown: unknown,
  { error, request, response }: { error: AppError | undefined; request: Request; response: Response },
): void {
  const fields = { requestId: requestIdOf(response), method: request.method, path: request.path, err: toError(thrown) };
  if (error) log.warn('request refused: a backing service is unavailable', fields);
  else log.error('request failed', fields);
}

function sendRefusal(
  request: Request,
  response: Response,
  { error, challenge }: { error: AppError; challenge: Challenge | undefined },
): void {
  const { code, retryAfterS, field } = error;
  const { status, faultstring } = faultOf(error);
  if (hasRetryAfter(request, error, status)) response.setHeader('Retry-After', retryAfterS ?? RETRY_AFTER_S);
  // Requests without a body have the values in the query.
  if (field !== undefined && request.method !== 'GET') response.setHeader(FIELD_HEADER, jsonPointer(field));
  if (status === 401 && challenge) response.setHeader('WWW-Authenticate', challenge.header);
  const body = code === 'unauthenticated' ? challenge?.body : undefined;
  sendError(response, status, body ?? errorAnswer(status, faultstring));
}

/** A path as JSON Pointer (RFC 6901), encoded as in a URI, since names of unknown fields may have any character. */
function jsonPointer(field: readonly (string | number)[]): string {
  return field
    .map(
      (name) =>
        `/${encodeURIComponent(firstCharacters(String(name), MOST_NAME).replace(/~/g, '~0').replace(/\//g, '~1'))}`,
    )
    .join('');
}

function faultOf(error: AppError): { status: number; faultstring: Faultstring } {
  if (error instanceof UpstreamRefusal) return { status: error.status, faultstring: error.description as Faultstring };
  return { status: STATUS[error.code], faultstring: error.message };
}

/** aodhclient raises a TypeError for an answer with `Retry-After` whose status is not 429 or 413. It sends no keys. */
function hasRetryAfter({ path, headers }: Request, { retryAfterS }: AppError, status: number): boolean {
  if (status === 409) return retryAfterS !== undefined && headers['idempotency-key'] !== undefined;
  return status === 429 || (status === 503 && path !== '/v2' && !path.startsWith('/v2/'));
}

function sendError(response: Response, status: number, body: ErrorAnswer | KeystoneErrorAnswer): void {
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json');
  response.end(pythonJson(body));
}

function asAppError(thrown: unknown): AppError | undefined {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof DatabaseUnavailable)
    return new AppError('unavailable', databaseText(thrown), { cause: thrown });
  if (thrown instanceof MissingKey)
    return new AppError('unavailable', 'A stored secret cannot be decrypted: its key is not configured', {
      cause: thrown,
    });
  // Errors of Express itself, such as a path with broken percent-encoding.
  const status = thrown instanceof Error && 'status' in thrown ? thrown.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500
    ? new AppError('invalid_request', 'The request could not be understood', { cause: thrown })
    : undefined;
}

function databaseText({ code, isOutcomeUnknown }: DatabaseUnavailable): string {
  if (isOutcomeUnknown) return OUTCOME_UNKNOWN;
  return UNAVAILABLE_TEXTS[code ?? ''] ?? UNAVAILABLE;
}
