import http, {
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { type OptionsInit } from 'got';

import { codeOf, NoAnswer } from './backend-unavailable.js';

export interface HttpExchangeOptions {
  /** From the first try to connect to the last byte of the answer. */
  timeoutMs: number;
  /** Time-out of connecting and of the TLS handshake, each; by default only `timeoutMs` limits them. */
  connectTimeoutMs?: number;
  /** Most connections to one host. */
  maxSockets?: number;
  tls?: {
    /** Certificates to trust besides the system's, as PEM. */
    ca?: string | undefined;
    /** The client certificate, as PEM. */
    certificate?: string | undefined;
    key?: string | undefined;
  };
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Time-out of this request, instead of the exchange's. */
  timeoutMs?: number | undefined;
  /** Most bytes of the answer that are read. */
  maxBytes: number;
  /** Called with the request of Node.js before it is sent. */
  onRequest?: (request: ClientRequest) => void;
}

/** An answer. If it is longer than `maxBytes`, `isCutOff` is true and `text` is only its beginning. */
export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  isCutOff: boolean;
}

/** Connections to servers that the operator chose. A request resolves to its answer, of any status. */
export interface HttpExchange {
  /** @throws NoAnswer */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

/** Most bytes of an answer of a server whose answers need no limit of their own. */
export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

const MAX_SOCKETS = 16;
const IDLE_SOCKET_MS = 4_000;

/**
 * Turns off got's redirects, which would send tokens to another server, its retries, and its decompression: a small
 * compressed answer could become a huge one.
 */
const PLAIN = { followRedirect: false, throwHttpErrors: false, decompress: false, retry: { limit: 0 } } as const;

/**
 * The HTTP client for backends, Keystone and other services of the cloud. Sends each request once, over connections
 * that are kept for a while. Ignores the proxy variables of the environment. It has no address policy: never use it for
 * the URL of an action, which has a client of its own (`notifier/receivers/webhook/`).
 */
export function createHttpExchange({
  timeoutMs,
  connectTimeoutMs,
  maxSockets = MAX_SOCKETS,
  tls = {},
}: HttpExchangeOptions): HttpExchange {
  const pool = { keepAlive: true, maxSockets, timeout: IDLE_SOCKET_MS };
  const agent = { http: new http.Agent(pool), https: new https.Agent(pool) };
  const certificates = {
    ...(tls.ca !== undefined && { certificateAuthority: [...rootCertificates, tls.ca] }),
    ...(tls.certificate !== undefined && { certificate: tls.certificate }),
    ...(tls.key !== undefined && { key: tls.key }),
  };
  const connecting = connectTimeoutMs !== undefined && { connect: connectTimeoutMs, secureConnect: connectTimeoutMs };
  return {
    async send(request) {
      const { method, headers, body, signal, onRequest } = request;
      const options: OptionsInit = {
        ...PLAIN,
        method,
        headers,
        agent,
        https: certificates,
        timeout: { ...connecting, request: request.timeoutMs ?? timeoutMs },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
        ...(onRequest && { request: observedBy(onRequest) }),
      };
      try {
        return await exchange(request, options);
      } catch (thrown) {
        throw new NoAnswer(signal?.aborted ? 'ETIMEDOUT' : codeOf(thrown), withoutRequest(thrown));
      }
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

async function exchange({ url, method, body, maxBytes }: HttpRequest, options: OptionsInit): Promise<HttpResponse> {
  const request = got.stream(url, { ...options, isStream: true });
  try {
    if (method !== 'GET' && body === undefined) request.end();
    let head = { status: 0, headers: {} };
    request.once(
      'response',
      ({ statusCode = 0, headers }: IncomingMessage) => (head = { status: statusCode, headers }),
    );
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return { ...head, text: (chunks[0] ?? chunk).toString('utf8'), isCutOff: true };
      chunks.push(chunk);
    }
    return { ...head, text: Buffer.concat(chunks, bytes).toString('utf8'), isCutOff: false };
  } finally {
    request.destroy();
  }
}

/** Makes got's `request` option. */
function observedBy(onRequest: (request: ClientRequest) => void) {
  return (url: URL, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest => {
    const request = (url.protocol === 'https:' ? https : http).request(url, options, onResponse);
    onRequest(request);
    return request;
  };
}

/** Causes are logged, and got's errors hold the request with its passwords and tokens, so only the message is kept. */
function withoutRequest(thrown: unknown): Error {
  return new Error(thrown instanceof Error ? thrown.message : String(thrown));
}
