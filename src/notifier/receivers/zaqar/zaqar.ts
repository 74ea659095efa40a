import { parseAction } from '../../../alarm/action.js';
import { zaqarTargetOf, type ZaqarTarget } from '../../../alarm/zaqar-action.js';
import { asService, type CloudLogins } from '../../with-login.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { askZaqar, MESSAGING, postMessage, type ZaqarDeps, type ZaqarQueue } from './message.js';

type Targeted<Kind extends ZaqarTarget['kind']> = Extract<ZaqarTarget, { kind: Kind }>;

/**
 * Receiver of `zaqar://` actions. `?topic=…`: posts to a queue for the alarm and the topic in the service's own
 * project, and subscribes the named subscribers to it. `?queue_name=…` with a signature: posts to a queue of the
 * alarm's owner, who made the signature.
 */
export function createZaqarReceiver(deps: ZaqarDeps & { logins: CloudLogins | undefined }): Receiver {
  return {
    async deliver(delivery, signal) {
      const target = zaqarTargetOf(parseAction(delivery.action).url.searchParams);
      if (typeof target === 'string') return { kind: 'dead', error: 'invalid' };
      return target.kind === 'topic'
        ? toTopic(deps, target, delivery, signal)
        : toSignedQueue(deps, target, delivery, signal);
    },
  };
}

async function toTopic(
  deps: ZaqarDeps & { logins: CloudLogins | undefined },
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
  deps: ZaqarDeps & { logins: CloudLogins | undefined },
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
