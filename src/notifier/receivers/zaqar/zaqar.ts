import { parseAction } from '../../../alarm/action.js';
import { zaqarTargetOf, type ZaqarTarget } from '../../../alarm/zaqar-action.js';
import type { CloudLogins } from '../../cloud.js';
import { asService } from '../../with-login.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { askZaqar, MESSAGING, postMessage, type ZaqarDeps, type ZaqarQueue } from './message.js';

type Targeted<Kind extends ZaqarTarget['kind']> = Extract<ZaqarTarget, { kind: Kind }>;

/**
 * `zaqar://?topic=…`: a message to a queue of the alarm and that topic, of the service's own project, to which the
 * named subscribers are subscribed. `zaqar://?queue_name=…` with a signature: a message to a queue of the alarm's
 * owner, who signed for it.
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
      // Every notification subscribes again; 409 says that it was known.
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
  const looked = await asService(deps.logins, async (login) => {
    endpoint = await login.endpoint(MESSAGING);
    return { kind: 'delivered' };
  });
  // Our own login tells where Zaqar is, and nothing of it is sent along.
  return endpoint === '' ? looked : postMessage(deps, { endpoint, name, access: { headers } }, delivery, signal);
}
