import type { ServerResponse } from 'node:http';

import type { BackendAnswer, PrometheusQuery } from '../../src/alarm/series.js';
import type { QueryContext, Datasource, SeriesRequest } from '../../src/datasource/datasource.js';
import type { Tenancy } from '../../src/datasource/prometheus/tenancy.js';
import {
  createPrometheusClient,
  type PrometheusClientOptions,
} from '../../src/datasource/prometheus/prometheus-client.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import { QUERIES_PER_REQUEST } from '../../src/datasource/prometheus/plan-queries.js';
import { SELECT_ALL_DEFAULTS, type SelectAllOptions } from '../../src/datasource/prometheus/select-all.js';
import { PATIENCE_MS } from './patience.js';
import { startReceiver, type ReceivedRequest, type Receiver } from './receiver-server.js';

/** A moment at which tests ask. */
export const NOON = new Date('2026-01-01T12:00:00.250Z');

export interface AskedQuery extends ReceivedRequest {
  /** What the form says. */
  form: Record<string, string>;
}

/** A status and a body, which is sent as JSON unless it is text. */
export type PrometheusReply =
  [status: number, body: unknown] | ((request: AskedQuery, response: ServerResponse) => [number, unknown] | undefined);

/** What a server says that speaks Prometheus' protocol and can be told to misbehave. Change the reply while it runs. */
export interface PrometheusDouble extends Receiver {
  reply: PrometheusReply;
  readonly asked: readonly AskedQuery[];
}

/** An answer with data; series as label values, by label, and points. */
export function success(resultType: string, result: unknown): PrometheusReply & [number, unknown] {
  return [200, { status: 'success', data: { resultType, result } }];
}

export function refusal(status: number, errorType: string, error: string): PrometheusReply & [number, unknown] {
  return [status, { status: 'error', errorType, error }];
}

/** An instant vector of one value at noon for each set of labels. */
export function vector(
  ...series: [labels: Record<string, string>, value: string][]
): PrometheusReply & [number, unknown] {
  return success(
    'vector',
    series.map(([metric, value]) => ({ metric, value: [NOON.getTime() / 1000, value] })),
  );
}

/** Has no data. */
export async function startPrometheusDouble(): Promise<PrometheusDouble> {
  const asked: AskedQuery[] = [];
  const state: { reply: PrometheusReply } = { reply: success('vector', []) };
  const receiver = await startReceiver((request, response) => {
    const query = { ...request, form: Object.fromEntries(new URLSearchParams(request.body)) };
    asked.push(query);
    const reply = typeof state.reply === 'function' ? state.reply(query, response) : state.reply;
    if (reply === undefined) return;
    const [status, body] = reply;
    response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  return Object.assign(state, { ...receiver, asked });
}

export interface Observed {
  datasource: Datasource<PrometheusQuery>;
  /** What the observer was told: `ok`, or why not. */
  outcomes: string[];
}

export type ReachedBy = Partial<Omit<PrometheusClientOptions, 'url'>> & {
  tenancy?: Tenancy;
  queriesPerRequest?: number;
  selectAll?: SelectAllOptions | null;
};

export function prometheusAt(
  url: string,
  {
    tenancy = { kind: 'label', label: 'project' },
    queriesPerRequest = QUERIES_PER_REQUEST,
    selectAll = SELECT_ALL_DEFAULTS,
    ...client
  }: ReachedBy = {},
): Observed {
  const outcomes: string[] = [];
  const observer = { succeeded: () => outcomes.push('ok'), failed: (reason: string) => outcomes.push(reason) };
  const options = { url, auth: { kind: 'none' } as const, timeoutMs: PATIENCE_MS, ...client };
  return {
    datasource: createPrometheusDatasource({
      client: createPrometheusClient(options),
      tenancy,
      observer,
      queriesPerRequest,
      selectAll,
    }),
    outcomes,
  };
}

/** Queries of no project, or by project; each is its own key. */
export type Queries = readonly (string | { promql: string; project: string })[];

export function keyOf(query: Queries[number]): string {
  return typeof query === 'string' ? query : `${query.project}: ${query.promql}`;
}

/** Asks about noon, at that moment alone unless a range is given. */
export async function askAbout(
  { datasource }: Observed,
  queries: Queries,
  request: Partial<SeriesRequest<PrometheusQuery> & QueryContext> = {},
): Promise<Record<string, BackendAnswer>> {
  const { granularityS = 0, periods = 1, lagS = 0, now = NOON, signal = new AbortController().signal, trace } = request;
  const questions = queries.map((query) => ({
    key: keyOf(query),
    query: typeof query === 'string' ? { promql: query, project: null } : query,
  }));
  const answers = await datasource.answers({ granularityS, periods, lagS, queries: questions }, { now, signal, trace });
  const order = new Map(questions.map(({ key }, at) => [key, at]));
  // Answers come in any order.
  return Object.fromEntries([...answers].sort(([one], [other]) => (order.get(one) ?? 0) - (order.get(other) ?? 0)));
}

/** The values of an answer with data, series by series; any other answer as it is. */
export function valuesOf(answer: BackendAnswer | undefined): unknown {
  if (answer?.kind !== 'series') return answer;
  return answer.series.map((points) => points.map(({ values }) => values['value']));
}
