import { AppError } from '../errors.js';

/** A backend could not be asked. The message is fit for everybody's eyes: no addresses, no texts of libraries; those are in `cause`, for logs. */
export class BackendTrouble extends Error {
  override readonly name = 'BackendTrouble';
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  ENOTFOUND: 'its name cannot be resolved',
  EAI_AGAIN: 'its name cannot be resolved',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no way to its host',
  ENETUNREACH: 'no way to its network',
};

/** Why a backend could not be asked. Messages of libraries name addresses, so only those of ours are passed on. */
export function reasonOf(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if (error instanceof BackendTrouble || error instanceof AppError) return error.message;
    const known = 'code' in error && typeof error.code === 'string' ? REASONS[error.code] : undefined;
    if (known !== undefined) return known;
  }
  return 'the connection failed';
}
