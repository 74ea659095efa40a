import type { Secret } from '../../config/secret.js';
import { createHttpExchange, type HttpExchangeOptions, type HttpResponse } from '../../http/http-exchange.js';

/** The credentials for Prometheus, or for a proxy before it. */
export type PrometheusAuth =
  { kind: 'none' } | { kind: 'basic'; user: string; password: Secret } | { kind: 'bearer'; token: Secret };

export interface PrometheusClientOptions extends HttpExchangeOptions {
  /** Without a slash at its end. */
  url: string;
  auth: PrometheusAuth;
}

export interface PrometheusRequest {
  /** Below the configured URL. */
  path: '/api/v1/query' | '/api/v1/query_range' | '/api/v1/format_query';
  form: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
  /** Most bytes of the answer that are read; by default `MAX_ANSWER_BYTES`. */
  maxBytes?: number;
  /** Limit on the query's time at Prometheus; only used if it is below the usual limit. */
  atMostMs?: number;
}

/** An answer of any status. */
export type PrometheusResponse = Omit<HttpResponse, 'headers'>;

export interface PrometheusClient {
  /** Resolves to an answer of any status. @throws BackendUnavailable if there is no answer. */
  send(request: PrometheusRequest, signal?: AbortSignal): Promise<PrometheusResponse>;
  close(): void;
}

export const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * Part of the timeout after which Prometheus itself stops a query. Its answer then tells a slow query from a server
 * that hangs.
 */
const ITS_SHARE = 0.8;

/** A client of one Prometheus, or of another server with its API. It sends each request once. */
export function createPrometheusClient({ url, auth, timeoutMs, tls }: PrometheusClientOptions): PrometheusClient {
  const exchange = createHttpExchange({ timeoutMs, ...(tls && { tls }) });
  return {
    send: ({ path, form, headers, maxBytes = MAX_ANSWER_BYTES, atMostMs = Infinity }, signal) =>
      exchange.send({
        method: 'POST',
        url: url + path,
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...headers,
          ...identityOf(auth),
        },
        body: new URLSearchParams({
          ...form,
          timeout: `${Math.ceil(Math.min(timeoutMs * ITS_SHARE, atMostMs))}ms`,
        }).toString(),
        signal,
        maxBytes,
      }),
    close: () => exchange.close(),
  };
}

function identityOf(auth: PrometheusAuth): Record<string, string> {
  if (auth.kind === 'none') return {};
  if (auth.kind === 'bearer') return { authorization: `Bearer ${auth.token.reveal()}` };
  return { authorization: `Basic ${Buffer.from(`${auth.user}:${auth.password.reveal()}`).toString('base64')}` };
}
