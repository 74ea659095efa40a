import { typeOf } from '../../alarm/types/index.js';
import { withDeadline } from '../../async/deadline.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { AlarmValues, AlarmValuesSource, ValuesSpan } from '../../evaluator/values/alarm-values.js';
import type { LatestValues } from '../../evaluator/values/latest-values.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import { newAlarm, refuseOtherMuted } from '../alarms/alarm-definition.js';
import { refuseBadActions, type ActionPolicy } from '../alarms/check-actions.js';
import { refuseBadRule } from '../alarms/check-rule.js';
import { draftIn, namingFields } from '../alarms/refused-field.js';
import { latestValueAnswer, valuesAnswer } from '../answers/values-answer.js';
import { noteProject } from '../audit/request-audit.js';
import type { ApiAnswer } from '../http/answer.js';
import type { ConcurrencyLimit } from '../http/concurrency-limit.js';
import { parseWith } from '../http/faultstring.js';
import { invalidInput, type QueryParameters } from '../http/query-parameters.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { scopeOf } from '../identity/authorize.js';
import type { Alarms, RuleChecks } from '../ports.js';
import { BacktestRequest, MAX_STEP_S } from '../schema/backtest-request.js';
import { LatestValuesRequest } from '../schema/latest-values-request.js';
import { parseTimestamp } from '../schema/timestamp.js';
import { requestedAlarm } from './alarms.js';
import { refuseBadSpan, refuseMissingBackend } from './backtest.js';
import { refuseForgotten } from './forgotten-times.js';

export interface AlarmValuesRoutesDeps {
  alarms: Alarms;
  alarmValues: AlarmValuesSource;
  latestValues: LatestValues;
  valuesLimit: ConcurrencyLimit;
  latestValuesLimit: ConcurrencyLimit;
  ruleChecks: RuleChecks;
  actions: ActionPolicy;
  /** Time between two evaluations, if the request names no step. */
  intervalMs: number;
  /** How long history is kept; undefined: for ever. */
  historyKeptMs: number | undefined;
  clock: Pick<Clock, 'sleep'>;
  now: () => Date;
}

/** Id of the draft. Stored alarms have other ids. */
const DRAFT_ID = 'draft';
/** Longest time in which the values of a time span are found. */
const SPAN_DEADLINE_MS = 60_000;
/** Longest wait for the backends of latest values. The alarms of a backend that needs longer have an error. */
const LATEST_DEADLINE_MS = 10_000;

/** `/v1/alarms/{id}/values`, `/v1/alarms/values` and `/v1/alarms/latest-values`. */
export function alarmValuesRoutes(deps: AlarmValuesRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/alarms/:id/values',
      policy: 'reader',
      audit: 'alarm.read_values',
      query: ['start', 'stop', 'step'],
      handle: (request) => valuesOfAlarm(deps, request),
    },
    {
      method: 'POST',
      path: '/v1/alarms/values',
      policy: 'member',
      audit: null,
      body: SMALL_BODY,
      handle: (request) => valuesOfDraft(deps, request),
    },
    {
      method: 'POST',
      path: '/v1/alarms/latest-values',
      policy: 'reader',
      audit: 'alarm.read_values',
      body: SMALL_BODY,
      handle: (request) => latestValuesOf(deps, request),
    },
  ];
}

async function valuesOfAlarm(deps: AlarmValuesRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { query } = request;
  const span = spanOf({ start: timeIn(query, 'start'), stop: timeIn(query, 'stop'), step: stepIn(query) }, deps);
  const alarm = await requestedAlarm(deps.alarms, request);
  refuseMissingBackend(deps.alarmValues, alarm);
  const work = (signal: AbortSignal): Promise<AlarmValues> => deps.alarmValues.ofAlarm(alarm, span, signal);
  return { status: 200, body: valuesAnswer(alarm.id, span, await found(deps, request, work)) };
}

