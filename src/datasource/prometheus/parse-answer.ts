import type { HttpResponse } from '../gate/http-exchange.js';
import { BackendUnavailable } from '../gate/backend-unavailable.js';
import { MAX_ANSWER_BYTES } from './prometheus-client.js';

/**
 * What Prometheus said.
 * - `result`: series, not looked at yet, of the form that was asked for; `isWhole` unless it warns of something, as it
 *   does where some may be missing.
 * - `refusal`: it understood, and would say the same again; `type` and `message` are its own words, and not fit for
 *   everybody's eyes.
 * - `failure`: likewise, but for a reason that can pass, so that it says nothing about the query.
 * - `slow`: it is in good health, and gave up on what would have taken too long.
 * - `too large`: more than is read of an answer.
 */
export type PrometheusAnswer =
  | { kind: 'result'; entries: readonly unknown[]; isComplete: boolean }
  | { kind: 'refusal'; status: number; type: string; message: string }
  | { kind: 'failure'; reason: string }
  | { kind: 'slow'; reason: string }
  | { kind: 'too large' };

/** The form of a result: of a question about one moment, and of one about a range. */
export type ResultType = 'vector' | 'matrix';

/**
 * Errors with the status of a refusal that say nothing about the query, or that may not come again at another attempt.
 */
const TEMPORARY = new Set(['timeout', 'canceled', 'internal', 'unavailable', 'not_found', 'not_acceptable']);
const OTHER_TYPES = new Set(['vector', 'matrix', 'scalar', 'string']);
/**
 * How errors begin that are about its storage, or a limit of it: those of Prometheus' engine, and of Thanos where that
 * uses another one.
 */
const OF_STORAGE = /^(?:rpc error: code = \w+ desc = )?(?:expanding series|proxy Series\(\)):/;
/**
 * How errors of Thanos begin that are about a store which is away. Up to the first code of the store's own, all words
 * are those of Thanos and of who runs it: what stands in a query cannot look like this.
 */
const STORE_IS_AWAY =
  /^(?:(?:expanding series: )?proxy Series\(\): (?:rpc error: code = Aborted desc = )?(?:fetch series for|receive series from) (?:(?!rpc error: ).)*)?rpc error: code = Unavailable /s;
/** How every answer with data begins. */
const ANSWERED = /^\s*\{\s*"status"\s*:\s*"success"/;

/** @throws BackendUnavailable for everything that is no answer of a Prometheus in good health. */
export function parseAnswer({ status, text, isCutOff }: HttpResponse, expected: ResultType): PrometheusAnswer {
  if (isCutOff) {
    if (status === 200 && ANSWERED.test(text)) return { kind: 'too large' };
    throw new BackendUnavailable(`its answer is larger than ${MAX_ANSWER_BYTES} bytes`);
  }
  // A proxy before it takes no request of this size; with fewer members it might.
  if (status === 413) return { kind: 'refusal', status, type: 'too_large', message: '' };
  if (status === 400 || status === 422) return refusalOf(status, objectOf(parsed(text)));
  if (status === 503 && errorTypeIn(text) === 'timeout') return { kind: 'slow', reason: 'the query took it too long' };
  if (status !== 200) throw new BackendUnavailable(`it answered with status ${status}`);
  const json = parsed(text);
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
 * Warnings may be about series that a limit, or a store that is away, has left out. They may as well be about the
 * query, whose author can provoke them, and no text tells the one from the other for certain: so they are no reason to
 * disbelieve an answer to the queries of members.
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
  // Its storage is in trouble, or a limit of its storage is met: only context for less tells.
  if (OF_STORAGE.test(text)) return { kind: 'failure', reason: `it answered with status ${status} (${type})` };
  return { kind: 'refusal', status, type, message: text };
}

function errorTypeIn(text: string): unknown {
  return objectOf(parsed(text))?.['errorType'];
}

/** Undefined for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(json: unknown): Record<string, unknown> | undefined {
  return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : undefined;
}

function unexpected(): BackendUnavailable {
  return new BackendUnavailable('its answer is not of the form expected');
}
