import type { BackendAnswer } from '../../alarm/series.js';
import type { BackendGate } from '../gate/gate.js';
import type { QueryContext } from '../datasource.js';
import { queuePositionOf, type RequestOrigin, type QueuePosition, type QueueTicket } from '../gate/queue-ticket.js';
import { reasonOf } from '../../http/backend-unavailable.js';
import { NotSent } from '../gate/not-sent.js';
import type { PrometheusProbe } from './probe.js';
import type { PlannedQuery } from './plan-queries.js';
import type { QueryTimes } from './points.js';
import type { PrometheusClient, PrometheusRequest, PrometheusResponse } from './prometheus-client.js';
import { parseAnswer, type PrometheusAnswer } from './parse-answer.js';
import { headersOf, type Tenancy } from './tenancy.js';

/** The state of one call of `Datasource.answers`. */
export interface PrometheusCall {
  client: PrometheusClient;
  gate: BackendGate;
  probe: PrometheusProbe;
  tenancy: Tenancy;
  context: QueryContext;
  times: QueryTimes;
  answers: Map<string, BackendAnswer>;
  /** The tickets of the queries, by their keys. */
  tickets: ReadonlyMap<string, QueueTicket>;
  /** How many more requests may be divided because they took too long. */
  slowDivisionsLeft: number;
}

/** `hasAnswered`: Prometheus answered, though with an error. `isUnsent`: the request was not sent in time. */
export type SendResult = PrometheusAnswer | { kind: 'outage'; reason: string; hasAnswered: boolean; isUnsent?: true };

export interface SendLimits extends Pick<PrometheusRequest, 'maxBytes' | 'atMostMs'> {
  /**
   * There is another way to get the data. An error answer does not count against Prometheus' health then, since it may
   * be this query's fault.
   */
  hasFallback?: boolean;
}

type SentQuery = Pick<PlannedQuery, 'tenant' | 'promql'> & Partial<Pick<PlannedQuery, 'members'>>;

/** Sends one request and reads its answer. Never rejects. */
export async function sendQuery(
  query: SentQuery,
  call: PrometheusCall,
  { hasFallback = false, ...limits }: SendLimits = {},
): Promise<SendResult> {
  const { client, gate, probe, tenancy, context, times } = call;
  // This is not a failure of the backend, so the gate is not used.
  if (context.signal.aborted) return { kind: 'outage', reason: 'no answer in time', hasAnswered: false };
  probe.noteTenant(query.tenant);
  const request = requestOf(query, tenancy, times);
  let hasAnswered = false;
  const read = (response: PrometheusResponse): PrometheusAnswer => {
    hasAnswered = true;
    const outcome = parseAnswer(response, times.stepS === 0 ? 'vector' : 'matrix');
    probe.noteAnswer(query.tenant);
    return outcome;
  };
  const send = (): Promise<PrometheusResponse> => {
    context.trace?.sent(described(request));
    return client.send({ ...request, ...limits }, context.signal);
  };
  try {
    const place = placeIn(query, call);
    if (hasFallback) return read(await gate.run(send, context.signal, originOf(query), place));
    return await gate.run(async () => read(await send()), context.signal, originOf(query), place);
  } catch (thrown) {
    if (thrown instanceof NotSent) return { kind: 'outage', reason: thrown.message, hasAnswered, isUnsent: true };
    return { kind: 'outage', reason: reasonOf(thrown), hasAnswered };
  }
}

function placeIn({ members = [] }: SentQuery, { context, tickets: ticketsByKey }: PrometheusCall): QueuePosition {
  const tickets = members.flatMap(({ keys }) => keys.map((key) => ticketsByKey.get(key) ?? NOT_QUEUED));
  return queuePositionOf(tickets, context);
}

const NOT_QUEUED: QueueTicket = {};

/**
 * The project of a request; undefined for several projects. A query without a project or without members counts as a
 * project of its own.
 */
function originOf({ promql, members = [] }: SentQuery): RequestOrigin | undefined {
  const project = members[0]?.project ?? null;
  if (members.some((member) => member.project !== project)) return undefined;
  const query = JSON.stringify([project, promql]);
  return { project: project === null ? query : JSON.stringify(project), query };
}

/**
 * Makes a server that queries other stores fail if one of them is unavailable, instead of leaving out its series: the
 * parameters of Thanos and VictoriaMetrics. Other servers ignore them.
 */
const NO_PARTIAL_ANSWERS = { partial_response: 'false', deny_partial_response: '1' };

function requestOf(
  { tenant, promql: query }: Pick<PlannedQuery, 'tenant' | 'promql'>,
  tenancy: Tenancy,
  { start, end, stepS }: QueryTimes,
): PrometheusRequest {
  const headers = headersOf(tenant, tenancy);
  if (stepS === 0)
    return { path: '/api/v1/query', form: { query, time: seconds(end), ...NO_PARTIAL_ANSWERS }, headers };
  const range = { start: seconds(start), end: seconds(end), step: String(stepS) };
  return { path: '/api/v1/query_range', form: { query, ...range, ...NO_PARTIAL_ANSWERS }, headers };
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function described({ path, form }: PrometheusRequest): string {
  return [`POST ${path}`, ...Object.entries(form).map(([name, value]) => `${name}=${value}`)].join(' ');
}
