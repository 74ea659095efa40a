import type { EgressVerdict } from '../../../egress/egress-guard.js';
import { connectionFailureOf } from '../../../http/backend-unavailable.js';
import { REJECTED, type DeliveryOutcome } from '../receiver.js';
import { readStatusLine } from './status-line.js';

const MAX_RETRY_AFTER_MS = 3_600_000;
/** Client errors that ask for a later attempt. */
const LATER = new Set([408, 425, 429]);
/**
 * Client errors that may be temporary: Heat answers 403 while its Keystone is unavailable, and 404 or 409 while an
 * action of the stack is running.
 */
const TEMPORARY = new Set([401, 403, 404, 409]);
/** Statuses whose Retry-After counts. */
const WITH_RETRY_AFTER = new Set([429, 502, 503, 504]);

/**
 * Returns the outcome for the status of an answer. 2xx: delivered. 410: dead, `gone`. 401, 403, 404, 409: retry by the
 * schedule for rejected attempts, `rejected`. Other 4xx except 408, 425 and 429: dead, `rejected`. All others,
 * redirects included: retry by the retry schedule.
 */
export function outcomeOfStatus(httpStatus: number, retryAfter: string | undefined, now: Date): DeliveryOutcome {
  if (httpStatus >= 200 && httpStatus < 300) return { kind: 'delivered', httpStatus };
  if (httpStatus === 410) return { kind: 'dead', error: 'gone', httpStatus };
  if (TEMPORARY.has(httpStatus)) return { kind: 'retry', error: REJECTED, httpStatus };
  if (httpStatus >= 400 && httpStatus < 500 && !LATER.has(httpStatus))
    return { kind: 'dead', error: REJECTED, httpStatus };
  const retryAfterMs = WITH_RETRY_AFTER.has(httpStatus) ? parseRetryAfter(retryAfter, now) : undefined;
  return {
    kind: 'retry',
    error: `http_status ${httpStatus}`,
    httpStatus,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Parses a Retry-After header (seconds or an HTTP date) to milliseconds, at most an hour. Undefined if invalid. */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : httpDate(text) - now.getTime();
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}

/**
 * Returns the outcome of an exchange that ended before the parser had read the head of an answer. If a status line was
 * received, its status decides. Otherwise the error is `unreadable_answer` or that of the connection.
 */
export function outcomeOfBrokenAnswer(firstBytes: Buffer, code: string | undefined, now: Date): DeliveryOutcome {
  const line = readStatusLine(firstBytes);
  if (line.kind === 'status') return outcomeOfStatus(line.status, undefined, now);
  if (line.kind === 'unreadable' && connectionFailureOf(code) !== 'timeout')
    return { kind: 'retry', error: `unreadable_answer: ${line.reason}` };
  return outcomeOfError(code);
}

/** Returns the outcome for an error code of the HTTP client, such as `ECONNREFUSED`. */
export function outcomeOfError(code: string | undefined): DeliveryOutcome {
  if (code === 'EBLOCKED') return { kind: 'dead', error: 'blocked' };
  switch (connectionFailureOf(code)) {
    case 'timeout':
      return { kind: 'retry', error: 'timeout' };
    case 'unreadable':
      return { kind: 'retry', error: 'unreadable_answer' };
    case 'tls':
      return { kind: 'retry', error: 'tls_failed' };
    default:
      return { kind: 'retry', error: 'connect_failed' };
  }
}

/** Returns the outcome of an attempt that may not connect; undefined if it may. */
export function outcomeOfVerdict({ kind }: EgressVerdict): DeliveryOutcome | undefined {
  if (kind === 'blocked') return { kind: 'dead', error: 'blocked' };
  return kind === 'undecided' ? { kind: 'retry', error: 'connect_failed' } : undefined;
}

function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text.trim())
    ? Date.parse(text)
    : Number.NaN;
}
