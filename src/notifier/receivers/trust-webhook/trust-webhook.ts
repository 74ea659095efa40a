import { withoutTrust } from '../../../alarm/action-text.js';
import { withTrust, type TrustDeps } from '../../with-login.js';
import type { Receiver } from '../receiver.js';
import type { Webhook } from '../webhook/webhook.js';

/** What the receiver of `trust+http://` and `trust+https://` actions needs. */
export interface TrustWebhookDeps extends TrustDeps {
  webhook: Webhook;
  /** True if a token may be sent over a connection without TLS. */
  overHttp: boolean;
}

/**
 * Receiver of `trust+http://` and `trust+https://` actions: a webhook with a token of the alarm's trust. Certificates
 * are always verified, since an option in the URL must not give the token to another server.
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
