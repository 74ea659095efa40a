import { calledUrls, parseAction } from '../../../alarm/action.js';
import type { EgressGuard } from '../../../egress/egress-guard.js';
import { zaqarTargetOf, type ZaqarTarget } from '../../../alarm/zaqar-action.js';
import { asService, type CloudLogins } from '../../with-login.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { outcomeOfVerdict } from '../webhook/outcome.js';
import { askZaqar, MESSAGING, postMessage, type ZaqarDeps, type ZaqarQueue } from './message.js';

/** What the receiver of `zaqar://` actions needs. */
export interface ZaqarReceiverDeps extends ZaqarDeps {
  logins: CloudLogins | undefined;
  egress: EgressGuard;
}

type Targeted<Kind extends ZaqarTarget['kind']> = Extract<ZaqarTarget, { kind: Kind }>;

/**
 * Receiver of `zaqar://` actions. `?topic=…`: posts to a queue for the alarm and the topic in the service's own
 * project, and subscribes the named subscribers to it, if their addresses are allowed: Zaqar calls them with the
 * service's own rights. `?queue_name=…` with a signature: posts to a queue of the
 * alarm's owner, who made the signature.
 */
export function createZaqarReceiver(deps: ZaqarReceiverDeps): Receiver {
  return {
    async deliver(delivery, signal) {
      const target = zaqarTargetOf(parseAction(delivery.action).url.searchParams);
      if (typeof target === 'string') return { kind: 'dead', error: 'invalid' };
      const refused = await refusedSubscriber(deps.egress, delivery);
      if (refused) return refused;
      return target.kind === 'topic'
        ? toTopic(deps, target, delivery, signal)
        : toSignedQueue(deps, target, delivery, signal);
    },
  };
}

async function refusedSubscriber(
  egress: EgressGuard,
  { action, projectId }: Delivery,
): Promise<DeliveryOutcome | undefined> {
  const urls = subscriberUrls(action);
  if (urls === undefined) return { kind: 'dead', error: 'invalid' };
  for (const url of urls) {
    const refused = outcomeOfVerdict(await (await egress.gateTo(url, projectId)).resolved());
    if (refused) return refused;
  }
  return undefined;
}

/** Undefined if one of them cannot be parsed: the alarm was stored before subscribers were checked. */
function subscriberUrls(action: string): URL[] | undefined {
  try {
    return calledUrls(parseAction(action));
  } catch {
    return undefined;
  }
}

async function toTopic(
  deps: ZaqarReceiverDeps,
  { topic, subscribers, ttlSeconds: ttl }: Targeted<'topic'>,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  return asService(deps.logins, async (login) => {
    const access = { token: login.token };
    const queue: ZaqarQueue = {
      endpoint: await login.endpoint(MESSAGING),
      name: `${delivery.alarmId}-${topic}`,
      access,
    };
    for (const subscriber of subscribers) {
      const body = JSON.stringify({ subscriber, ttl, options: {} });
      // Each notification subscribes again. 409 means that the subscription exists.
      const outcome = await askZaqar(deps, queue, { what: 'subscriptions', body, delivery, accepts: [409] }, signal);
      if (outcome.kind !== 'delivered') return outcome;
    }
    return postMessage(deps, queue, delivery, signal);
  });
}

async function toSignedQueue(
  deps: ZaqarReceiverDeps,
  { name, headers }: Targeted<'signed queue'>,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  let endpoint = '';
  const lookup = await asService(deps.logins, async (login) => {
    endpoint = await login.endpoint(MESSAGING);
    return { kind: 'delivered' };
  });
  // The service's own login gives only Zaqar's endpoint. Its token is not sent.
  return endpoint === '' ? lookup : postMessage(deps, { endpoint, name, access: { headers } }, delivery, signal);
}
