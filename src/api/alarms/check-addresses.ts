import { scrubAction } from '../../alarm/action-text.js';
import { calledUrls, parseAction } from '../../alarm/action.js';
import { ACTION_LIST_OF } from '../../alarm/alarm.js';
import type { EgressGuard } from '../../egress/egress-guard.js';
import type { EgressRefusal } from '../../egress/egress-policy.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { AppError } from '../../errors.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

/** Lists may be long. At 10 µs an action, the event loop is blocked for 5 ms at most. */
const ACTIONS_AT_ONCE = 500;

/**
 * Checks the schemes and addresses that the actions name. Names are not resolved: when a notification is sent, all its
 * addresses are checked again.
 * @throws AppError `invalid_request` for the first action that may not be called.
 */
export async function refuseForbiddenAddresses(
  request: AlarmRequest,
  projectId: string | null,
  egress: EgressGuard,
): Promise<void> {
  for (const name of Object.values(ACTION_LIST_OF)) {
    for (const [index, action] of (request[name] ?? []).entries()) {
      if (index % ACTIONS_AT_ONCE === 0) await yieldToEventLoop();
      const refusal = await refusalOfAction(action, projectId, egress);
      if (refusal !== undefined)
        throw new AppError('invalid_request', `${name}: ${scrubAction(action)} is refused: ${textOf(refusal)}`);
    }
  }
}

async function refusalOfAction(
  action: string,
  projectId: string | null,
  egress: EgressGuard,
): Promise<EgressRefusal | undefined> {
  for (const url of calledUrls(parseAction(action))) {
    const verdict = await (await egress.gateTo(url, projectId)).host();
    if (verdict.kind === 'blocked') return verdict.refusal;
  }
  return undefined;
}

/** One text for all addresses: users cannot find the services of an installation by trying. */
function textOf(refusal: EgressRefusal): string {
  if (refusal === 'not https') return 'https is needed, since notifier.https_only_actions is on';
  return refusal === 'port'
    ? 'receivers may not have this port; an operator can allow it with egress.allow or egress.deny_ports'
    : 'receivers may not have this address; an operator can allow it with egress.allow';
}
