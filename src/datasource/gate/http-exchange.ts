import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { type OptionsInit } from 'got';

import { BackendUnavailable, reasonOf } from './backend-unavailable.js';

export interface HttpExchangeOptions {
  /** From the first try to connect to the last byte of the answer. */
  timeoutMs: number;
  tls?: {
    /** Certificates to trust besides the system's, as PEM. */
    ca?: string | undefined;
    /** The client certificate, as PEM. */
    certificate?: string | undefined;
    key?: string | undefined;
  };
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Most bytes of the answer that are read. */
  maxBytes: number;
}

/** An answer. If it is longer than `maxBytes`, `isCutOff` is true and `text` is only its beginning. */
export interface HttpResponse {
  status: number;
  text: string;
  isCutOff: boolean;
}

/** Connections to one server. A request resolves to its answer, of any status. */
export interface HttpExchange {
  /** @throws BackendUnavailable if there is no answer. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

const MAX_SOCKETS = 16;
const IDLE_SOCKET_MS = 4_000;

/** Turns off got's redirects, retries and decompression: a small compressed answer could become a huge one. */
const PLAIN = { followRedirect: false, throwHttpErrors: false, decompress: false, retry: { limit: 0 } } as const;

/**
 * Sends each request once, over connections that are kept for a while. Ignores the proxy variables of the environment.
 */
export function createHttpExchange({ timeoutMs, tls = {} }: HttpExchangeOptions): HttpExchange {
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS };
  const agent = { http: new http.Agent(pool), https: new https.Agent(pool) };
  const certificates = {
    ...(tls.ca !== undefined && { certificateAuthority: [...rootCertificates, tls.ca] }),
    ...(tls.certificate !== undefined && { certificate: tls.certificate }),
    ...(tls.key !== undefined && { key: tls.key }),
  };
  return {
    async send({ method, url, headers, body, signal, maxBytes }) {
      const options: OptionsInit = {
        ...PLAIN,
        method,
        headers,
        agent,
        https: certificates,
        timeout: { request: timeoutMs },
      };
      try {
        return await exchange(
          url,
          { ...options, ...(body !== undefined && { body }), ...(signal && { signal }) },
          maxBytes,
        );
      } catch (thrown) {
        throw new BackendUnavailable(signal?.aborted ? 'no answer in time' : reasonOf(thrown), {
          cause: withoutRequest(thrown),
        });
      }
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

async function exchange(url: string, options: OptionsInit, maxBytes: number): Promise<HttpResponse> {
  const request = got.stream(url, { ...options, isStream: true });
  try {
    let status = 0;
    request.once('response', (response: http.IncomingMessage) => (status = response.statusCode ?? 0));
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) return { status, text: (chunks[0] ?? chunk).toString('utf8'), isCutOff: true };
      chunks.push(chunk);
    }
    return { status, text: Buffer.concat(chunks, bytes).toString('utf8'), isCutOff: false };
  } finally {
    request.destroy();
  }
}

/** Causes are logged, and got's errors hold the request with its passwords and tokens, so only the message is kept. */
function withoutRequest(thrown: unknown): Error {
  return new Error(thrown instanceof Error ? thrown.message : String(thrown));
}

/** Parses JSON. @throws BackendUnavailable if the text is not JSON. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new BackendUnavailable('its answer is not JSON', { cause });
  }
}
