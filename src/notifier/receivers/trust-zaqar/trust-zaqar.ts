import { parseAction } from '../../../alarm/action.js';
import { zaqarQueueOf } from '../../../alarm/zaqar-action.js';
import { withTrust, type TrustDeps } from '../../with-login.js';
import type { Receiver } from '../receiver.js';
import { MESSAGING, postMessage, type ZaqarDeps } from '../zaqar/message.js';

/**
 * Receiver of `trust+zaqar://?queue_name=…` actions: posts a message to a queue of the alarm's owner, with a token of
 * the alarm's trust.
 */
export function createTrustZaqarReceiver(deps: TrustDeps & ZaqarDeps): Receiver {
  return {
    async deliver(delivery, signal) {
      const name = zaqarQueueOf(parseAction(delivery.action).url.searchParams);
      if (name === undefined) return { kind: 'dead', error: 'invalid' };
      return withTrust(deps, delivery, async (login) =>
        postMessage(
          deps,
          { endpoint: await login.endpoint(MESSAGING), name, access: { token: login.token } },
          delivery,
          signal,
        ),
      );
    },
  };
}
