import { parseAction } from '../alarm/action.js';
import type { Config } from '../config/schema.js';
import { StartupError, toError } from '../errors.js';
import type { HeartbeatSettings } from '../notifier/heartbeat.js';
import type { Database } from '../storage/database.js';
import { createHeartbeatStore } from '../storage/notifications/heartbeat-store.js';
import type { Sealer } from '../storage/secrets/sealed.js';

/**
 * The heartbeat of the configuration; undefined if `heartbeat.url` is not set.
 * @throws StartupError for a URL that no action can have.
 */
export function openHeartbeat({
  config,
  db,
  sealer,
}: {
  config: Pick<Config, 'heartbeat' | 'evaluator'>;
  db: Database;
  sealer: Sealer;
}): HeartbeatSettings | undefined {
  const { url, every: everyMs } = config.heartbeat;
  if (url === undefined) return undefined;
  try {
    parseAction(url.reveal());
  } catch (cause) {
    throw new StartupError(`heartbeat.url: no webhook can have this URL: ${toError(cause).message}`, { cause });
  }
  const options = { url: url.reveal(), everyMs, intervalMs: config.evaluator.interval, sealer };
  return { store: createHeartbeatStore(db, options), everyMs };
}
