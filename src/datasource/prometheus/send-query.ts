import type { BackendAnswer } from '../../alarm/series.js';
import type { BackendGate } from '../gate/gate.js';
import type { QueryContext } from '../datasource.js';
import type { HttpResponse } from '../gate/http-exchange.js';
import { placeOf, type Origin, type Place, type Queued } from '../gate/queue-ticket.js';
import { NotSent, reasonOf } from '../gate/backend-unavailable.js';
import type { NeutralQuestion } from './probe.js';
import type { PlannedQuery, Tenancy } from './plan-queries.js';
import type { Moments } from './points.js';
import type { PrometheusClient, PrometheusRequest } from './prometheus-client.js';
import { outcomeOf, type Outcome } from './parse-answer.js';

/** All that belongs to one call of `answers`. */
export interface Round {
  client: PrometheusClient;
  gate: BackendGate;
  neutral: NeutralQuestion;
  tenancy: Tenancy;
  asking: QueryContext;
  moments: Moments;
  answers: Map<string, BackendAnswer>;
  /** The queries by their keys. */
  queued: ReadonlyMap<string, Queued>;
  /** How many requests may still be divided because they took too long. */
  slowLeft: number;
}

/**
 * `hasAnswered`: the trouble is an answer, or an earlier request was answered. `isBehind`: the request was not sent.
 */
export type Asked = Outcome | { kind: 'trouble'; reason: string; hasAnswered: boolean; isBehind?: true };

export interface Limits extends Pick<PrometheusRequest, 'maxBytes' | 'atMostMs'> {
  /**
   * There is another way to ask: trouble for an answer is not held against Prometheus, or many such would keep others
   * from it.
   */
  isOptional?: boolean;
}

type AskedQuery = Pick<PlannedQuery, 'tenant' | 'promql'> & Partial<Pick<PlannedQuery, 'members'>>;

/** Never rejects. */
export async function askOnce(
  query: AskedQuery,
  round: Round,
  { isOptional = false, ...limits }: Limits = {},
): Promise<Asked> {
  const { client, gate, neutral, tenancy, asking, moments } = round;
  // Not the fault of the backend, so the gate does not hear of it.
  if (asking.signal.aborted) return { kind: 'trouble', reason: 'no answer in time', hasAnswered: false };
  neutral.saw(query.tenant);
  const request = requestOf(query, tenancy, moments);
  let hasAnswered = false;
  const read = (response: HttpResponse): Outcome => {
    hasAnswered = true;
    const outcome = outcomeOf(response, moments.stepS === 0 ? 'vector' : 'matrix');
    neutral.answered(query.tenant);
    return outcome;
  };
  const send = (): Promise<HttpResponse> => {
    asking.trace?.sent(described(request));
    return client.ask({ ...request, ...limits }, asking.signal);
  };
  try {
    const place = placeIn(query, round);
    if (isOptional) return read(await gate.run(send, asking.signal, originOf(query), place));
    return await gate.run(async () => read(await send()), asking.signal, originOf(query), place);
  } catch (thrown) {
    if (thrown instanceof NotSent) return { kind: 'trouble', reason: thrown.message, hasAnswered, isBehind: true };
    return { kind: 'trouble', reason: reasonOf(thrown), hasAnswered };
  }
}

function placeIn({ members = [] }: AskedQuery, { asking, queued }: Round): Place {
  const questions = members.flatMap(({ keys }) => keys.map((key) => queued.get(key) ?? NOT_QUEUED));
  return placeOf(questions, asking);
}

const NOT_QUEUED: Queued = {};

/**
 * Undefined where it is several projects'. A query of everybody's data, and one of no member, is a project of its own.
 */
function originOf({ promql, members = [] }: AskedQuery): Origin | undefined {
  const project = members[0]?.project ?? null;
  if (members.some((member) => member.project !== project)) return undefined;
  const question = JSON.stringify([project, promql]);
  return { project: project === null ? question : JSON.stringify(project), question };
}

/**
 * Stores that ask others are to fail where one of these is away, and not to leave its series out: Thanos and
 * VictoriaMetrics, each in its own words. Others take no notice of what they do not know.
 */
const WHOLE = { partial_response: 'false', deny_partial_response: '1' };

function requestOf(
  { tenant, promql: query }: Pick<PlannedQuery, 'tenant' | 'promql'>,
  tenancy: Tenancy,
  { start, end, stepS }: Moments,
): PrometheusRequest {
  const headers = headersOf(tenant, tenancy);
  if (stepS === 0) return { path: '/api/v1/query', form: { query, time: seconds(end), ...WHOLE }, headers };
  const range = { start: seconds(start), end: seconds(end), step: String(stepS) };
  return { path: '/api/v1/query_range', form: { query, ...range, ...WHOLE }, headers };
}

/** The tenant header of a request, if tenancy needs one. */
export function headersOf(tenant: string | null, tenancy: Tenancy): Record<string, string> {
  return tenancy.kind === 'header' && tenant !== null ? { [tenancy.header]: tenant } : {};
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function described({ path, form }: PrometheusRequest): string {
  return [`POST ${path}`, ...Object.entries(form).map(([name, value]) => `${name}=${value}`)].join(' ');
}
