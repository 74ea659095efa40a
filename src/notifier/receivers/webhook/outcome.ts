import { REJECTED, type DeliveryOutcome } from '../receiver.js';
import { readStatusLine } from './status-line.js';

const MAX_RETRY_AFTER_MS = 3_600_000;
/** Client errors that say "later", not "never". */
const LATER = new Set([408, 425, 429]);
/**
 * Client errors that may pass: Heat says 403 when its Keystone is away for a moment, 404 or 409 while a stack is in
 * action.
 */
const PASSING = new Set([401, 403, 404, 409]);
/** Answers whose Retry-After counts. */
const MAY_ASK_FOR_TIME = new Set([429, 502, 503, 504]);

/**
 * The outcome of an answer. 2xx: delivered. 410: dead, `gone`. 401, 403, 404, 409: tried again for some minutes,
 * `rejected`. Other client errors except 408, 425 and 429: dead, `rejected`. Every other answer, redirects included:
 * tried again by the schedule.
 */
export function outcomeOfStatus(httpStatus: number, retryAfter: string | undefined, now: Date): DeliveryOutcome {
  if (httpStatus >= 200 && httpStatus < 300) return { kind: 'delivered', httpStatus };
  if (httpStatus === 410) return { kind: 'dead', error: 'gone', httpStatus };
  if (PASSING.has(httpStatus)) return { kind: 'retry', error: REJECTED, httpStatus };
  if (httpStatus >= 400 && httpStatus < 500 && !LATER.has(httpStatus))
    return { kind: 'dead', error: REJECTED, httpStatus };
  const retryAfterMs = MAY_ASK_FOR_TIME.has(httpStatus) ? parseRetryAfter(retryAfter, now) : undefined;
  return {
    kind: 'retry',
    error: `http_status ${httpStatus}`,
    httpStatus,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

/** Seconds or an HTTP date, at most an hour. Negatives and garbage are as good as nothing. */
export function parseRetryAfter(text: string | undefined, now: Date): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : httpDate(text) - now.getTime();
  return ms > 0 ? Math.min(ms, MAX_RETRY_AFTER_MS) : undefined;
}

/**
 * The outcome of an exchange that ended before the parser had read the head of an answer. If a status line came, its
 * status decides. Otherwise the error is that of the unreadable answer or of the connection.
 */
export function outcomeOfBrokenAnswer(firstBytes: Buffer, code: string | undefined, now: Date): DeliveryOutcome {
  const line = readStatusLine(firstBytes);
  if (line.kind === 'status') return outcomeOfStatus(line.status, undefined, now);
  if (line.kind === 'unreadable' && !isTimeout(code))
    return { kind: 'retry', error: `unreadable_answer: ${line.reason}` };
  return outcomeOfError(code);
}

/** The class of an error that the HTTP client reports. */
export function outcomeOfError(code: string | undefined): DeliveryOutcome {
  if (code === 'EBLOCKED') return { kind: 'dead', error: 'blocked' };
  if (isTimeout(code)) return { kind: 'retry', error: 'timeout' };
  if (code?.startsWith('HPE_')) return { kind: 'retry', error: 'unreadable_answer' };
  if (code !== undefined && /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY|EPROTO/.test(code))
    return { kind: 'retry', error: 'tls_failed' };
  return { kind: 'retry', error: 'connect_failed' };
}

/** The code of whatever is at the bottom of an error of the HTTP client. */
export function codeOf(thrown: unknown): string | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    if ('code' in error && typeof error.code === 'string' && error.code !== 'ERR_GOT_REQUEST_ERROR') return error.code;
  }
  return undefined;
}

function isTimeout(code: string | undefined): boolean {
  return code === 'ETIMEDOUT' || code === 'ABORT_ERR';
}

function httpDate(text: string): number {
  return /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text.trim())
    ? Date.parse(text)
    : Number.NaN;
}
