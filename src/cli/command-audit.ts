import type { RecordedFact } from '../api/audit/audit-recorder.js';
import { openAudit, type AuditDeps } from '../app/audit.js';
import { synchroniseClock } from '../app/time-keeper.js';
import { createSystemClock } from '../clock.js';
import { UNKNOWN } from '../storage/audit/audit-entry.js';
import { KEEP_ALL_DAYS } from '../storage/audit/audit-store.js';
import { databaseTime } from '../storage/engine/database-time.js';
import { createTelemetry } from '../telemetry.js';

/** The user in what a command has done, where the API has the user of a request. */
export const COMMAND_LINE = 'command line';

/** The audit trail of a command. */
export interface CommandAudit {
  now: Date;
  /** Records what the command has done. Fields that are absent are unknown. */
  record(fact: Pick<RecordedFact, 'action' | 'outcome'> & Partial<RecordedFact>): void;
}

/** Opens the audit trail for a command. Its entries are stored before `resources` release the database. */
export async function openCommandAudit(
  deps: Pick<AuditDeps, 'config' | 'db' | 'log' | 'resources'>,
): Promise<CommandAudit> {
  const clock = createSystemClock();
  await synchroniseClock(clock, () => databaseTime(deps.db));
  // A command may run without the `audit.keep_for` of the service.
  const audit = openAudit({ ...deps, clock, telemetry: createTelemetry() }, KEEP_ALL_DAYS);
  return {
    now: clock.now(),
    record: (fact) => void audit.record({ ...UNKNOWN, userId: COMMAND_LINE, ...fact }),
  };
}
