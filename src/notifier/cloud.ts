import { NoAnswer } from '../http/backend-unavailable.js';
import { createHttpExchange, MAX_ANSWER_BYTES, type HttpRequest } from '../http/http-exchange.js';
import { jsonIn } from '../http/json-answer.js';
import { AnswerTap } from './receivers/webhook/answer-tap.js';
import { readStatusLine } from './receivers/webhook/status-line.js';

/** One request to an OpenStack service. */
export interface CloudCall {
  method: HttpRequest['method'];
  url: string;
  token?: string;
  headers?: Readonly<Record<string, string>>;
  /** JSON text, sent unchanged. */
  body?: string;
}

/** The answer of an OpenStack service. */
export interface CloudAnswer {
  status: number;
  retryAfter: string | undefined;
  location: string | undefined;
  /** Parsed JSON; undefined if the body is not JSON. */
  body: unknown;
}

export interface CloudClient {
  /** Sends one request to a service of Keystone's catalogue. @throws NoAnswer */
  call(call: CloudCall, signal: AbortSignal): Promise<CloudAnswer>;
  close(): void;
}

export interface CloudClientSettings {
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  /** Certificates to trust in addition to the system's, as PEM. */
  ca: string | undefined;
  version: string;
}

/**
 * HTTP client for endpoints from Keystone's catalogue. It has no address policy, since the operator chose these
 * endpoints. Never use it for the URL of an action.
 */
export function createCloudClient(settings: CloudClientSettings): CloudClient {
  const { connectTimeoutMs, attemptTimeoutMs: timeoutMs, maxSocketsPerHost: maxSockets, ca, version } = settings;
  const exchange = createHttpExchange({ timeoutMs, connectTimeoutMs, maxSockets, tls: { ca } });
  return {
    async call({ method, url, token, headers, body }, signal) {
      const tap = new AnswerTap(true);
      try {
        const answer = await exchange.send({
          method,
          url,
          headers: {
            accept: 'application/json',
            'user-agent': `tocsin/${version}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(token === undefined ? {} : { 'x-auth-token': token }),
            ...headers,
          },
          body,
          signal,
          maxBytes: MAX_ANSWER_BYTES,
          onRequest: (request) => tap.listen(request),
        });
        const { 'retry-after': retryAfter, location } = answer.headers;
        return { status: answer.status, retryAfter, location, body: jsonIn(answer.text) };
      } catch (thrown) {
        const status = statusOfRefused(thrown, tap);
        // The body is lost, and a GET is useless without it.
        if (status === undefined || (method === 'GET' && status < 300)) throw thrown;
        return { status, retryAfter: undefined, location: undefined, body: undefined };
      }
    },
    close: () => exchange.close(),
  };
}

/** Returns the status of an answer that Node's strict parser refused; undefined for other errors. */
function statusOfRefused(thrown: unknown, tap: AnswerTap): number | undefined {
  if (!(thrown instanceof NoAnswer) || thrown.kind !== 'unreadable') return undefined;
  const line = readStatusLine(tap.firstBytes());
  return line.kind === 'status' ? line.status : undefined;
}