/** Checks the draft as for its creation. Stores nothing. */
async function valuesOfDraft(deps: AlarmValuesRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, body } = request;
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  const wanted = parseWith(BacktestRequest, { argument: 'data', value: body });
  const span = spanOf(wanted, deps);
  const alarm = await namingFields(draftIn(body, wanted), async () => {
    refuseBadActions(wanted.alarm, identity, deps.actions);
    refuseOtherMuted(wanted.alarm, false);
    await refuseUnknownMembers(deps, request, typeOf(wanted.alarm.rule).members(wanted.alarm.rule));
    const owners = await refuseBadRule(wanted.alarm, identity, deps.ruleChecks);
    const draft = newAlarm(wanted.alarm, identity, { id: DRAFT_ID, at: span.start, ...owners });
    refuseMissingBackend(deps.alarmValues, draft);
    return draft;
  });
  const evaluated = { ...span, alarm, initialState: wanted.initial_state };
  const work = (signal: AbortSignal): Promise<AlarmValues> => deps.alarmValues.ofDraft(evaluated, signal);
  return { status: 200, body: valuesAnswer(null, span, await found(deps, request, work)) };
}

/** Runs the work within the share of the project, and until the deadline or the client's leaving. */
function found(
  { valuesLimit, clock }: AlarmValuesRoutesDeps,
  { identity, signal }: ApiRequest,
  work: (signal: AbortSignal) => Promise<AlarmValues>,
): Promise<AlarmValues> {
  return valuesLimit.limitWork(identity.projectId, () =>
    withDeadline(clock, SPAN_DEADLINE_MS, async (expired) => {
      const values = await work(AbortSignal.any([signal, expired]));
      if (!expired.aborted) return values;
      const text = `The values were not found within ${SPAN_DEADLINE_MS / 1000} seconds`;
      throw new AppError('unavailable', `${text}: let step be longer, or take a shorter time span`);
    }),
  );
}

async function latestValuesOf(deps: AlarmValuesRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity, body, signal } = request;
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  const { ids } = parseWith(LatestValuesRequest, { argument: 'data', value: body });
  noteProject(request);
  const visible = await visibleAlarms(deps, request, ids);
  const values = await deps.latestValuesLimit.limitWork(identity.projectId, () =>
    withDeadline(deps.clock, LATEST_DEADLINE_MS, (expired) =>
      deps.latestValues([...visible.values()], { now: deps.now(), signal: AbortSignal.any([signal, expired]) }),
    ),
  );
  const answers = [...new Set(ids)].flatMap((id) => {
    const [alarm, value] = [visible.get(id), values.get(id)];
    return alarm && value ? [latestValueAnswer(alarm, value)] : [];
  });
  return { status: 200, body: { values: answers } };
}

/** The alarms among these ids that the caller may see. */
async function visibleAlarms(
  { alarms }: Pick<AlarmValuesRoutesDeps, 'alarms'>,
  { identity }: ApiRequest,
  ids: readonly string[],
): Promise<Map<string, StoredAlarm>> {
  const visible = new Map<string, StoredAlarm>();
  if (ids.length === 0) return visible;
  const sort = [{ key: 'alarm_id', descending: true }] as const;
  for await (const page of alarms.list(scopeOf(identity), { filter: { ids }, sort })) {
    for (const alarm of page) visible.set(alarm.id, alarm);
  }
  return visible;
}

/** @throws AppError `not_found` for a member of a combination that the caller may not see. */
async function refuseUnknownMembers(
  deps: AlarmValuesRoutesDeps,
  request: ApiRequest,
  members: readonly string[],
): Promise<void> {
  const visible = await visibleAlarms(deps, request, members);
  const unknown = members.findIndex((id) => !visible.has(id));
  if (unknown < 0) return;
  const field = ['combination_rule', 'alarm_ids', unknown];
  throw new AppError('not_found', `Alarm ${members[unknown]} not found`, { field });
}

function spanOf(
  { start, stop, step }: { start: Date; stop: Date; step: number | null },
  deps: AlarmValuesRoutesDeps,
): ValuesSpan {
  const now = deps.now();
  refuseBadSpan(start, stop, now);
  refuseForgotten('start', start, { now, historyKeptMs: deps.historyKeptMs });
  return { start, stop, stepMs: step === null ? deps.intervalMs : step * 1000 };
}

function timeIn(query: QueryParameters, name: 'start' | 'stop'): Date {
  const text = query.one(name);
  if (text === undefined) throw invalidInput(name, 'None', 'Mandatory field missing.');
  const at = parseTimestamp(text);
  if (at === undefined) throw invalidInput(name, text, 'It is not a timestamp in ISO 8601.');
  return at;
}

function stepIn(query: QueryParameters): number | null {
  const text = query.one('step');
  if (text === undefined) return null;
  const step = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (step < 1 || step > MAX_STEP_S) throw invalidInput('step', text, `It should be from 1 to ${MAX_STEP_S} seconds.`);
  return step;
}
