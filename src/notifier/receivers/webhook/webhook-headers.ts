import { createHash } from 'node:crypto';

import type { ServiceClock } from '../../../clock.js';
import type { Delivery } from '../receiver.js';
import { webhookSignature } from './signature.js';

/** A webhook that is about to be sent. */
interface OutgoingWebhook {
  delivery: Delivery;
  /** The body of the delivery, as it is sent. */
  body: Buffer;
  /** Signing secrets, newest first. Empty: the webhook is not signed. */
  secrets: readonly string[];
}

/** Returns the headers that each attempt of a webhook has, those of Standard Webhooks included. */
export function webhookHeaders(
  { delivery: { id, kind, sequence, transitionTime }, body, secrets }: OutgoingWebhook,
  { clock, version }: { clock: Pick<ServiceClock, 'wallNow'>; version: string },
): Record<string, string> {
  const messageId = `msg_${id.replace(/[^A-Za-z0-9_-]/g, '')}`;
  const timestamp = String(Math.floor(clock.wallNow().getTime() / 1000));
  return {
    'content-type': 'application/json',
    'user-agent': `tocsin/${version}`,
    'webhook-id': messageId,
    'webhook-timestamp': timestamp,
    ...(secrets.length > 0 && {
      'webhook-signature': webhookSignature({ id: messageId, timestamp, body }, secrets),
    }),
    'tocsin-sequence': String(sequence),
    'tocsin-transition-time': transitionTime.toISOString(),
    ...(kind === 'test' && { 'tocsin-test': 'true' }),
    'x-openstack-request-id': `req-${requestIdOf(id)}`,
  };
}

/** Returns a UUID for the request id, the same for every attempt of one notification. */
export function requestIdOf(id: string): string {
  const hex = createHash('sha256').update(`request ${id}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
