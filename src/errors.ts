import { types } from 'node:util';

/**
 * The stable codes of everything that can go wrong on purpose. Only `api/error-handler.ts` maps them to HTTP.
 */
export type ErrorCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'not_authorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'precondition_failed'
  | 'too_large'
  | 'uri_too_long'
  | 'unsupported_media_type'
  | 'too_many_requests'
  | 'unavailable';

export interface AppErrorOptions extends ErrorOptions {
  /** When asking again makes sense. */
  retryAfterS?: number;
}

/**
 * An error with a code and a message fit for the person who caused it. Anything else that is thrown is a fault of ours.
 */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly retryAfterS: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
    this.retryAfterS = options.retryAfterS;
  }
}

/**
 * What another service refused, told to the client as that service told it: its status, and its description, text or
 * JSON object.
 */
export class UpstreamRefusal extends AppError {
  constructor(
    readonly status: number,
    readonly description: string | Readonly<Record<string, unknown>>,
  ) {
    super(
      status < 500 ? 'invalid_request' : 'unavailable',
      typeof description === 'string' ? description : JSON.stringify(description),
    );
  }
}

/** A reason not to start that the operator can act on: printed as one line, without a stack, exit code 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** What was thrown, as an Error. JavaScript lets anything be thrown; logs want a message and a stack. */
export function toError(thrown: unknown): Error {
  // Node's own errors can belong to another realm than ours, where `instanceof` does not see them.
  return thrown instanceof Error || types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}
