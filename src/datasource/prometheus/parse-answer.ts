import { jsonIn } from '../../http/json-answer.js';
import { BackendUnavailable } from '../../http/backend-unavailable.js';
import { MAX_ANSWER_BYTES, type PrometheusResponse } from './prometheus-client.js';

/**
 * An answer of Prometheus.
 * - `result`: series that are not parsed yet, of the form that was requested; `isComplete` if there are no warnings,
 *   since a warning may mean that some are missing.
 * - `refusal`: Prometheus understood the query, and would refuse it again; `type` and `message` are its own words,
 *   which clients must not see as they are.
 * - `failure`: a refusal for a reason that can pass, so it says nothing about the query.
 * - `slow`: Prometheus is healthy, and stopped a query that would have taken too long.
 * - `too large`: longer than what is read of an answer.
 */
export type PrometheusAnswer =
  | { kind: 'result'; entries: readonly unknown[]; isComplete: boolean }
  | { kind: 'refusal'; status: number; type: string; message: string }
  | { kind: 'failure'; reason: string }
  | { kind: 'slow'; reason: string }
  | { kind: 'too large' };

/** The form of a result: `vector` for one moment, `matrix` for a range. */
export type ResultType = 'vector' | 'matrix';

/**
 * Types of errors that say nothing about the query, or that may not come again, though they have the status of a
 * refusal.
 */
const TEMPORARY = new Set(['timeout', 'canceled', 'internal', 'unavailable', 'not_found', 'not_acceptable']);
const OTHER_TYPES = new Set(['vector', 'matrix', 'scalar', 'string']);
/**
 * Beginnings of errors that are about the storage or one of its limits, in Prometheus' engine or in the other engine of
 * Thanos.
 */
const OF_STORAGE = /^(?:rpc error: code = \w+ desc = )?(?:expanding series|proxy Series\(\)):/;
/**
 * Beginnings of Thanos' errors about an unavailable store. Up to the first code of the store, all words come from
 * Thanos and its operator, so text of a query cannot look like this.
 */
const STORE_IS_AWAY =
  /^(?:(?:expanding series: )?proxy Series\(\): (?:rpc error: code = Aborted desc = )?(?:fetch series for|receive series from) (?:(?!rpc error: ).)*)?rpc error: code = Unavailable /s;
/** The beginning of every answer with data. */
const ANSWERED = /^\s*\{\s*"status"\s*:\s*"success"/;

/** @throws BackendUnavailable for everything that is not the answer of a healthy Prometheus. */
export function parseAnswer({ status, text, isCutOff }: PrometheusResponse, expected: ResultType): PrometheusAnswer {
  if (isCutOff) {
    if (status === 200 && ANSWERED.test(text)) return { kind: 'too large' };
    throw new BackendUnavailable(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
  }
  // The status of a proxy that accepts no request of this size. With fewer members it might.
  if (status === 413) return { kind: 'refusal', status, type: 'too_large', message: '' };
  if (status === 400 || status === 422) return refusalOf(status, objectOf(jsonIn(text)));
  if (status === 503 && errorTypeIn(text) === 'timeout') return { kind: 'slow', reason: 'the query took it too long' };
  if (status !== 200) throw new BackendUnavailable(`it answered with status ${status}`);
  const json = jsonIn(text);
  if (json === undefined) throw new BackendUnavailable('its answer is not JSON');
  return resultOf(objectOf(json), expected);
}

function resultOf(body: Record<string, unknown> | undefined, expected: ResultType): PrometheusAnswer {
  const { resultType, result } = objectOf(body?.['data']) ?? {};
  if (body?.['status'] !== 'success' || typeof resultType !== 'string' || !Array.isArray(result)) throw unexpected();
  if (body['isPartial'] === true) throw new BackendUnavailable('it answered in part only');
  if (resultType === expected) return { kind: 'result', entries: result, isComplete: isComplete(body) };
  if (!OTHER_TYPES.has(resultType)) throw unexpected();
  return {
    kind: 'refusal',
    status: 200,
    type: 'bad_result',
    message: `the query gives a ${resultType}, not a ${expected}`,
  };
}

/**
 * Warnings may be about series that a limit or an unavailable store has left out. They may also be about the query,
 * whose author can provoke them, and no text tells the one from the other for certain. So they are no reason to
 * distrust the answer to a query with names.
 */
function isComplete({ warnings }: Record<string, unknown>): boolean {
  return !(Array.isArray(warnings) && warnings.length > 0);
}

function refusalOf(status: number, body: Record<string, unknown> | undefined): PrometheusAnswer {
  const type = body?.['errorType'];
  const message = body?.['error'];
  if (body?.['status'] !== 'error' || typeof type !== 'string')
    throw new BackendUnavailable(`it answered with status ${status}`);
  if (TEMPORARY.has(type)) throw new BackendUnavailable(`it answered with status ${status} (${type})`);
  const text = typeof message === 'string' ? message : '';
  if (STORE_IS_AWAY.test(text))
    throw new BackendUnavailable('a store behind it is away', { cause: new Error(text.slice(0, 500)) });
  // Its storage is unavailable, or a limit of the storage is exceeded: only a smaller request can tell.
  if (OF_STORAGE.test(text)) return { kind: 'failure', reason: `it answered with status ${status} (${type})` };
  return { kind: 'refusal', status, type, message: text };
}

function errorTypeIn(text: string): unknown {
  return objectOf(jsonIn(text))?.['errorType'];
}

function objectOf(json: unknown): Record<string, unknown> | undefined {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
}

function unexpected(): BackendUnavailable {
  return new BackendUnavailable('its answer is not of the form expected');
}
