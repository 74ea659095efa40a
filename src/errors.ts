import { types } from 'node:util';

/** Stable codes of expected errors. Only `api/http/error-handler.ts` maps them to HTTP statuses. */
export type ErrorCode =
  | 'invalid_request'
  | 'unauthenticated'
  | 'not_authorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'conflict'
  | 'precondition_failed'
  | 'key_reused'
  | 'too_large'
  | 'uri_too_long'
  | 'header_too_large'
  | 'unsupported_media_type'
  | 'too_many_requests'
  | 'unavailable';

/** Path of a value within the body of a request: names of fields and positions in lists. */
export type BodyPath = readonly (string | number)[];

/** Options of an `AppError`. */
export interface AppErrorOptions extends ErrorOptions {
  /** Seconds after which the client may retry. */
  retryAfterS?: number;
  /** Path of the refused field within the body. */
  field?: BodyPath;
  /** The same for checks that do not know where in the body the object is that they check. */
  fieldIn?: { part: object; path: BodyPath };
}

/** An expected error. Its message is written for the client. Every other error is a fault of this service. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly retryAfterS: number | undefined;
  readonly fieldIn: AppErrorOptions['fieldIn'];
  #field: BodyPath | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options);
    this.retryAfterS = options.retryAfterS;
    this.fieldIn = options.fieldIn;
    this.#field = options.field;
  }

  /** Path of the refused field within the body; undefined if the error is not about one field. */
  get field(): BodyPath | undefined {
    return this.#field;
  }

  /** Sets the path of the refused field. Returns this error. */
  at(field: BodyPath): this {
    this.#field = field;
    return this;
  }
}

/** A refusal of another service that is passed on to the client: its status, and its text or JSON object. */
export class UpstreamRefusal extends AppError {
  constructor(
    readonly status: number,
    readonly description: string | Readonly<Record<string, unknown>>,
    options: AppErrorOptions = {},
  ) {
    super(
      status < 500 ? 'invalid_request' : 'unavailable',
      typeof description === 'string' ? description : JSON.stringify(description),
      options,
    );
  }
}

/** A reason not to start that the operator can correct. Printed as one line without a stack; the exit code is 1. */
export class StartupError extends Error {
  override readonly name = 'StartupError';
}

/** Converts a thrown value to an Error, since JavaScript allows any value to be thrown. */
export function toError(thrown: unknown): Error {
  // Errors of Node.js can belong to another realm, for which `instanceof` is false.
  return thrown instanceof Error || types.isNativeError(thrown) ? thrown : new Error(String(thrown));
}
