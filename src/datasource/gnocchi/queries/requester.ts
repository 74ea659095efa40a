import { pythonRepr } from '../../../alarm/wire/python-json.js';
import { retrievalFailed } from '../../../alarm/types/threshold-judgement.js';
import type { BackendAnswer } from '../../../alarm/series.js';
import type { BackendGate } from '../../gate/gate.js';
import { queuePositionOf, type RequestOrigin, type QueueTicket, type QueueOptions } from '../../gate/queue-ticket.js';
import { BackendUnavailable, isTemporaryStatus, reasonOf } from '../../../http/backend-unavailable.js';
import { NotSent } from '../../gate/not-sent.js';
import type { GnocchiAnswer, GnocchiDescription } from '../client/answer.js';
import { chunksOf } from './chunks.js';
import {
  AnswerTooLarge,
  MAX_ANSWER_BYTES,
  type GnocchiClient,
  type GnocchiRequestOptions,
} from '../client/gnocchi-client.js';

export type GnocchiRefusal = Extract<GnocchiAnswer<never>, { kind: 'refusal' }>;

/**
 * The reason why there is no answer. A refusal and an answer that is too large are about the query, and come again;
 * `outage` passes.
 */
export type GnocchiFailure =
  GnocchiRefusal | { kind: 'too large' } | { kind: 'outage'; reason: string; isUnsent?: true };

/** The value of an answer, or the reason why there is none. */
export type RequestResult<T> = { kind: 'answer'; value: T } | GnocchiFailure;

/** Sends the requests of one call. */
export interface GnocchiRequester {
  /** Never rejects. */
  request<T>(
    send: (client: GnocchiClient, options: GnocchiRequestOptions) => Promise<GnocchiAnswer<T>>,
    request?: RequestScope,
  ): Promise<RequestResult<T>>;
}

/** The queries that a request is for. */
export interface RequestScope {
  /** Number of queries that share the request, and so the limit on its answer; 1 by default. */
  sharedBy?: number;
  /** The project of the queries, if they are of one project. */
  origin?: RequestOrigin;
  /** The queries that wait for the answer; by default all of the call. */
  tickets?: readonly QueueTicket[];
}

interface RequesterOptions extends QueueOptions {
  signal: AbortSignal;
  onSent?: ((request: string) => void) | undefined;
  /** All queries of the call. */
  tickets: readonly QueueTicket[];
}

/** The answer to a shared request is held in memory, so it is limited too. */
const MAX_SHARED_BYTES = 24 * 1024 * 1024;

/**
 * Parts into which a refused request is divided. One bad query is found with a few more requests than by halving, many
 * with about half of them.
 */
const PARTS = 8;

/** The failure for an answer that cannot be read. */
export const MALFORMED: GnocchiFailure = { kind: 'outage', reason: 'its answer is not of the form expected' };

/** Sends requests to one Gnocchi through its gate. A refusal is an answer; `outage` counts against the backend. */
export function createRequester(
  { client, gate }: { client: GnocchiClient; gate: BackendGate },
  { signal, onSent, tickets: all, ...queueing }: RequesterOptions,
): GnocchiRequester {
  return {
    async request(send, { sharedBy = 1, origin, tickets = all } = {}) {
      const maxBytes = Math.min(sharedBy * MAX_ANSWER_BYTES, MAX_SHARED_BYTES);
      const place = queuePositionOf(tickets, queueing);
      try {
        return await gate.run(
          async () => resultOf(await send(client, { signal, maxBytes, onSent })),
          signal,
          origin,
          place,
        );
      } catch (thrown) {
        if (thrown instanceof NotSent) return { kind: 'outage', reason: thrown.message, isUnsent: true };
        return { kind: 'outage', reason: reasonOf(thrown) };
      }
    },
  };
}

const UNUSED_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Health probe: a search that finds nothing, but needs all that queries need: Gnocchi itself, its index, and accepted
 * credentials.
 * @throws BackendUnavailable
 */
