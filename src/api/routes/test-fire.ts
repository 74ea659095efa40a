import { needsTrust } from '../../alarm/action.js';
import type { AlarmActions } from '../../alarm/alarm.js';
import type { AlarmLink } from '../../alarm/notification.js';
import { testBody, type TestedAlarm } from '../../alarm/test-notification.js';
import type { Clock } from '../../clock.js';
import { AppError } from '../../errors.js';
import type { NotifierWaker } from '../../notifier/waker.js';
import { ALL_PROJECTS } from '../../storage/audit/audit-entry.js';
import type { DeliveryPause } from '../../storage/notifications/delivery-pause-store.js';
import type { NewTests, TestRecord } from '../../storage/notifications/test-notification-store.js';
import { refuseOtherMuted } from '../alarms/alarm-definition.js';
import { refuseBadActions, type ActionPolicy } from '../alarms/check-actions.js';
import { refuseForbiddenAddresses } from '../alarms/check-addresses.js';
import { draftIn, namingFields, pathOfAction } from '../alarms/refused-field.js';
import { allActions, chosenActions, refuseActionsOfAdmins, type ActionsByList } from '../alarms/tested-actions.js';
import { testFireAnswer } from '../answers/test-fire-answer.js';
import type { ApiAnswer } from '../http/answer.js';
import { parseWith } from '../http/faultstring.js';
import { invalidInput } from '../http/query-parameters.js';
import type { RateLimits } from '../http/rate-limits.js';
import { SMALL_BODY } from '../http/request-body.js';
import type { ApiRequest, Route } from '../http/route.js';
import { isAdmin, refuseForeignProject, scopeOf } from '../identity/authorize.js';
import type { Alarms, TestNotifications } from '../ports.js';
import { DraftTestFireRequest, TestFireRequest } from '../schema/test-fire-request.js';
import { utcTimestamp } from '../schema/timestamp.js';
import { requestedAlarm } from './alarms.js';

export interface TestFireRoutesDeps {
  alarms: Alarms;
  tests: TestNotifications;
  actions: ActionPolicy;
  rateLimits: RateLimits;
  waker: NotifierWaker;
  /** The links in the bodies of tests of stored alarms; undefined if bodies have none. */
  alarmLink?: AlarmLink | undefined;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Longest wait for the outcomes. After it, tests that no notifier has begun to send are cancelled. */
  testWaitMs: number;
  now: () => Date;
}

/** Id of a draft. Stored alarms have other ids. */
const DRAFT_ID = 'draft';
/** Pauses between two looks at the outcomes: the first, and the longest. */
const POLL_MS = { first: 50, most: 1_000 };
const MS_OF_SECOND = 1_000;

/** `/v1/alarms/{id}/test-fire` and `/v1/alarms/test-fire`: send a test of actions and answer its outcome. */
export function testFireRoutes(deps: TestFireRoutesDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/alarms/test-fire',
      policy: 'member',
      audit: 'alarm.test_fire',
      keyed: 'once',
      body: SMALL_BODY,
      handle: (request) => testDraft(deps, request),
    },
    {
      method: 'POST',
      path: '/v1/alarms/:id/test-fire',
      policy: 'member',
      audit: 'alarm.test_fire',
      keyed: 'once',
      body: SMALL_BODY,
      handle: (request) => testAlarm(deps, request),
    },
  ];
}

async function testAlarm(deps: TestFireRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const wanted = parseWith(TestFireRequest, { argument: 'data', value: bodyOf(request) });
  const alarm = await requestedAlarm(deps.alarms, request);
  const { definitionVersion, projectId, stateVersion: sequence } = alarm;
  const source = { definitionVersion };
  return fire(deps, request, { wanted, alarm, lists: listsOf(alarm), projectId, sequence, source });
}

/** Checks the actions of the draft as for its creation. Stores no alarm. */
async function testDraft(deps: TestFireRoutesDeps, request: ApiRequest): Promise<ApiAnswer> {
  const { identity } = request;
  const body = bodyOf(request);
  const wanted = parseWith(DraftTestFireRequest, { argument: 'data', value: body });
  const { alarm: draft } = wanted;
  const projectId = draft.project_id === undefined ? identity.projectId : draft.project_id;
  const actions = {
    okActions: draft.ok_actions,
    alarmActions: draft.alarm_actions,
    insufficientDataActions: draft.insufficient_data_actions,
  };
  await namingFields(draftIn(body, wanted), async () => {
    refuseForeignProject(identity, projectId, ['project_id']);
    refuseTrustActions(actions);
    refuseActionsOfAdmins(allActions(draft), identity);
    refuseBadActions(draft, identity, deps.actions);
    refuseOtherMuted(draft, false);
    await refuseForbiddenAddresses(draft, projectId, deps.actions.egress);
  });
  if (isAdmin(identity)) request.note({ projectId });
  const alarm = { ...draft, id: DRAFT_ID };
  return fire(deps, request, { wanted, alarm, lists: draft, projectId, sequence: 0, source: { draft: actions } });
}

