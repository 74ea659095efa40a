import type { ActionScheme } from '../../alarm/action-text.js';
import { parseAction } from '../../alarm/action.js';
import { untilAborted } from '../../async/deadline.js';
import type { ServiceClock } from '../../clock.js';
import type { EgressGuard } from '../../egress/egress-guard.js';
import { toError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { createCloudClient } from '../cloud.js';
import type { WebhookSettingsReader } from '../webhook-settings.js';
import type { TrustDeps } from '../with-login.js';
import { createLogReceiver } from './log/log.js';
import { createQueueReceiver } from './queue/queue.js';
import type { Delivery, DeliveryOutcome, Receiver } from './receiver.js';
import { createTestReceiver } from './test/test.js';
import { createTrustHeatReceiver } from './trust-heat/trust-heat.js';
import { createTrustWebhookReceiver } from './trust-webhook/trust-webhook.js';
import { createTrustZaqarReceiver } from './trust-zaqar/trust-zaqar.js';
import { createWebhookReceiver } from './webhook/webhook.js';
import { createZaqarReceiver } from './zaqar/zaqar.js';

/** What the receivers need, all kinds together. */
export interface ReceiverDeps {
  clock: ServiceClock;
  log: Logger;
  egress: EgressGuard;
  settingsOf: WebhookSettingsReader;
  headersToLoopback: boolean;
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  queueRedisUrl: string | undefined;
  queuePrefix: string;
  version: string;
  cloud: CloudAccess;
}

/** What the receivers need that send requests to an OpenStack cloud. */
export interface CloudAccess extends Pick<TrustDeps, 'logins' | 'trustOf'> {
  /** Certificates to trust in addition to the system's, as PEM. */
  ca: string | undefined;
  /** True if a trust's token may be sent over a connection without TLS. */
  overHttp: boolean;
}

const TIMED_OUT: DeliveryOutcome = { kind: 'retry', error: 'timeout' };

/** All receivers as one. */
export interface Receivers {
  /**
   * Calls the receiver for the scheme of the action. Never rejects. Settles when `signal` aborts, even if the receiver
   * does not: a client library may wait for its server for ever.
   */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<{ receiver: string; outcome: DeliveryOutcome }>;
  close(): Promise<void>;
}

/** Creates the receivers of all action schemes. A scheme without a receiver is a type error. */
export function createReceivers(deps: ReceiverDeps): Receivers {
  const webhook = createWebhookReceiver({ ...deps, ca: deps.cloud.ca });
  const client = createCloudClient({ ...deps, ca: deps.cloud.ca });
  const cloud = { ...deps.cloud, client, egress: deps.egress, log: deps.log, wallNow: () => deps.clock.wallNow() };
  const trustWebhook = createTrustWebhookReceiver({ ...cloud, webhook });
  const receivers = {
    http: webhook,
    https: webhook,
    log: createLogReceiver(deps),
    queue: createQueueReceiver({ redisUrl: deps.queueRedisUrl, prefix: deps.queuePrefix, log: deps.log }),
    test: createTestReceiver(),
    'trust+http': trustWebhook,
    'trust+https': trustWebhook,
    zaqar: createZaqarReceiver(cloud),
    'trust+zaqar': createTrustZaqarReceiver(cloud),
    'trust+heat': createTrustHeatReceiver(cloud),
  } satisfies Record<ActionScheme, Receiver>;
  return {
    async deliver(delivery, signal) {
      const scheme = schemeOf(delivery.action);
      if (scheme === undefined) return { receiver: 'unknown', outcome: { kind: 'dead', error: 'invalid' } };
      try {
        const outcome = receivers[scheme].deliver(delivery, signal);
        return { receiver: scheme, outcome: await untilAborted(outcome, signal, () => TIMED_OUT) };
      } catch (thrown) {
        deps.log.error('internal error in a receiver; the attempt will be repeated', {
          notificationId: delivery.id,
          alarmId: delivery.alarmId,
          attempt: delivery.attempt,
          receiver: scheme,
          err: toError(thrown),
        });
        return { receiver: scheme, outcome: { kind: 'retry', error: 'internal' } };
      }
    },
    async close() {
      for (const receiver of new Set<Receiver>(Object.values(receivers))) await receiver.close?.();
      client.close();
    },
  };
}

function schemeOf(action: string): ActionScheme | undefined {
  try {
    return parseAction(action).scheme;
  } catch {
    return undefined; // stored by a newer release with more schemes
  }
}
