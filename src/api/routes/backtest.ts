import { typeOf } from '../../alarm/types/index.js';
import { AppError } from '../../errors.js';
import type { BacktestTransition } from '../../evaluator/backtest.js';
import { newAlarm, refuseOtherMuted } from '../alarms/alarm-definition.js';
import { refuseBadActions, type ActionPolicy } from '../alarms/check-actions.js';
import { refuseBadRule } from '../alarms/check-rule.js';
import { draftIn, namingFields } from '../alarms/refused-field.js';
import { parseWith } from '../http/faultstring.js';
import type { Backtests } from '../../evaluator/backtest.js';
import type { RuleChecks } from '../ports.js';
import { invalidInput } from '../http/query-parameters.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import type { ApiAnswer } from '../http/answer.js';
import { BacktestRequest } from '../schema/backtest-request.js';
import { backtestEnd, backtestTransition, type BacktestAnswer } from '../answers/backtest-answer.js';
import { utcTimestamp } from '../schema/timestamp.js';

export interface BacktestRoutesDeps {
  backtests: Backtests;
  backtestLimit: ConcurrencyLimit;
  ruleChecks: RuleChecks;
  actions: ActionPolicy;
  /** Time between two evaluations, if the request names no step. */
  intervalMs: number;
  now: () => Date;
}

const MAX_EVALUATIONS = 50_000;

/** Id of the draft. Stored alarms have other ids. */
const DRAFT_ID = 'backtest';

/** `/v2/alarms/backtest`. */
export function backtestRoutes(deps: BacktestRoutesDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/v2/alarms/backtest',
      policy: 'member',
      audit: 'alarm.backtest',
      body: SMALL_BODY,
      handle: (request) => backtest(deps, request),
    },
  ];
}

/** Checks the draft as for its creation and evaluates it. Stores nothing. */
async function backtest(deps: BacktestRoutesDeps, { body, identity, signal }: ApiRequest): Promise<ApiAnswer> {
  const { backtests, backtestLimit, ruleChecks, actions } = deps;
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  const request = parseWith(BacktestRequest, { argument: 'data', value: body });
  const span = spanOf(request, deps);
  const alarm = await namingFields(draftIn(body, request), async () => {
    refuseBadActions(request.alarm, identity, actions);
    refuseOtherMuted(request.alarm, false);
    refuseOtherKinds(request);
    const owners = await refuseBadRule(request.alarm, identity, ruleChecks);
    const draft = newAlarm(request.alarm, identity, { id: DRAFT_ID, at: span.start, ...owners });
    refuseMissingBackend(backtests, draft);
    return draft;
  });
  const { pages, summary } = backtests.start({ alarm, ...span, initialState: request.initial_state }, signal);
  return {
    status: 200,
    listName: 'transitions',
    pages: backtestLimit.limitAnswer(identity.projectId, shown(pages)),
    afterList: () => backtestEnd(summary),
  };
}

function spanOf(
  { start, stop, step }: BacktestRequest,
  { now, intervalMs }: BacktestRoutesDeps,
): { start: Date; stop: Date; stepMs: number } {
  const stepMs = step === null ? intervalMs : step * 1000;
  refuseBadSpan(start, stop, now());
  const evaluations = Math.floor((stop.getTime() - start.getTime()) / stepMs) + 1;
  if (evaluations > MAX_EVALUATIONS) {
    const most = `At most ${MAX_EVALUATIONS} evaluations are made at once, and this would be ${evaluations}.`;
    throw invalidInput('stop', utcTimestamp(stop), `${most} Let it stop earlier, or take a longer step.`).at(['stop']);
  }
  return { start, stop, stepMs };
}

/** @throws AppError for a span that ends in the future, or that does not begin before its end. */
export function refuseBadSpan(start: Date, stop: Date, now: Date): void {
  if (stop > now) throw invalidInput('stop', utcTimestamp(stop), 'It must not be in the future.').at(['stop']);
  if (start >= stop) throw invalidInput('start', utcTimestamp(start), 'It must be before stop.').at(['start']);
}

/** @throws AppError for an alarm whose backend is not configured. */
export function refuseMissingBackend(
  { missingBackend }: Pick<Backtests, 'missingBackend'>,
  alarm: Parameters<Backtests['missingBackend']>[0],
): void {
  const missing = missingBackend(alarm);
  if (missing === undefined) return;
  throw invalidInput('type', alarm.rule.type, `No ${missing} backend is configured.`).at(['type']);
}

function refuseOtherKinds({ alarm: { rule } }: BacktestRequest): void {
  if (typeOf(rule).judgedBy === 'series') return;
  throw invalidInput('type', rule.type, 'Only alarms that ask a backend for data can be backtested.').at(['type']);
}

async function* shown(
  pages: AsyncIterable<readonly BacktestTransition[]>,
): AsyncIterable<BacktestAnswer['transitions']> {
  for await (const page of pages) yield page.map(backtestTransition);
}
