import {
  ADMIN_SCHEMES,
  hasUserInfo,
  needsTrust,
  parseAction,
  scrubAction,
  type ActionScheme,
} from '../../alarm/action.js';
import { ACTION_LIST_OF } from '../../alarm/alarm.js';
import { AppError } from '../../errors.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

export interface ActionPolicy {
  /** Most actions in one list; zero or less: as many as one likes. */
  alarmMaxActions: number;
  /** Whether a Redis for queue actions is configured. */
  queueActions: boolean;
  trustActions: {
    /** Why none can be carried out, for people; undefined when they can. */
    refusal: string | undefined;
    /** Whether a token may go over a connection that is not encrypted. */
    overHttp: boolean;
  };
}

/** @throws AppError for the first action that cannot be delivered, is not allowed, or is one too many. */
export function refuseBadActions(request: AlarmRequest, identity: Identity, policy: ActionPolicy): void {
  for (const name of Object.values(ACTION_LIST_OF)) {
    const actions = request[name] ?? [];
    if (policy.alarmMaxActions > 0 && actions.length > policy.alarmMaxActions) {
      throw new AppError('invalid_request', `${name} count exceeds maximum value ${policy.alarmMaxActions}`);
    }
    for (const action of actions) refuseBadAction(action, identity, policy);
  }
}

function refuseBadAction(action: string, identity: Identity, policy: ActionPolicy): void {
  // Whose trust it is could not be known, and we would use it all the same.
  if (needsTrust(action) && hasUserInfo(action))
    throw new AppError('invalid_request', 'trust URL cannot contain a trust ID.');
  const { scheme } = parseAction(action);
  if (ADMIN_SCHEMES.includes(scheme) && !isAdmin(identity)) {
    throw new AppError('not_authorized', `You are not authorized to create action: ${action}`);
  }
  if (needsTrust(action)) refuseTrustAction(action, scheme, policy);
  if (scheme === 'queue' && !policy.queueActions) {
    throw new AppError(
      'invalid_request',
      `Unsupported action ${action}: queue actions need the setting queue.redis_url, which is not set`,
    );
  }
}

function refuseTrustAction(action: string, scheme: ActionScheme, { trustActions }: ActionPolicy): void {
  const refusal =
    scheme === 'trust+http' && !trustActions.overHttp
      ? 'trust+https is needed, since notifier.trust_actions_over_http is off'
      : trustActions.refusal;
  if (refusal !== undefined)
    throw new AppError('invalid_request', `Unsupported action ${scrubAction(action)}: ${refusal}`);
}