export async function probeGnocchi(client: GnocchiClient): Promise<void> {
  resultOf(await client.searchResources({ in: { id: [UNUSED_ID] } }, ['id']));
}

/** @throws BackendUnavailable for an answer that is about Gnocchi and not about the query. */
function resultOf<T>(answer: GnocchiAnswer<T>): RequestResult<T> {
  if (answer.kind === 'answer') return answer;
  if (answer.kind === 'outage') {
    if (answer.cause instanceof AnswerTooLarge) return { kind: 'too large' };
    throw new BackendUnavailable(answer.reason, { cause: answer.cause });
  }
  if (answer.status === 401) throw new BackendUnavailable('it does not accept the credentials of this service');
  if (isTemporaryStatus(answer.status)) throw new BackendUnavailable(`it answered with status ${answer.status}`);
  return answer;
}

/**
 * Divides a request that fails until each failure belongs to one member. If Gnocchi is unavailable, or the failure is
 * about what all members have in common, there is no further request.
 */
export async function requestInParts<Member>(
  members: readonly Member[],
  request: (part: readonly Member[]) => Promise<GnocchiFailure | undefined>,
  fail: (member: Member, failure: GnocchiFailure) => void,
): Promise<void> {
  const failure = await request(members);
  if (failure === undefined) return;
  if (members.length === 1 || failure.kind === 'outage' || isAboutOperations(failure)) {
    for (const member of members) fail(member, failure);
    return;
  }
  await Promise.all(
    chunksOf(members, Math.ceil(members.length / PARTS)).map((part) => requestInParts(part, request, fail)),
  );
}

/** True if the refusal is about the operations, which all members have in common. */
function isAboutOperations(failure: GnocchiFailure): boolean {
  if (failure.kind !== 'refusal') return false;
  const detail = fieldOf(failure.description, 'detail');
  return (
    causeOf(failure) === 'Invalid input' && Array.isArray(detail) && detail.length === 1 && detail[0] === 'operations'
  );
}

/** The `cause` of a refusal, if Gnocchi gives one. */
export function causeOf({ description }: GnocchiRefusal): unknown {
  return fieldOf(description, 'cause');
}

/** A field of a description; undefined if the description is a string. */
export function fieldOf(description: GnocchiDescription, field: 'cause' | 'reason' | 'detail'): unknown {
  return typeof description === 'string' ? undefined : description[field];
}

/** True if no resource was found that has the metric. Gnocchi before 4.5 answers 400 for that. */
export function saysNotFound(refusal: GnocchiRefusal): boolean {
  const { status, description } = refusal;
  if (typeof description === 'string') return status === 404 && /^Metric .*does not exist/s.test(description);
  return (status === 404 || status === 400) && causeOf(refusal) === 'Metrics not found';
}

/** The metric's archive policy has other granularities. */
export function lacksGranularity({ status, description }: GnocchiRefusal): boolean {
  return status === 400 && fieldOf(description, 'reason') === 'Granularities are missing';
}

/** The answer for a failure, in Aodh's words for failures without a text of their own. */
export function failureAnswer(failure: GnocchiFailure): BackendAnswer {
  if (failure.kind === 'outage') return failure;
  const text =
    failure.kind === 'refusal' ? refusalText(failure) : `its answer is larger than ${MAX_ANSWER_BYTES} bytes`;
  return { kind: 'refused', reason: retrievalFailed(text) };
}

export const TOO_MANY_POINTS: BackendAnswer = {
  kind: 'refused',
  reason: retrievalFailed('its answer has more than 100000 points'),
};

function refusalText({ status, description }: GnocchiRefusal): string {
  if (status === 403) return 'Gnocchi refused access (HTTP 403)';
  return `${typeof description === 'string' ? description : pythonRepr(description)} (HTTP ${status})`;
}
