import { scrubAction, type ActionScheme } from '../../alarm/action-text.js';
import { ADMIN_SCHEMES, hasUserInfo, needsTrust, parseAction } from '../../alarm/action.js';
import { ACTION_LIST_OF } from '../../alarm/alarm.js';
import type { EgressGuard } from '../../egress/egress-guard.js';
import { AppError, type BodyPath } from '../../errors.js';
import { isAdmin } from '../identity/authorize.js';
import type { Identity } from '../identity/identity.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

/** Which actions this service accepts. */
export interface ActionPolicy {
  /** Most actions in one list; zero or less: no limit. */
  alarmMaxActions: number;
  /** True if `queue.redis_url` is set, which `queue://` actions need. */
  queueActions: boolean;
  trustActions: {
    /** Message that says why trust actions are not possible; undefined if they are. */
    refusal: string | undefined;
    /** True if tokens may be sent over connections without encryption. */
    overHttp: boolean;
  };
  /** Decides which addresses receivers may have. */
  egress: EgressGuard;
}

/** Checks all actions. @throws AppError for the first one that cannot be delivered, is not allowed, or is too many. */
export function refuseBadActions(request: AlarmRequest, identity: Identity, policy: ActionPolicy): void {
  for (const name of Object.values(ACTION_LIST_OF)) {
    const actions = request[name] ?? [];
    if (policy.alarmMaxActions > 0 && actions.length > policy.alarmMaxActions) {
      const message = `${name} count exceeds maximum value ${policy.alarmMaxActions}`;
      throw new AppError('invalid_request', message, { field: [name] });
    }
    for (const [index, action] of actions.entries())
      refusingAt([name, index], () => refuseBadAction(action, identity, policy));
  }
}

/** Runs a check whose refusal is about the value at a path of the alarm. */
function refusingAt(path: BodyPath, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    throw thrown instanceof AppError ? thrown.at(path) : thrown;
  }
}

function refuseBadAction(action: string, identity: Identity, policy: ActionPolicy): void {
  // The service would act with that trust without knowing its owner.
  if (needsTrust(action) && hasUserInfo(action))
    throw new AppError('invalid_request', 'trust URL cannot contain a trust ID.');
  const { scheme } = parseAction(action);
  if (ADMIN_SCHEMES.includes(scheme) && !isAdmin(identity)) {
    throw new AppError('not_authorized', `You are not authorized to create action: ${scrubAction(action)}`);
  }
  if (needsTrust(action)) refuseTrustAction(action, scheme, policy);
  if (scheme === 'queue' && !policy.queueActions) {
    throw new AppError(
      'invalid_request',
      `Unsupported action ${scrubAction(action)}: queue actions need the setting queue.redis_url, which is not set`,
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
