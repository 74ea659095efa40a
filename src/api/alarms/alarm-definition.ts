import type { AlarmDefinition } from '../../alarm/alarm.js';
import { MANUALLY_SET, NOT_EVALUATED_YET } from '../../alarm/state.js';
import { isProvisional } from '../../alarm/state-reason.js';
import { stateTimeAfter } from '../../alarm/state-time.js';
import { neverOpensReason } from '../../alarm/time-constraint/time-constraint.js';
import type { RuleScope } from '../../alarm/types/alarm-type.js';
import { storedRule, typeOf, type StoredRule } from '../../alarm/types/index.js';
import { pythonText } from '../../alarm/wire/wire-types.js';
import { AppError } from '../../errors.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-store.js';
import type { CheckedRule } from './check-rule.js';
import { isAdmin, refuseForeignProject, ruleProject } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

interface Owner {
  projectId: string | null;
  userId: string | null;
}

type StoredDefinition = AlarmDefinition & StoredRule;

/** Values for a definition that the request does not hold. */
export interface Circumstances extends CheckedRule {
  at: Date;
}

/** The alarm that a POST creates. @throws AppError `not_authorized` for another project or user. */
export function newAlarm(
  request: AlarmRequest,
  identity: Identity,
  { id, at, ruleReason, ...owners }: Circumstances & { id: string },
): StoredAlarm {
  return {
    ...definitionOf(request, { projectId: ruleProject(identity, request.project_id), ...owners }),
    ...statedOwner(request, identity),
    id,
    timestamp: at,
    state: request.state,
    stateVersion: 0,
    stateReason: neverOpensReason(request.time_constraints) ?? ruleReason ?? NOT_EVALUATED_YET,
    stateTimestamp: at,
    definitionVersion: 1,
    muted: false,
    evaluateTimestamp: at,
  };
}

/** The alarm after a PUT. Fields that the body leaves out get their defaults, also the state. */
export function replacedAlarm(
  current: StoredAlarm,
  request: AlarmRequest,
  identity: Identity,
  { at, ruleReason, ...owners }: Circumstances,
): StoredAlarm {
  const stateChanged = request.state !== current.state;
  const projectId = ruleProject(identity, projectAfterPut(current, request));
  const definition = definitionOf(request, { projectId, ...owners });
  return {
    ...current,
    ...definition,
    ...ownerAfterPut(current, request, identity),
    timestamp: at,
    state: request.state,
    stateVersion: current.stateVersion + (stateChanged ? 1 : 0),
    stateReason: stateChanged ? MANUALLY_SET : reasonAfterPut(current, definition, ruleReason),
    stateTimestamp: stateChanged ? stateTimeAfter(current.stateTimestamp, at) : current.stateTimestamp,
  };
}

function backendOf({ evaluationOptions }: Pick<AlarmDefinition, 'evaluationOptions'>): string | undefined {
  return evaluationOptions?.backend;
}

/**
 * Only an import mutes an alarm, and only its activation unmutes it. Clients may send back the value that they read.
 * @throws AppError `invalid_request` if `muted` in the request differs from the alarm's.
 */
export function refuseOtherMuted({ tocsin }: Pick<AlarmRequest, 'tocsin'>, muted: boolean): void {
  const said = tocsin?.muted ?? muted;
  if (said === muted) return;
  const message =
    `It is ${pythonText(muted)} for this alarm, and only an import or its activation changes it. ` +
    'To hold the notifications of an alarm for a time, make a silence: POST /v1/silences.';
  throw new AppError(
    'invalid_request',
    `Invalid input for field/attribute muted. Value: '${pythonText(said)}'. ${message}`,
    { field: ['tocsin', 'muted'] },
  );
}

/**
 * A provisional reason describes the definition before the PUT. The reason of an evaluation stays until the next one.
 */
function reasonAfterPut(current: StoredAlarm, next: StoredDefinition, ruleReason: string | undefined): string {
  const neverOpens = neverOpensReason(next.timeConstraints);
  if (neverOpens !== undefined) return neverOpens;
  if (isProvisional(current.stateReason)) return ruleReason ?? NOT_EVALUATED_YET;
  const isNewRule = next.ruleJson !== current.ruleJson || backendOf(next) !== backendOf(current);
  return isNewRule ? (ruleReason ?? current.stateReason) : current.stateReason;
}

/** @throws AppError `not_authorized` if the rule reads data that the caller may not see. */
function definitionOf(request: AlarmRequest, scope: RuleScope): StoredDefinition {
  const kind = typeOf(request.rule);
  const rule = kind.scopedTo(request.rule, scope);
  return {
    name: request.name,
    description: request.description || kind.defaultDescription(rule),
    enabled: request.enabled,
    ...storedRule(rule),
    okActions: request.ok_actions,
    alarmActions: request.alarm_actions,
    insufficientDataActions: request.insufficient_data_actions,
    repeatActions: request.repeat_actions,
    severity: request.severity,
    timeConstraints: request.time_constraints,
    deliveryPolicy: request.tocsin?.delivery_policy ?? null,
    evaluationOptions: request.evaluationOptions,
  };
}

/**
 * The project that owns the alarm after a PUT by an admin: the current one if the body names none. (Aodh ignores the
 * owner in that case, so that the rule can read the data of all projects.)
 */
export function projectAfterPut(current: Pick<StoredAlarm, 'projectId'>, { project_id }: AlarmRequest): string | null {
  return project_id === undefined ? current.projectId : project_id;
}

/** The owner of a new alarm. Only admins may name others. @throws AppError `not_authorized`. */
function statedOwner({ user_id, project_id }: AlarmRequest, identity: Identity): Owner {
  if (user_id !== undefined && user_id !== identity.userId && !isAdmin(identity)) {
    const message = `Not Authorized to access user ${pythonText(user_id)}`;
    throw new AppError('not_authorized', message, { field: ['user_id'] });
  }
  if (project_id !== undefined) refuseForeignProject(identity, project_id, ['project_id']);
  return {
    userId: user_id === undefined ? identity.userId : user_id,
    projectId: project_id === undefined ? identity.projectId : project_id,
  };
}

/**
 * Unlike POST, a PUT by a caller who is not an admin ignores owners in the body, since Aodh's clients send them back.
 */
function ownerAfterPut(current: StoredAlarm, { user_id, project_id }: AlarmRequest, identity: Identity): Owner {
  if (!isAdmin(identity)) return { userId: identity.userId, projectId: identity.projectId };
  return {
    userId: user_id === undefined ? current.userId : user_id,
    projectId: project_id === undefined ? current.projectId : project_id,
  };
}
