import { withoutTrust } from '../../../alarm/action.js';
import { withTrust, type TrustDeps } from '../../with-login.js';
import type { Receiver } from '../receiver.js';
import type { Webhook } from '../webhook/webhook.js';

export interface TrustWebhookDeps extends TrustDeps {
  webhook: Webhook;
  /** Whether a token may go over a connection that is not encrypted. */
  overHttp: boolean;
}

/**
 * `trust+http://` and `trust+https://`: the webhook behind it, with a token of the alarm's trust. Certificates are
 * always verified: an option in the URL cannot hand the token to whoever answers.
 */
export function createTrustWebhookReceiver({ webhook, overHttp, ...deps }: TrustWebhookDeps): Receiver {
  return {
    async deliver(delivery, signal) {
      const action = withoutTrust(delivery.action);
      if (!overHttp && !/^https:/i.test(action)) return { kind: 'dead', error: 'blocked' };
      return withTrust(deps, delivery, ({ token }) =>
        webhook.send({ ...delivery, action }, { 'x-auth-token': token }, signal),
      );
    },
  };
}