/** Only a stored alarm has a trust, by which the service may act for its owner. */
function refuseTrustActions(actions: AlarmActions): void {
  const field = pathOfAction(actions, needsTrust);
  if (field === undefined) return;
  const message = 'trust+ actions cannot be tested in a draft: create the alarm and test that';
  throw new AppError('invalid_request', message, { field });
}

function bodyOf({ body }: ApiRequest): unknown {
  if (body === undefined) throw new AppError('invalid_request', 'Missing argument: "data"');
  return body;
}

function listsOf({ okActions, alarmActions, insufficientDataActions }: AlarmActions): ActionsByList {
  return { ok_actions: okActions, alarm_actions: alarmActions, insufficient_data_actions: insufficientDataActions };
}

interface RequestedTests extends Pick<NewTests, 'projectId' | 'sequence' | 'source'> {
  wanted: TestFireRequest;
  alarm: TestedAlarm;
  lists: ActionsByList;
}

async function fire(
  deps: TestFireRoutesDeps,
  { identity, signal, write }: ApiRequest,
  { wanted, alarm, lists, ...tests }: RequestedTests,
): Promise<ApiAnswer> {
  if (wanted.confirm !== alarm.name)
    throw invalidInput('confirm', wanted.confirm, `It must be the name of the alarm, '${alarm.name}'.`).at(['confirm']);
  const chosen = chosenActions(wanted, lists);
  refuseActionsOfAdmins(chosen, identity);
  await deps.rateLimits.count('tests', identity.projectId, chosen.length);
  const link = alarm.id === DRAFT_ID ? undefined : deps.alarmLink?.(alarm.id);
  const body = testBody(alarm, wanted.state, link);
  return write(async () => {
    const ids = await send(deps, identity, { ...tests, alarmId: alarm.id, body, chosen, at: deps.now() });
    const ended = await waitForEnds(deps, { ids, signal, read: () => deps.tests.outcomes(scopeOf(identity), ids) });
    const alarmId = alarm.id === DRAFT_ID ? null : alarm.id;
    return { status: 200, body: testFireAnswer({ alarmId, state: wanted.state }, ended, isAdmin(identity)) };
  });
}

async function send(deps: TestFireRoutesDeps, identity: ApiRequest['identity'], tests: NewTests): Promise<string[]> {
  const sent = await deps.tests.send(scopeOf(identity), tests);
  switch (sent.kind) {
    case 'sent':
      deps.waker.wake(sent.ids.length);
      return sent.ids;
    case 'alarm changed':
      throw new AppError('conflict', `Alarm ${tests.alarmId} was changed by another request: read it again`);
    case 'paused':
      throw new AppError('conflict', pausedText(sent.pause));
    case 'limited': {
      const retryAfterS = Math.max(1, Math.ceil((sent.until.getTime() - tests.at.getTime()) / MS_OF_SECOND));
      throw new AppError('too_many_requests', 'Too many notifications of this project in this hour', { retryAfterS });
    }
  }
}

function pausedText({ projectId, endsAt, reason }: DeliveryPause): string {
  const whose = projectId === ALL_PROJECTS ? 'all projects' : `project ${projectId}`;
  const end = endsAt ? ` until ${utcTimestamp(endsAt)}` : '';
  return `Deliveries of ${whose} are paused${end}${reason === null ? '' : ` (${reason})`}: nothing was sent`;
}

/** Waits until all tests have ended, the client has left or the time is over. Then no test begins any more. */
async function waitForEnds(
  { tests, clock, testWaitMs, now }: TestFireRoutesDeps,
  { ids, signal, read }: { ids: readonly string[]; signal: AbortSignal; read: () => Promise<TestRecord[]> },
): Promise<TestRecord[]> {
  const untilMs = clock.monotonicMs() + testWaitMs;
  for (let pauseMs = POLL_MS.first; !signal.aborted; pauseMs = Math.min(2 * pauseMs, POLL_MS.most)) {
    const found = await read();
    if (found.every(({ status }) => status !== 'pending' && status !== 'in_flight')) return found;
    if (clock.monotonicMs() + pauseMs > untilMs) break;
    await clock.sleep(pauseMs, signal);
  }
  await tests.cancel(ids, now());
  return read();
}
