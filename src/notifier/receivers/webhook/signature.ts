import { createHmac } from 'node:crypto';

import { signingKeyOf } from '../../../alarm/receiver/signing-secret.js';

/** What is signed of a webhook. */
export interface SignedWebhook {
  /** The header `webhook-id`. */
  id: string;
  /** The header `webhook-timestamp`. */
  timestamp: string;
  /** The bytes as they are sent. */
  body: Buffer;
}

/** Returns the header `webhook-signature` of Standard Webhooks: one signature for each secret, in their order. */
export function webhookSignature({ id, timestamp, body }: SignedWebhook, secrets: readonly string[]): string {
  return secrets
    .map((secret) => {
      const hmac = createHmac('sha256', signingKeyOf(secret)).update(`${id}.${timestamp}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    })
    .join(' ');
}
