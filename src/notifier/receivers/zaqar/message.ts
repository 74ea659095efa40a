import type { CloudAnswer, CloudCall, CloudClient } from '../../cloud.js';
import type { Delivery, DeliveryOutcome } from '../receiver.js';
import { codeOf } from '../../../http/backend-unavailable.js';
import { outcomeOfError, outcomeOfStatus } from '../webhook/outcome.js';
import { requestIdOf } from '../webhook/webhook-headers.js';

/** Zaqar's service type in Keystone's catalogue. */
export const MESSAGING = 'messaging';

/** What requests to Zaqar need. */
export interface ZaqarDeps {
  client: CloudClient;
  wallNow: () => Date;
}

/** A queue and the credentials for it. */
export interface ZaqarQueue {
  endpoint: string;
  name: string;
  /** The credentials: a token, or the headers of a pre-signed URL. */
  access: Pick<CloudCall, 'token' | 'headers'>;
}

/** Posts the notification to a queue, with its stored body unchanged. */
export function postMessage(
  deps: ZaqarDeps,
  queue: ZaqarQueue,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  return askZaqar(
    deps,
    queue,
    { what: 'messages', body: `{"messages": [{"body": ${delivery.body}}]}`, delivery },
    signal,
  );
}

/** Sends one request below a queue and returns its outcome. The statuses in `accepts` count as delivered, too. */
export async function askZaqar(
  { client, wallNow }: ZaqarDeps,
  { endpoint, name, access }: ZaqarQueue,
  {
    what,
    body,
    delivery,
    accepts = [],
  }: { what: 'messages' | 'subscriptions'; body: string; delivery: Delivery; accepts?: readonly number[] },
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  const url = `${endpoint.replace(/\/v2$/, '')}/v2/queues/${encodeURIComponent(name)}/${what}`;
  const headers = { ...access.headers, 'client-id': requestIdOf(delivery.id) };
  let answer: CloudAnswer;
  try {
    answer = await client.call({ ...access, method: 'POST', url, headers, body }, signal);
  } catch (thrown) {
    return outcomeOfError(codeOf(thrown));
  }
  if (accepts.includes(answer.status)) return { kind: 'delivered', httpStatus: answer.status };
  return outcomeOfStatus(answer.status, answer.retryAfter, wallNow());
}
