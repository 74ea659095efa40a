import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { type OptionsInit } from 'got';

import type { Secret } from '../../config/secret.js';
import { BackendTrouble, reasonOf } from '../trouble.js';

/** How we tell Prometheus, or what stands before it, who asks. */
export type PrometheusAuth =
  { kind: 'none' } | { kind: 'basic'; user: string; password: Secret } | { kind: 'bearer'; token: Secret };

export interface PrometheusClientOptions {
  /** Without a slash at its end. */
  url: string;
  auth: PrometheusAuth;
  tls?: {
    /** Certificates to trust besides the system's, as PEM. */
    ca?: string | undefined;
    /** What we show, as PEM. */
    certificate?: string | undefined;
    key?: string | undefined;
  };
  timeoutMs: number;
}

export interface PrometheusRequest {
  /** Below the configured URL. */
  path: '/api/v1/query' | '/api/v1/query_range';
  form: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
}

/** `text` is the answer's beginning where it is longer than what is read of one. */
export interface PrometheusResponse {
  status: number;
  text: string;
  isCutOff: boolean;
}

export interface PrometheusClient {
  /** Any answer is one, whatever its status. @throws BackendTrouble where there is none. */
  ask(request: PrometheusRequest, signal: AbortSignal): Promise<PrometheusResponse>;
  close(): void;
}

export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;
const MAX_SOCKETS = 16;
const IDLE_SOCKET_MS = 4_000;

/** Nothing that got does of its own accord: no redirects, no retries, no decompression (a small answer could become a huge one). */
const PLAIN = { method: 'POST', followRedirect: false, throwHttpErrors: false, decompress: false, retry: { limit: 0 } } as const;

/** A client of one Prometheus, or of whatever speaks its API. Asks once, takes no proxy of the environment, reads at most 8 MiB of an answer. */
export function createPrometheusClient({ url, auth, tls = {}, timeoutMs }: PrometheusClientOptions): PrometheusClient {
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS };
  const agent = { http: new http.Agent(pool), https: new https.Agent(pool) };
  const certificates = {
    ...(tls.ca === undefined ? {} : { certificateAuthority: [...rootCertificates, tls.ca] }),
    ...(tls.certificate === undefined ? {} : { certificate: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };

  return {
    async ask({ path, form, headers }, signal) {
      const options: OptionsInit = {
        ...PLAIN,
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
          ...identityOf(auth),
        },
        body: new URLSearchParams({ ...form, timeout: `${timeoutMs}ms` }).toString(),
        agent,
        https: certificates,
        timeout: { request: timeoutMs },
        signal,
      };
      try {
        return await exchange(url + path, options);
      } catch (thrown) {
        throw new BackendTrouble(signal.aborted ? 'no answer in time' : reasonOf(thrown), { cause: withoutRequest(thrown) });
      }
    },
    close() {
      agent.http.destroy();
      agent.https.destroy();
    },
  };
}

function identityOf(auth: PrometheusAuth): Record<string, string> {
  if (auth.kind === 'none') return {};
  if (auth.kind === 'bearer') return { authorization: `Bearer ${auth.token.reveal()}` };
  return { authorization: `Basic ${Buffer.from(`${auth.user}:${auth.password.reveal()}`).toString('base64')}` };
}

async function exchange(url: string, options: OptionsInit): Promise<PrometheusResponse> {
  const request = got.stream(url, { ...options, isStream: true });
  try {
    let status = 0;
    request.once('response', (response: http.IncomingMessage) => (status = response.statusCode ?? 0));
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_ANSWER_BYTES) return { status, text: (chunks[0] ?? chunk).toString('utf8'), isCutOff: true };
      chunks.push(chunk);
    }
    return { status, text: Buffer.concat(chunks, bytes).toString('utf8'), isCutOff: false };
  } finally {
    request.destroy();
  }
}

/** got's errors hold the request, and with it passwords and tokens; causes are logged. */
function withoutRequest(thrown: unknown): Error {
  return new Error(thrown instanceof Error ? thrown.message : String(thrown));
}
