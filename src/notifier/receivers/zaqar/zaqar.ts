import { parseAction } from '../../../alarm/action.js';
import type { CloudLogins } from '../../cloud.js';
import { asService } from '../../with-login.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { askZaqar, MESSAGING, postMessage, type ZaqarDeps, type ZaqarQueue } from './message.js';

const DEFAULT_TTL_S = 3_600;
const INVALID: DeliveryOutcome = { kind: 'dead', error: 'invalid' };

/**
 * `zaqar://?topic=…`: a message to a queue of the alarm and that topic, of the service's own project, to which the named subscribers are
 * subscribed. `zaqar://?queue_name=…` with a signature: a message to a queue of the alarm's owner, who signed for it.
 */
export function createZaqarReceiver(deps: ZaqarDeps & { logins: CloudLogins | undefined }): Receiver {
  return {
    async deliver(delivery, signal) {
      const { searchParams } = parseAction(delivery.action).url;
      const signed = searchParams.get('queue_name');
      return signed
        ? toSignedQueue(deps, { searchParams, name: signed }, delivery, signal)
        : toTopic(deps, searchParams, delivery, signal);
    },
  };
}

async function toTopic(
  deps: ZaqarDeps & { logins: CloudLogins | undefined },
  query: URLSearchParams,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  const topic = query.getAll('topic').at(-1);
  const ttl = Number(query.getAll('ttl').at(-1) ?? DEFAULT_TTL_S);
  if (!topic || !Number.isInteger(ttl)) return INVALID;
  return asService(deps.logins, async (login) => {
    const access = { token: login.token };
    const queue: ZaqarQueue = { endpoint: await login.endpoint(MESSAGING), name: `${delivery.alarmId}-${topic}`, access };
    for (const subscriber of query.getAll('subscriber')) {
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
  { searchParams, name }: { searchParams: URLSearchParams; name: string },
  delivery: Delivery,
  signal: AbortSignal,
): Promise<DeliveryOutcome> {
  const headers = {
    'url-expires': searchParams.get('expires') ?? '',
    'url-methods': searchParams.get('methods') ?? '',
    'url-paths': searchParams.get('paths') ?? '',
    'url-signature': searchParams.get('signature') ?? '',
    'x-project-id': searchParams.get('project_id') ?? '',
  };
  if (!Object.values(headers).every((value) => /^[\x20-\x7e]*$/.test(value))) return INVALID;
  let endpoint = '';
  const looked = await asService(deps.logins, async (login) => {
    endpoint = await login.endpoint(MESSAGING);
    return { kind: 'delivered' };
  });
  // Our own login tells where Zaqar is, and nothing of it is sent along.
  return endpoint === '' ? looked : postMessage(deps, { endpoint, name, access: { headers } }, delivery, signal);
}
