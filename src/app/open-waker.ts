import type { Config } from '../config/schema.js';
import type { Logger } from '../logger.js';
import { createBullWaker } from '../notifier/bull-waker.js';
import type { LocalWaker, NotifierWaker } from '../notifier/waker.js';
import type { ReleaseStack } from '../release-stack.js';

/** With Redis, the waker reaches the notifiers of all processes; without it, those of this process. */
export function openWaker(
  { config, log, resources }: { config: Config; log: Logger; resources: ReleaseStack },
  local: LocalWaker,
): NotifierWaker {
  const { url, prefix } = config.redis;
  if (!url) return local;
  const bull = createBullWaker({ redisUrl: url.reveal(), prefix, pollEveryMs: config.notifier.sweep_every, log });
  resources.push('waker', () => bull.close());
  return bull;
}
