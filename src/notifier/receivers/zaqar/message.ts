import type { CloudAnswer, CloudCall, CloudClient } from '../../cloud.js';
import type { Delivery, DeliveryOutcome } from '../receiver.js';
import { codeOf, outcomeOfError, outcomeOfStatus } from '../webhook/outcome.js';
import { requestIdOf } from '../webhook/webhook.js';

/** Type of Zaqar in Keystone's catalogue. */
export const MESSAGING = 'messaging';

export interface ZaqarDeps {
  client: CloudClient;
  wallNow: () => Date;
}

export interface ZaqarQueue {
  endpoint: string;
  name: string;
  /** What proves who we are: a token, or the headers of a URL signed before. */
  access: Pick<CloudCall, 'token' | 'headers'>;
}

/** Posts the notification to a queue; its text goes in as it was committed. */
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

/** @returns the outcome of one request below a queue. `accepts` names statuses that are as good as success. */
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
