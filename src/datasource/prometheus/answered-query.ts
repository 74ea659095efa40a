import type { BackendAnswer } from '../../alarm/series.js';
import type { PlannedQuery } from './plan-queries.js';
import { MAX_ANSWER_BYTES } from './prometheus-client.js';
import type { PrometheusCall, SendResult } from './send-query.js';
import { answerAll } from './split-answer.js';

/** A planned query, each member of which has an answer. */
export interface AnsweredQuery {
  /** The queries to send in the next call instead. */
  nextQueries: readonly PlannedQuery[];
  /** False if a member has no answer because Prometheus was unavailable: then the division proves nothing. */
  isConclusive: boolean;
}

/** Stores the same answer for all members. */
export function answeredWith(answer: BackendAnswer, query: PlannedQuery, call: PrometheusCall): AnsweredQuery {
  answerAll(query, call, answer);
  return { nextQueries: [query], isConclusive: answer.kind !== 'outage' };
}

/** The answer to members whose own answers are unknown. */
export function unavailableAnswer(result: Exclude<SendResult, { kind: 'refusal' }>): BackendAnswer {
  if (result.kind === 'outage' && result.isUnsent) return { kind: 'outage', reason: result.reason, isUnsent: true };
  if (result.kind === 'outage' || result.kind === 'failure' || result.kind === 'slow')
    return { kind: 'outage', reason: result.reason };
  return {
    kind: 'outage',
    reason: result.kind === 'too large' ? `its ${TOO_LARGE}` : 'its answer is not of the form expected',
  };
}

/** Why a large answer was not read. */
export const TOO_LARGE = `answer is larger than ${MAX_ANSWER_BYTES} bytes`;
