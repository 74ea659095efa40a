import { scrubAction } from '../../alarm/action-text.js';
import { calledUrls, parseAction } from '../../alarm/action.js';
import { ACTION_LIST_OF } from '../../alarm/alarm.js';
import type { EgressGuard } from '../../egress/egress-guard.js';
import type { EgressRefusal } from '../../egress/egress-policy.js';
import { inChunks } from '../../async/event-loop.js';
import { AppError } from '../../errors.js';
import type { AlarmRequest } from '../schema/alarm-request.js';

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
  const lists = Object.values(ACTION_LIST_OF);
  const all = lists.flatMap((name) => (request[name] ?? []).map((action, index) => ({ name, index, action })));
  for await (const some of inChunks(all)) {
    for (const { name, index, action } of some) {
      const refusal = await refusalOfAction(action, projectId, egress).catch((thrown: unknown) => {
        throw thrown instanceof AppError ? thrown.at([name, index]) : thrown;
      });
      if (refusal === undefined) continue;
      const message = `${name}: ${scrubAction(action)} is refused: ${textOf(refusal)}`;
      throw new AppError('invalid_request', message, { field: [name, index] });
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
