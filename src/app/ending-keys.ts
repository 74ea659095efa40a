import type { Chore } from '../housekeeping.js';
import type { Logger } from '../logger.js';
import { endingApiKeys } from '../storage/secrets/api-key-store.js';
import type { Database } from '../storage/database.js';
import type { Telemetry } from '../telemetry.js';

export interface EndingKeysDeps {
  db: Database;
  log: Logger;
  telemetry: Pick<Telemetry, 'apiKeysExpiring'>;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Time before its end from which a key is reported. */
const AHEAD_MS = 14 * DAY_MS;
/** Most keys that one line of the log names. */
const MAX_NAMED = 20;

/** Reports API keys that end soon: the metric every hour, the log once a day. Deletes nothing. */
export function endingKeysChore({ db, log, telemetry }: EndingKeysDeps): Chore {
  let warnedAt = -Infinity;
  return {
    name: 'API keys',
    everyMs: HOUR_MS,
    batch: 1,
    async run(now) {
      const ending = await endingApiKeys(db, { now, withinMs: AHEAD_MS, limit: MAX_NAMED });
      telemetry.apiKeysExpiring.set(ending.total);
      if (ending.total > 0 && now.getTime() - warnedAt >= DAY_MS) {
        warnedAt = now.getTime();
        log.warn('API keys end soon: make new ones before their clients are refused', ending);
      }
      return 0;
    },
  };
}
