import { AppError } from '../errors.js';

/**
 * A backend could not be queried. The message may be shown to all clients: it has no addresses and no texts of
 * libraries. Those are in `cause`, for logs.
 */
export class BackendUnavailable extends Error {
  override readonly name: string = 'BackendUnavailable';
}

/**
 * Kinds of failed exchanges.
 * - `not connected`: nothing was sent, so any request can be repeated.
 * - `broken off`, `timeout`, `unreadable`: the server may have executed the request.
 * - `tls`: the server is not trusted, or does not speak TLS.
 * - `other`: any other failure of the connection.
 */
export type ConnectionFailure = 'not connected' | 'broken off' | 'timeout' | 'unreadable' | 'tls' | 'other';

const NOT_TRUSTED = 'its certificate is not trusted';

/** Kinds and reasons by the codes of Node.js and of the HTTP client. */
const FAILURES: Readonly<Record<string, readonly [ConnectionFailure, string]>> = {
  ECONNREFUSED: ['not connected', 'connection refused'],
  ENOTFOUND: ['not connected', 'its name cannot be resolved'],
  EAI_AGAIN: ['not connected', 'its name cannot be resolved'],
  EHOSTUNREACH: ['not connected', 'host unreachable'],
  ENETUNREACH: ['not connected', 'network unreachable'],
  ECONNRESET: ['broken off', 'the connection was closed'],
  EPIPE: ['broken off', 'the connection was closed'],
  ETIMEDOUT: ['timeout', 'no answer in time'],
  ABORT_ERR: ['timeout', 'no answer in time'],
  EPROTO: ['tls', 'it does not speak TLS, or not our kind'],
  CERT_HAS_EXPIRED: ['tls', 'its certificate has expired'],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['tls', NOT_TRUSTED],
  SELF_SIGNED_CERT_IN_CHAIN: ['tls', NOT_TRUSTED],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['tls', NOT_TRUSTED],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ['tls', NOT_TRUSTED],
  ERR_TLS_CERT_ALTNAME_INVALID: ['tls', 'its certificate is for another name'],
};

/** There was no answer to a request. `cause` has no header and no body of the request. */
export class NoAnswer extends BackendUnavailable {
  override readonly name = 'NoAnswer';
  readonly kind: ConnectionFailure;

  /** `code` is that of the HTTP client, such as `ECONNREFUSED`. */
  constructor(
    readonly code: string | undefined,
    cause: Error,
  ) {
    super((code === undefined ? undefined : FAILURES[code]?.[1]) ?? 'the connection failed', { cause });
    this.kind = connectionFailureOf(code);
  }
}

/** The kind of a failed exchange by its code: the answer to "is it down?" for all servers and receivers. */
export function connectionFailureOf(code: string | undefined): ConnectionFailure {
  if (code === undefined) return 'other';
  const known = FAILURES[code]?.[0];
  if (known !== undefined) return known;
  if (code.startsWith('HPE_')) return 'unreadable';
  return /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code) ? 'tls' : 'other';
}

/** The code of the root cause of an error of the HTTP client. */
export function codeOf(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string' && error.code !== 'ERR_GOT_REQUEST_ERROR') return error.code;
  }
  return undefined;
}

/**
 * The reason why a backend could not be queried, fit for all clients. Messages of libraries name addresses, so only
 * messages of this program are passed on.
 */
export function reasonOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof BackendUnavailable || error instanceof AppError) return error.message;
    const known = 'code' in error && typeof error.code === 'string' ? FAILURES[error.code]?.[1] : undefined;
    if (known !== undefined) return known;
  }
  return 'the connection failed';
}

/** Statuses below 500 that are about the moment and not about the request. */
const TEMPORARY = new Set([401, 408, 425, 429]);

/**
 * True for the status of an answer that says nothing about the request, so that the backend counts as unavailable.
 * Prometheus has its own rules, and so have receivers of notifications.
 */
export function isTemporaryStatus(status: number): boolean {
  return status >= 500 || TEMPORARY.has(status);
}
