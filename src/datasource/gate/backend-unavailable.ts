import { AppError } from '../../errors.js';

/**
 * A backend could not be queried. The message may be shown to all clients: it has no addresses and no texts of
 * libraries. Those are in `cause`, for logs.
 */
export class BackendUnavailable extends Error {
  override readonly name: string = 'BackendUnavailable';
}

/** A request was not sent, since too many others were sent before it. This says nothing about the backend. */
export class NotSent extends BackendUnavailable {
  override readonly name = 'NotSent';

  constructor(cause?: unknown) {
    super('not asked yet: Tocsin has more requests than the backend answers in time', { cause });
  }
}

const NOT_TRUSTED = 'its certificate is not trusted';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EPROTO: 'it does not speak TLS, or not our kind',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/**
 * The reason why a backend could not be queried, fit for all clients. Messages of libraries name addresses, so only
 * messages of this program are passed on.
 */
export function reasonOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof BackendUnavailable || error instanceof AppError) return error.message;
    const known = 'code' in error && typeof error.code === 'string' ? REASONS[error.code] : undefined;
    if (known !== undefined) return known;
  }
  return 'the connection failed';
}
